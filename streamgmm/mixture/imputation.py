"""Missing features filled with their expectation, given what is known of the vector: the conditional mixture's mean.

E[x_m | x_o] = sum_k p(k | x_o) E[x_m | x_o, k]
"""

import numpy as np
from numpy.typing import ArrayLike

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.conditional import by_pattern, conditional
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.rows import rows_of


def impute(parameters: Parameters, vectors: ArrayLike, covariance: Covariance) -> Array:
    """The vectors (n, d) with every NaN replaced by its expectation; what is known stays as it is."""
    found = np.array(rows_of(vectors, None, parameters.means.shape[1]).vectors)
    for missing, rows in by_pattern(found):
        if missing.any():
            known = found[np.ix_(rows, ~missing)]
            mixture = conditional(parameters, known, missing, covariance)
            found[np.ix_(rows, missing)] = np.einsum("nk,nkm->nm", mixture.weights, mixture.means)
    return found
