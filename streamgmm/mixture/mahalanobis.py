"""How many standard deviations a vector lies from each component: |P^T (x - mu)|."""

import numpy as np
from numpy.typing import ArrayLike

from streamgmm.mixture.arrays import Array, Flags, frozen
from streamgmm.mixture.block import LARGEST
from streamgmm.mixture.conditional import by_pattern, full_covariances
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.density import FARTHEST
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.rows import rows_of


def distances(parameters: Parameters, vectors: ArrayLike, covariance: Covariance) -> Array:
    """Mahalanobis distance of vectors (n, d) from each component: (n, k).

    Of a vector with missing features (NaN) the known ones count; its squared distance is chi-squared with as many
    degrees of freedom. With none known it is 0. As in the E-step no distance is above 1e70.
    """
    matrix = np.clip(rows_of(vectors, None, parameters.means.shape[1]).vectors, -LARGEST, LARGEST)
    found = np.zeros((len(matrix), len(parameters.means)))
    for missing, rows in by_pattern(matrix):
        if not missing.any():
            deviations = matrix[rows][None] - parameters.means[:, None]
            whitened = covariance.whiten(deviations, parameters.precisions_cholesky)
            found[rows] = np.linalg.norm(whitened, axis=2).T
        elif not missing.all():
            found[rows] = _marginal(parameters, matrix[np.ix_(rows, ~missing)], np.asarray(~missing), covariance)
    return frozen(np.minimum(found, np.sqrt(FARTHEST)))


def _marginal(parameters: Parameters, known: Array, features: Flags, covariance: Covariance) -> Array:
    """Of the known features alone."""
    spread = full_covariances(parameters, covariance)[:, features][:, :, features]
    deviations = (known[None] - parameters.means[:, None, features]).swapaxes(1, 2)
    return np.asarray(np.linalg.norm(np.linalg.solve(np.linalg.cholesky(spread), deviations), axis=1).T)
