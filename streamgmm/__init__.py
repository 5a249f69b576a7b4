"""Live, soft clustering of a stream: a Gaussian mixture kept up to date by stepwise EM.

    from streamgmm import StreamingGaussianMixture

is the mixture as a scikit-learn estimator. It is loaded when it is asked for: the service does without scikit-learn.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamgmm.estimator import StreamingGaussianMixture

__version__ = "0.1.0"
__all__ = ["StreamingGaussianMixture", "__version__"]


def __getattr__(name: str) -> object:
    if name != "StreamingGaussianMixture":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("streamgmm.estimator").StreamingGaussianMixture
