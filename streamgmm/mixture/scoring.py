"""What a model says of vectors that it does not learn."""

from numpy.typing import ArrayLike

from streamgmm.mixture import gaussian, missing
from streamgmm.mixture import pending as batch
from streamgmm.mixture.arrays import Array
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.moments import Sums
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.rows import rows_of
from streamgmm.mixture.state import Info


def e_step(
    parameters: Parameters, vectors: ArrayLike, covariance: Covariance, weights: ArrayLike | None = None
) -> tuple[Info, Sums]:
    """Score vectors (n, d) under a model that does not learn from them: what it says of each, and their sums.

    The same vectors give the same bits; of another cut only the info does. Raises ValueError as `score` does.
    """
    rows = rows_of(vectors, weights, parameters.means.shape[1])
    sums, output = batch.at_once(gaussian.model(parameters, covariance), rows, covariance.kernel)
    return Info(*output), sums


def log_likelihood(parameters: Parameters, vectors: ArrayLike, covariance: Covariance) -> Array:
    """log p of vectors (n, d), of what is known of each, under a model that is not learnt, in nats: (n,)."""
    rows = rows_of(vectors, None, parameters.means.shape[1])
    return missing.evidence(covariance.kernel, gaussian.model(parameters, covariance), rows)
