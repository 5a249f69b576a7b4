"""Patterns of missing features, and what each of them needs of the model: factorised once, kept in a bounded table.

With the known features o first and the missing ones m after them, Sigma = L L^T and L = [[L_oo, 0], [L_mo, L_mm]].
The first block gives the density of what is known, the second the regression of what is missing on it, and
L_mm L_mm^T is what stays uncertain: positive semi-definite by construction.

The component is the innermost index everywhere, so that the loops become vector instructions.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.mixture.arrays import Array, Flags
from streamgmm.mixture.block import Model
from streamgmm.mixture.compiled import inlined, part

LOG_2_PI = math.log(2 * math.pi)
_EPSILON = 2.220446049250313e-16
_MOST_PATTERNS = 512  # kept at once
_MOST_NUMBERS = 1 << 21  # in their factors
_PROBES = 8  # places in the table where a pattern may be


class Mixture(NamedTuple):
    """The model with the component innermost."""

    log_weights: Array  # (k,)
    means: Array  # (d, k)
    covariances: Array  # (d, d, k)


class Patterns(NamedTuple):
    """A table of patterns. `factors` is L; known diagonal elements inverted, and L_mm L_mm^T in the place of L_mm."""

    used: Flags  # (s,)
    missing: Flags  # (s, d)
    order: NDArray[np.int64]  # (s, d) known features, then missing ones
    known: NDArray[np.int64]  # (s,) how many are known
    constants: Array  # (s, k) log density of the known features at its peak, weighted
    factors: Array  # (s, d, d, k)


@inlined
def find(patterns: Patterns, mixture: Mixture, vector: Array) -> int:
    """The place of the vector's pattern in the table, factorised now if it was not there."""
    slots = len(patterns.used)
    slot = _home(vector, slots)
    probes = 0
    while probes < _PROBES and patterns.used[slot] and not _is_of(vector, patterns.missing[slot]):
        slot = (slot + 1) % slots
        probes += 1
    if not patterns.used[slot] or probes == _PROBES:
        _factorise(patterns, slot, mixture, vector)
    return slot


@inlined
def _home(vector: Array, slots: int) -> int:
    """Where to look first: the hash of Fowler, Noll and Vo."""
    key = np.uint64(14695981039346656037)
    for value in vector:
        key = (key ^ np.uint64(1 if math.isnan(value) else 2)) * np.uint64(1099511628211)
    return int(np.int64((key ^ (key >> np.uint64(32))) % np.uint64(slots)))


@inlined
def _is_of(vector: Array, missing: Flags) -> bool:
    different = 0
    for i in range(len(vector)):
        different += math.isnan(vector[i]) != missing[i]
    return different == 0


@part
def _factorise(patterns: Patterns, slot: int, mixture: Mixture, vector: Array) -> None:
    """Put the vector's pattern into its place."""
    patterns.used[slot] = True
    patterns.missing[slot] = np.isnan(vector)
    known = _sort_features(patterns.missing[slot], patterns.order[slot])
    patterns.known[slot] = known
    factors, constants = patterns.factors[slot], patterns.constants[slot]
    _cholesky(mixture.covariances, patterns.order[slot], factors)
    for k in range(len(constants)):
        constants[k] = mixture.log_weights[k] - 0.5 * known * LOG_2_PI
    for i in range(known):
        for k in range(len(constants)):
            constants[k] -= math.log(factors[i, i, k])
            factors[i, i, k] = 1.0 / factors[i, i, k]
    _square_in_place(factors, known)


@part
def _sort_features(missing: Flags, order: NDArray[np.int64]) -> int:
    """Known features first; how many."""
    known = 0
    for i in range(len(missing)):
        if not missing[i]:
            order[known] = i
            known += 1
    last = known
    for i in range(len(missing)):
        if missing[i]:
            order[last] = i
            last += 1
    return known


@part
def _cholesky(covariances: Array, order: NDArray[np.int64], factors: Array) -> None:
    """L of the covariances with their features in that order. A pivot lost to rounding counts as rounding."""
    for i in range(len(order)):
        for j in range(i + 1):
            factors[i, j] = covariances[order[i], order[j]]
            for n in range(j):
                for k in range(factors.shape[2]):
                    factors[i, j, k] -= factors[i, n, k] * factors[j, n, k]
            if j < i:
                factors[i, j] /= factors[j, j]
        for k in range(factors.shape[2]):
            least = _EPSILON * covariances[order[i], order[i], k]
            factors[i, i, k] = math.sqrt(max(factors[i, i, k], least))


@part
def _square_in_place(factors: Array, known: int) -> None:
    """L_mm becomes L_mm L_mm^T, from its last element backwards, so that none is overwritten before it was used."""
    for i in range(len(factors) - 1, known - 1, -1):
        for j in range(i, known - 1, -1):
            for k in range(factors.shape[2]):
                total = 0.0
                for n in range(known, j + 1):
                    total += factors[i, n, k] * factors[j, n, k]
                factors[i, j, k] = total


@part
def inside_out(model: Model) -> Mixture:
    """Covariances from the factors of precisions: L = P^-T, Sigma = L L^T."""
    components, features = model.means.shape
    log_weights, covariances = model.constants + 0.5 * features * LOG_2_PI, np.empty((features, features, components))
    inverse = np.zeros((features, features))  # P^-1, upper triangular
    for k in range(components):
        factor = model.factors[k]
        for i in range(features):
            log_weights[k] -= math.log(factor[i, i])
            inverse[i, i] = 1.0 / factor[i, i]
            for j in range(i):
                rest = 0.0
                for n in range(j, i):
                    rest -= inverse[j, n] * factor[n, i]
                inverse[j, i] = rest * inverse[i, i]
        for i in range(features):
            for j in range(features):
                total = 0.0
                for n in range(min(i, j) + 1):
                    total += inverse[n, i] * inverse[n, j]
                covariances[i, j, k] = total
    return Mixture(log_weights, model.means.T.copy(), covariances)


@part
def empty_patterns(model: Model, count: int) -> Patterns:
    """A table for the patterns of `count` rows."""
    components, features = model.means.shape
    slots = max(1, min(2 * count, _MOST_PATTERNS, _MOST_NUMBERS // (components * features * features)))
    return Patterns(
        np.zeros(slots, np.bool_),
        np.empty((slots, features), np.bool_),
        np.empty((slots, features), np.int64),
        np.empty(slots, np.int64),
        np.empty((slots, components)),
        np.empty((slots, features, features, components)),
    )
