"""What is missing of a vector, given what is known: again a mixture. `imputation` gives its mean alone.

    p(x_m | x_o) = sum_k p(k | x_o) N(x_m; mu_m + B (x_o - mu_o), Sigma_mm - B Sigma_om),   B = Sigma_mo Sigma_oo^-1

Written plainly, for one pattern of missing features at a time; the E-step has compiled passes of its own.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from streamgmm.mixture.arrays import Array, Flags, frozen
from streamgmm.mixture.block import LARGEST
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.density import FARTHEST
from streamgmm.mixture.gaussian import log_sum_exp
from streamgmm.mixture.parameters import Parameters, shape_of
from streamgmm.mixture.rows import rows_of
from streamgmm.mixture.start import Labels


class Conditional(NamedTuple):
    """The mixture of m missing features, given the known ones, of each of n vectors that lack the same."""

    weights: Array  # (n, k) p(k | x_o), the responsibilities
    log_likelihood: Array  # (n,) log p(x_o)
    means: Array  # (n, k, m)
    covariances: Array  # (k, m, m): the same whatever is known


def conditional(parameters: Parameters, known: ArrayLike, missing: Flags, covariance: Covariance) -> Conditional:
    """The distribution of the features that `missing` (d,) flags, given the others' values `known` (n, d - m).

    Raises ValueError where the shapes do not fit together or a value is not known.
    """
    values = rows_of(known, None, int((~missing).sum())).vectors if not missing.all() else frozen(known)
    if missing.shape != parameters.means.shape[1:] or np.isnan(values).any():
        raise ValueError("missing must have a flag for each feature, and known a value for each that is not missing")
    values = np.clip(values, -LARGEST, LARGEST)  # as the E-step takes them
    spread = full_covariances(parameters, covariance)
    parts = [_of_component(mean, sigma, values, missing) for mean, sigma in zip(parameters.means, spread, strict=True)]
    joint = np.log(parameters.weights) + np.stack([part.log_density for part in parts], axis=1)
    evidence = log_sum_exp(joint)
    return Conditional(
        frozen(np.exp(joint - evidence[:, None])),
        frozen(evidence),
        frozen(np.stack([part.mean for part in parts], axis=1)),
        frozen(np.stack([part.covariance for part in parts])),
    )


def by_pattern(vectors: Array) -> list[tuple[Flags, Labels]]:
    """Each pattern of missing features (d,) of vectors (n, d), and the rows that have it."""
    patterns, of_row = np.unique(np.isnan(vectors), axis=0, return_inverse=True)
    rows = of_row.reshape(-1)
    return [(np.asarray(pattern), np.flatnonzero(rows == number)) for number, pattern in enumerate(patterns)]


def full_covariances(parameters: Parameters, covariance: Covariance) -> Array:
    """(k, d, d), whatever the type."""
    factors = covariance.factors(parameters.covariances, shape_of(parameters))
    return factors if factors.ndim == 3 else np.asarray(factors[:, :, None] * np.eye(factors.shape[1]))


class _Part(NamedTuple):
    """Of one component."""

    log_density: Array  # (n,)
    mean: Array  # (n, m)
    covariance: Array  # (m, m)


def _of_component(mean: Array, sigma: Array, known: Array, missing: Flags) -> _Part:
    """One Cholesky factor with the known features first; see `patterns`."""
    from scipy.linalg import solve_triangular  # noqa: PLC0415 - slow to load, and the service's start needs it rarely

    order = np.argsort(missing, kind="stable")
    n_known = known.shape[1]
    root = np.linalg.cholesky(sigma[np.ix_(order, order)])
    head, cross, rest = root[:n_known, :n_known], root[n_known:, :n_known], root[n_known:, n_known:]
    whitened = solve_triangular(head, (known - mean[~missing]).T, lower=True) if n_known else np.zeros((0, len(known)))
    constant = np.log(np.diagonal(head)).sum() + 0.5 * n_known * np.log(2 * np.pi)
    distance = np.minimum(np.square(whitened).sum(axis=0), FARTHEST)
    return _Part(-0.5 * distance - constant, mean[missing] + (cross @ whitened).T, rest @ rest.T)
