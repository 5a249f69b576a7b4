"""What a model says of vectors that it does not learn."""

from numpy.typing import ArrayLike

from streamgmm.mixture import gaussian, missing
from streamgmm.mixture.arrays import Array
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.rows import rows_of
from streamgmm.mixture.state import Info


def e_step(parameters: Parameters, vectors: ArrayLike, covariance: Covariance) -> Info:
    """Score vectors (n, d) under a model that does not learn from them. Raises ValueError as `score` does."""
    rows = rows_of(vectors, None, parameters.means.shape[1])
    return Info(*missing.scores(covariance.kernel, gaussian.model(parameters, covariance), rows))


def log_likelihood(parameters: Parameters, vectors: ArrayLike, covariance: Covariance) -> Array:
    """log p of vectors (n, d), of what is known of each, under a model that is not learnt, in nats: (n,)."""
    rows = rows_of(vectors, None, parameters.means.shape[1])
    return missing.evidence(covariance.kernel, gaussian.model(parameters, covariance), rows)
