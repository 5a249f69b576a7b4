"""The mixture as a scikit-learn estimator: `fit` on data that are there, `partial_fit` on a stream."""

from streamgmm.estimator.streaming import StreamingGaussianMixture
from streamgmm.mixture.first_run import tell

__all__ = ["StreamingGaussianMixture"]

tell()
