"""Cholesky factors of precisions: the triangular P of Sigma^-1 = P P^T, for many covariances at once.

Sigma = L L^T gives P = L^-T. Compiled, because numpy's stops at the first matrix that is not positive definite
without saying which, and there are a thousand and more M-steps a second.
"""

import math

import numpy as np

from streamgmm.mixture.arrays import Array, Flags
from streamgmm.mixture.compiled import compiled, part

_ROUNDING = 2.220446049250313e-16  # a pivot below this share of the diagonal is noise


@compiled
def precision_factors(covariances: Array) -> tuple[Array, Flags]:
    """(P, sound) of (m, d, d): (m, d, d) upper triangular, and (m,) whether the matrix is positive definite."""
    factors = np.zeros(covariances.shape)
    sound = np.empty(len(covariances), np.bool_)
    for m in range(len(covariances)):
        sound[m] = factorise_one(covariances[m].copy(), factors[m])  # writable, as the M-step's: compiled once
    return factors, sound


@part
def factorise_one(covariance: Array, factor: Array) -> bool:
    """The upper triangle of P (d, d), and whether the covariance is positive definite; if not, P stays as it is."""
    lower = np.empty(covariance.shape)
    sound = _cholesky(covariance, lower)
    if sound:
        _invert_transposed(lower, factor)
    return sound


@part
def _cholesky(matrix: Array, lower: Array) -> bool:
    for i in range(len(matrix)):
        for j in range(i):
            rest = matrix[i, j]
            for n in range(j):
                rest -= lower[i, n] * lower[j, n]
            lower[i, j] = rest / lower[j, j]
        pivot = matrix[i, i]
        for n in range(i):
            pivot -= lower[i, n] * lower[i, n]
        if not pivot > _ROUNDING * matrix[i, i] or not pivot > 0.0:
            return False
        lower[i, i] = math.sqrt(pivot)
    return True


@part
def _invert_transposed(lower: Array, factor: Array) -> None:
    """factor = lower^-T. `factor[j]` is column j of lower^-1, found by forward substitution."""
    for j in range(len(lower)):
        factor[j, j] = 1.0 / lower[j, j]
        for i in range(j + 1, len(lower)):
            rest = 0.0
            for n in range(j, i):
                rest -= lower[i, n] * factor[j, n]
            factor[j, i] = rest / lower[i, i]
