"""What is missing of a vector, given what is known: again a mixture. `imputation` gives its mean alone.

    p(x_m | x_o) = sum_k p(k | x_o) N(x_m; mu_m + z, C)                  Bishop 2006, equations 2.96 and 2.97 for one k

What a component expects in the place of missing features is what brings the vector nearest to it. With the factor P of
its precision, P_m the rows of P that belong to missing features, and y = P^T (x - mu) where x_m = mu_m,

    z minimises |y + P_m^T z|^2,    C = (P_m P_m^T)^-1,    det (marginal precision of o) = det (P P^T) det C

and the least value is the squared distance of what is known from its marginal. So the factorisation P_m^T = Q R answers
everything: z = -R^-1 Q^T y, C = R^-1 R^-T. No covariance is formed, so a nearly singular one loses no digits.

Written plainly, for one pattern of missing features at a time; the E-step has compiled passes of its own.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamgmm.mixture.arrays import Array, Flags, frozen
from streamgmm.mixture.block import LARGEST
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.density import FARTHEST
from streamgmm.mixture.gaussian import log_sum_exp, with_weights
from streamgmm.mixture.parameters import Parameters, shape_of
from streamgmm.mixture.pieces import spans
from streamgmm.mixture.rows import rows_of
from streamgmm.mixture.start import Labels


class Conditional(NamedTuple):
    """The mixture of m missing features, given the known ones, of each of n vectors that lack the same."""

    weights: Array  # (n, k) p(k | x_o), the responsibilities
    log_likelihood: Array  # (n,) log p(x_o)
    means: Array  # (n, k, m)
    covariances: Array  # (k, m, m): the same whatever is known


class Expected(NamedTuple):
    """Of a `Conditional` what differs from vector to vector."""

    weights: Array  # (n, k)
    log_likelihood: Array  # (n,)
    means: Array  # (n, k, m)


class View(NamedTuple):
    """The components as vectors see them that miss certain features."""

    parameters: Parameters
    covariance: Covariance
    missing: Flags  # (d,)
    basis: Array  # Q (k, d, m)
    root: Array  # R (k, m, m)


class Seen(NamedTuple):
    """What the components say of n such vectors."""

    distance: Array  # (k, n) squared, of what is known
    shift: Array  # z (k, n, m)


def conditional(parameters: Parameters, known: ArrayLike, missing: Flags, covariance: Covariance) -> Conditional:
    """The distribution of the features that `missing` (d,) flags, given the others' values `known` (n, d - m).

    Raises ValueError where the shapes do not fit together or a value is not known.
    """
    values = rows_of(known, None, int((~missing).sum())).vectors if not missing.all() else frozen(known)
    if missing.shape != parameters.means.shape[1:] or np.isnan(values).any():
        raise ValueError("missing must have a flag for each feature, and known a value for each that is not missing")
    vectors = np.zeros((len(values), len(missing)))
    vectors[:, ~missing] = values
    seen = view(parameters, missing, covariance)
    n, k, m = len(vectors), len(parameters.means), int(missing.sum())
    found = Expected(np.empty((n, k)), np.empty(n), np.empty((n, k, m)))
    for piece in spans(n, parameters.means.size):
        for whole, part in zip(found, expected(seen, vectors[piece]), strict=True):
            whole[piece] = part
    inverse = np.linalg.inv(seen.root)
    covariances = frozen(inverse @ inverse.swapaxes(1, 2))
    return Conditional(frozen(found.weights), frozen(found.log_likelihood), frozen(found.means), covariances)


def expected(view: View, vectors: Array) -> Expected:
    """What is expected of what the view misses of vectors (n, d), whatever stands there."""
    seen, parameters = look(view, vectors), view.parameters
    joint = with_weights(_log_peaks(view) - 0.5 * seen.distance.T, parameters.weights)
    evidence = log_sum_exp(joint)
    means = (parameters.means[:, None, view.missing] + seen.shift).swapaxes(0, 1)
    return Expected(np.exp(joint - evidence[:, None]), evidence, means)


def view(parameters: Parameters, missing: Flags, covariance: Covariance) -> View:
    """The factorisation that all vectors share which lack the same features."""
    factors = covariance.factors(parameters.precisions_cholesky, shape_of(parameters))
    if factors.ndim == 2:
        factors = factors[:, :, None] * np.eye(len(missing))
    basis, root = np.linalg.qr(factors[:, missing].swapaxes(1, 2))
    return View(parameters, covariance, missing, basis, root)


def look(view: View, vectors: Array) -> Seen:
    """The distances of vectors (n, d) and what brings them nearest; what stands in missing features does not matter.

    As in the E-step no coordinate counts as more than `LARGEST`, and no squared distance as more than `FARTHEST`.
    """
    known, means = np.clip(vectors, -LARGEST, LARGEST), view.parameters.means
    deviations = np.where(view.missing, 0.0, known - means[:, None])
    whitened = view.covariance.whiten(deviations, view.parameters.precisions_cholesky)
    along = whitened @ view.basis
    distance = np.square(whitened - along @ view.basis.swapaxes(1, 2)).sum(axis=2)
    shift = np.linalg.solve(view.root, -along.swapaxes(1, 2)).swapaxes(1, 2)
    return Seen(np.asarray(np.minimum(distance, FARTHEST)), np.asarray(shift))


def independent(covariance: Covariance) -> bool:
    """Whether the features of a component say nothing of one another."""
    return covariance.kernel.order == 1


def by_pattern(vectors: Array) -> list[tuple[Flags, Labels]]:
    """Each pattern of missing features (d,) of vectors (n, d), and the rows that have it, ascending."""
    missing = np.isnan(vectors)
    _, first, of_row = np.unique(_keys(missing), return_index=True, return_inverse=True)
    ends = np.cumsum(np.bincount(of_row, minlength=len(first)))
    rows = np.split(np.argsort(of_row, kind="stable"), ends)
    return list(zip(missing[first], rows[:-1], strict=True))


def _keys(flags: Flags) -> NDArray[Any]:
    """Flags (n, d) as values (n,) that sort fast: a number each, or as many bytes as are needed."""
    packed = np.packbits(flags, axis=1)
    wide = np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8)))
    return wide.view(np.uint64 if wide.shape[1] == 8 else np.dtype((np.void, wide.shape[1]))).reshape(-1)


def full_covariances(parameters: Parameters, covariance: Covariance) -> Array:
    """(k, d, d), whatever the type."""
    factors = covariance.factors(parameters.covariances, shape_of(parameters))
    return factors if factors.ndim == 3 else np.asarray(factors[:, :, None] * np.eye(factors.shape[1]))


def _log_peaks(view: View) -> Array:
    """log N of the known features at its peak: (k,)."""
    n_known = len(view.missing) - int(view.missing.sum())
    whole = view.covariance.log_determinants(view.parameters.precisions_cholesky, len(view.missing))
    rest = np.log(np.abs(np.diagonal(view.root, axis1=1, axis2=2))).sum(axis=1)
    return np.asarray(whole - rest - 0.5 * n_known * np.log(2 * np.pi))
