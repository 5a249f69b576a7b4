"""Vectors with missing features under full covariances: E-step, then statistics, one row after the other.

With the known features o first and the missing ones m after them, Sigma = L L^T, L = [[L_oo, 0], [L_mo, L_mm]], and

    z = L_oo^-1 (x_o - mu_o)                       log N(x_o) = -log det L_oo - |z|^2 / 2 - |o|/2 log 2 pi
    E[x_m | x_o] = mu_m + L_mo z                   Cov[x_m | x_o] = L_mm L_mm^T

Into the statistics goes the vector filled with its conditional means, and the conditional covariance on top: without
it variances would collapse (Ghahramani and Jordan 1994).

Rows are scored each by itself, and added in their order by the update of Welford (1962), each component by itself. So
the bits depend neither on how the rows were cut nor on which thread does what. The component is the innermost index
everywhere, so that the loops become vector instructions.
"""

import math
from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.block import LARGEST, Model, Output, Rows
from streamgmm.mixture.compiled import compiled, inlined, part
from streamgmm.mixture.density import FARTHEST
from streamgmm.mixture.exponential import exponentiate
from streamgmm.mixture.moments import Sums
from streamgmm.mixture.patterns import Mixture, Patterns, empty_patterns, find, inside_out


class Wave(NamedTuple):
    """So many rows that what is kept of each between its score and its sums has a bound."""

    rows: Rows
    output: Output
    deviations: Array  # (n, d, k) as of `Row`


class Row(NamedTuple):
    """Scratch for one row."""

    whitened: Array  # (d, k)
    deviations: Array  # (d, k) from the component's mean, in the pattern's order; of missing ones the expected
    joint: Array  # (k,): log joint density, then its exponential, then responsibility
    distance: Array  # (k,)
    peak: Array  # (k,)
    total: Array  # (k,)
    share: Array  # (k,)


@compiled
def score_full(model: Model, wave: Wave, first: int, last: int) -> None:
    """Score the rows from `first` to `last`."""
    mixture, patterns, row = inside_out(model), empty_patterns(model, last - first), empty_row(model)
    for n in range(first, last):
        vector = wave.rows.vectors[n]
        slot = find(patterns, mixture, vector)
        wave.output.log_likelihood[n] = _score(patterns, slot, mixture, vector, row)
        wave.output.responsibilities[n] = row.joint
        wave.deviations[n] = row.deviations


@compiled
def add_full(model: Model, sums: Sums, wave: Wave, first: int, last: int) -> None:
    """Add the rows, which are scored, to the sums of the components from `first` to `last`, in place."""
    own = Model(model.constants[first:last], model.means[first:last], model.factors[first:last])
    mixture, patterns, row = inside_out(own), empty_patterns(own, len(wave.deviations)), empty_row(own)
    mean, scatter = sums.mean[first:last].T.copy(), sums.scatter[first:last].transpose(1, 2, 0).copy()
    mass = sums.mass[first:last]
    for n in range(len(wave.deviations)):
        if wave.rows.weights[n] > 0.0:
            slot = find(patterns, mixture, wave.rows.vectors[n])
            row.joint[:] = wave.output.responsibilities[n, first:last]
            row.deviations[:] = wave.deviations[n, :, first:last]
            share_out(row, mass, min(wave.rows.weights[n], LARGEST))
            _add_means(patterns, slot, mixture, row, mean)
            _add_scatter(patterns, slot, row, scatter)
    _give_back(sums, mean, scatter, first)


@compiled
def evidence_full(model: Model, rows: Rows, log_likelihood: Array) -> None:
    """log p of what is known of each row."""
    mixture, patterns, row = inside_out(model), empty_patterns(model, len(rows.weights)), empty_row(model)
    for n in range(len(rows.weights)):
        slot = find(patterns, mixture, rows.vectors[n])
        log_likelihood[n] = _score(patterns, slot, mixture, rows.vectors[n], row)


@inlined
def normalised(row: Row) -> float:
    """log p; the joint densities become responsibilities."""
    components, highest = len(row.joint), row.joint.max()
    row.peak[:] = highest
    row.total[:] = 0.0
    exponentiate(row.joint, row.peak, row.total, components)
    total = 0.0
    for k in range(components):
        total += row.joint[k]
    for k in range(components):
        row.joint[k] /= total
    return float(highest + math.log(total))


@inlined
def bounded(value: float, bound: float) -> float:
    """At most `bound` away from 0; a NaN after an overflow too."""
    beyond = bound if value > 0.0 else -bound
    return value if abs(value) <= bound else beyond


@inlined
def _score(patterns: Patterns, slot: int, mixture: Mixture, vector: Array, row: Row) -> float:
    """log p of what is known; responsibilities and expected deviations into `row`."""
    order, known, factors = patterns.order[slot], patterns.known[slot], patterns.factors[slot]
    components = len(row.joint)
    row.distance[:] = 0.0
    for i in range(known):
        value = bounded(vector[order[i]], LARGEST)
        for k in range(components):
            row.deviations[i, k] = value - mixture.means[order[i], k]
            row.whitened[i, k] = row.deviations[i, k]
        for j in range(i):
            for k in range(components):
                row.whitened[i, k] -= factors[i, j, k] * row.whitened[j, k]
        for k in range(components):
            row.whitened[i, k] *= factors[i, i, k]
            row.distance[k] += row.whitened[i, k] * row.whitened[i, k]
    for i in range(known, len(order)):
        row.deviations[i] = 0.0
        for j in range(known):
            for k in range(components):
                row.deviations[i, k] += factors[i, j, k] * row.whitened[j, k]
        for k in range(components):
            row.deviations[i, k] = bounded(row.deviations[i, k], LARGEST)
    for k in range(components):
        distance = row.distance[k] if row.distance[k] < FARTHEST else FARTHEST
        row.joint[k] = patterns.constants[slot, k] - 0.5 * distance
    return normalised(row)


@inlined
def share_out(row: Row, mass: Array, weight: float) -> None:
    """Add mass. `distance` becomes what each component gained, `total` its fraction of the mass, `share` what the
    products of deviations from the sums' mean count.
    """
    for k in range(len(mass)):
        gained = weight * row.joint[k]
        mass[k] += gained
        row.total[k] = gained / mass[k] if gained > 0.0 else 0.0
        row.distance[k] = gained
        row.share[k] = gained * (1.0 - row.total[k])


@inlined
def _add_means(patterns: Patterns, slot: int, mixture: Mixture, row: Row, mean: Array) -> None:
    """Deviations become those from the sums' mean as it was."""
    for i in range(len(mean)):
        feature = patterns.order[slot, i]
        for k in range(len(row.total)):
            row.deviations[i, k] += mixture.means[feature, k] - mean[feature, k]
            mean[feature, k] += row.total[k] * row.deviations[i, k]


@inlined
def _add_scatter(patterns: Patterns, slot: int, row: Row, scatter: Array) -> None:
    """Add to the lower triangle."""
    order, known, factors = patterns.order[slot], patterns.known[slot], patterns.factors[slot]
    for i in range(len(order)):
        for k in range(len(row.joint)):
            row.whitened[i, k] = row.share[k] * row.deviations[i, k]
        for j in range(i + 1):
            cell = scatter[max(order[i], order[j]), min(order[i], order[j])]
            for k in range(len(cell)):
                cell[k] += row.whitened[i, k] * row.deviations[j, k]
            if j >= known:
                for k in range(len(cell)):
                    cell[k] += row.distance[k] * factors[i, j, k]


@part
def _give_back(sums: Sums, mean: Array, scatter: Array, first: int) -> None:
    for k in range(mean.shape[1]):
        for i in range(len(mean)):
            sums.mean[first + k, i] = mean[i, k]
            for j in range(i + 1):
                sums.scatter[first + k, i, j] = sums.scatter[first + k, j, i] = scatter[i, j, k]


@part
def empty_row(model: Model) -> Row:
    """Scratch for a model's rows."""
    components, features = model.means.shape
    return Row(
        np.empty((features, components)),
        np.empty((features, components)),
        np.empty(components),
        np.empty(components),
        np.empty(components),
        np.empty(components),
        np.empty(components),
    )
