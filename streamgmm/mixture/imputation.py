"""Missing features filled with their expectation, given what is known of the vector: the conditional mixture's mean.

E[x_m | x_o] = sum_k p(k | x_o) E[x_m | x_o, k]        (Ghahramani and Jordan 1994)
"""

import numpy as np
from numpy.typing import ArrayLike

from streamgmm.mixture import scoring
from streamgmm.mixture.arrays import Array
from streamgmm.mixture.conditional import by_pattern, expected, independent, view
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.pieces import spans
from streamgmm.mixture.rows import rows_of


def impute(parameters: Parameters, vectors: ArrayLike, covariance: Covariance) -> Array:
    """The vectors (n, d) with every NaN replaced by its expectation; what is known stays as it is."""
    found = np.array(rows_of(vectors, None, parameters.means.shape[1]).vectors)
    fill = _fill_with_means if independent(covariance) else _fill
    fill(parameters, found, covariance)
    return found


def _fill_with_means(parameters: Parameters, found: Array, covariance: Covariance) -> None:
    """Where features say nothing of one another, a component expects its mean."""
    for piece in spans(len(found), parameters.means.size):
        missing = np.isnan(found[piece])
        if missing.any():
            weights = scoring.e_step(parameters, found[piece], covariance).responsibilities
            np.copyto(found[piece], weights @ parameters.means, where=missing)


def _fill(parameters: Parameters, found: Array, covariance: Covariance) -> None:
    for missing, rows in by_pattern(found):
        if missing.any():
            seen = view(parameters, missing, covariance)
            for piece in spans(len(rows), parameters.means.size):
                mixture = expected(seen, found[rows[piece]])
                mean = np.einsum("nk,nkm->nm", mixture.weights, mixture.means)
                found[np.ix_(rows[piece], missing)] = mean
