"""How many standard deviations a vector lies from each component: |P^T (x - mu)| (Mahalanobis 1936)."""

import numpy as np
from numpy.typing import ArrayLike

from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import LARGEST
from streamgmm.mixture.conditional import by_pattern, independent, look, view
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.density import FARTHEST
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.pieces import spans
from streamgmm.mixture.rows import rows_of


def distances(parameters: Parameters, vectors: ArrayLike, covariance: Covariance) -> Array:
    """Mahalanobis distance of vectors (n, d) from each component: (n, k).

    Of a vector with missing features (NaN) the known ones count; its squared distance is chi-squared with as many
    degrees of freedom. With none known it is 0. As in the E-step no distance is above 1e70.
    """
    matrix = rows_of(vectors, None, parameters.means.shape[1]).vectors
    squares = np.empty((len(matrix), len(parameters.means)))
    measure = _measure_each if independent(covariance) else _measure
    measure(parameters, matrix, covariance, squares)
    return frozen(np.sqrt(squares))


def _measure_each(parameters: Parameters, matrix: Array, covariance: Covariance, squares: Array) -> None:
    """Where features say nothing of one another, a missing one adds nothing."""
    for piece in spans(len(matrix), parameters.means.size):
        deviations = np.clip(matrix[piece], -LARGEST, LARGEST) - parameters.means[:, None]
        known = np.where(np.isnan(deviations), 0.0, deviations)
        distance = np.square(covariance.whiten(known, parameters.precisions_cholesky)).sum(axis=2)
        squares[piece] = np.minimum(distance, FARTHEST).T


def _measure(parameters: Parameters, matrix: Array, covariance: Covariance, squares: Array) -> None:
    for missing, rows in by_pattern(matrix):
        seen = view(parameters, missing, covariance)
        for piece in spans(len(rows), parameters.means.size):
            squares[rows[piece]] = look(seen, matrix[rows[piece]]).distance.T
