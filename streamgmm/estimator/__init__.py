"""The mixture as a scikit-learn estimator: `fit` on data that are there, `partial_fit` on a stream."""

from streamgmm.estimator.first_run import tell
from streamgmm.estimator.streaming import StreamingGaussianMixture

__all__ = ["StreamingGaussianMixture"]

tell()
