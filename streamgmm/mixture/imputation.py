"""Missing features filled with their expectation, given what is known of the vector.

With the precision L of component k, and m and o the features that are missing and observed (Bishop 2006, 2.3.1),

    E[x_m | x_o, k] = mu_m - L_mm^-1 L_mo (x_o - mu_o),        E[x_m | x_o] = sum_k p(k | x_o) E[x_m | x_o, k]
"""

import numpy as np
from numpy.typing import ArrayLike

from streamgmm.mixture import gaussian, pending
from streamgmm.mixture.arrays import Array, Flags
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters, shape_of
from streamgmm.mixture.rows import rows_of


def impute(parameters: Parameters, vectors: ArrayLike, covariance: Covariance) -> Array:
    """The vectors (n, d) with every NaN replaced by its expectation; what is known stays as it is."""
    shape = shape_of(parameters)
    rows = rows_of(vectors, None, shape[1])
    model, kernel = gaussian.model(parameters, covariance), covariance.kernel
    _, output = pending.add(pending.nothing(shape, kernel), model, rows, kernel)
    filled = np.array(rows.vectors)
    patterns, which = np.unique(np.isnan(filled), axis=0, return_inverse=True)
    precisions = _precisions(parameters, covariance)
    for number, missing in enumerate(patterns):
        of = np.flatnonzero(which.reshape(-1) == number)
        expected = _expected(filled[of], missing, parameters.means, precisions)
        filled[np.ix_(of, missing)] = np.einsum("nk,knm->nm", output.responsibilities[of], expected)
    return filled


def _expected(vectors: Array, missing: Flags, means: Array, precisions: Array) -> Array:
    """E[x_m | x_o, k] of vectors (n, d) with the same features missing: (k, n, m)."""
    known = ~missing
    deviations = vectors[:, known] - means[:, None, known]
    lean = np.linalg.solve(precisions[:, missing][:, :, missing], precisions[:, missing][:, :, known])
    return np.asarray(means[:, None, missing] - deviations @ lean.swapaxes(1, 2))


def _precisions(parameters: Parameters, covariance: Covariance) -> Array:
    """(k, d, d), whatever the covariance type."""
    n_components, n_features = shape_of(parameters)
    unit = np.broadcast_to(np.eye(n_features), (n_components, n_features, n_features))
    factors = covariance.whiten(unit, parameters.precisions_cholesky)
    return factors @ factors.swapaxes(1, 2)
