"""Vectors with missing features under full covariances, block by block; in a block, pattern by pattern.

With the known features o first and the missing ones m after them, Sigma = L L^T, L = [[L_oo, 0], [L_mo, L_mm]], and

    P_o = L_oo^-T            the factor of the known features' precision: they are scored as any vector is
    B = L_mo L_oo^-1         the regression of what is missing on what is known
    C = L_mm L_mm^T          what stays uncertain: positive semi-definite by construction

which are Bishop 2006, equations 2.81 and 2.82, for what one regresses on the other (Ghahramani and Jordan 1994).

P_o is triangular in the features' own order, too.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.block import BLOCK, Batch, Block, Model, Output, empty_block
from streamgmm.mixture.compiled import compiled, inlined, part, part_sum
from streamgmm.mixture.density import full_joint, responsibilities
from streamgmm.mixture.filling import Filling, spread
from streamgmm.mixture.groups import Groups, empty_groups, fill_up, gather, group, load_group, store_group
from streamgmm.mixture.moments import Moments, Sums, add_block_full, clear, empty_moments, full_moments
from streamgmm.mixture.patterns import LOG_2_PI, Patterns, Seen, enter, filling_by, find

_EPSILON = 2.220446049250313e-16


class Mixture(NamedTuple):
    """The model by its covariances, without the features that fill up."""

    log_weights: Array  # (k,)
    covariances: Array  # (k, d, d)


@compiled
def mixture_full(model: Model, features: int) -> Mixture:
    """Covariances from the factors of precisions: L = P^-T, Sigma = L L^T."""
    components = len(model.means)
    log_weights, covariances = model.constants + 0.5 * features * LOG_2_PI, np.empty((components, features, features))
    inverse = np.zeros((features, features))  # L, lower triangular
    for k in range(components):
        factor = model.factors[k]
        for i in range(features):
            log_weights[k] -= math.log(factor[i, i])
            inverse[i, i] = 1.0 / factor[i, i]
            for j in range(i):
                rest = 0.0
                for n in range(j, i):
                    rest -= inverse[n, j] * factor[n, i]
                inverse[i, j] = rest * inverse[i, i]
        for i in range(features):
            for j in range(i + 1):
                total = 0.0
                for n in range(j + 1):
                    total += inverse[i, n] * inverse[j, n]
                covariances[k, i, j] = covariances[k, j, i] = total
    return Mixture(log_weights, covariances)


@compiled
def scan_full(seen: Seen, batch: Batch, output: Output, moments: Moments, wave: int, first: int, last: int) -> None:
    """Score the blocks from `first` to `last` of the wave that begins at block `wave`; moments of complete ones.

    So many groups are filled in together as the table holds patterns: a run. As a rule it is the whole block.
    """
    groups, filling = empty_groups(seen.patterns.missing.shape[1]), filling_by(seen.patterns)
    scored, gathered, carried = empty_block(seen.model), empty_block(seen.model), len(batch.carried.weights)
    for slot in range(first, last):
        start = (wave + slot) * BLOCK
        whole, begin, base, held = start < batch.complete, 0, 0, 0
        row = start if whole else max(start, carried)
        count = group(groups, batch, row)
        if whole:
            clear(moments, slot)
        for g in range(count):
            end = groups.ends[g]
            filling.patterns[held], filling.ends[held] = _score(seen, groups, g, scored, row + base + 1), end - base
            store_group(scored, groups, output, begin, end, row - carried)
            if whole:
                gather(gathered, scored, begin - base, end - begin)
            begin, held = end, held + 1
            if held == len(seen.patterns.used) or g == count - 1:
                if whole:
                    _add_run(seen.model, gathered, filling, held, moments, slot)
                base, held = end, 0


@part
def _score(seen: Seen, groups: Groups, g: int, scored: Block, run: int) -> int:
    """Score a group; returns where its pattern is in the table."""
    model, mixture, patterns = seen
    begin, end = groups.ends[g - 1] if g else 0, groups.ends[g]
    steps = load_group(scored, groups, begin, end)
    place = _place(patterns, mixture, groups, g, run)
    full_joint(scored, Model(patterns.constants[place], model.means, patterns.factors[place]), steps)
    responsibilities(scored, steps)
    return place


@part
def _add_run(model: Model, gathered: Block, filling: Filling, held: int, moments: Moments, slot: int) -> None:
    """Add the moments of the groups that were gathered to those of their block."""
    of_run, steps = empty_moments(model), fill_up(gathered, filling.ends[held - 1])
    full_moments(gathered, model.means, filling, held, of_run, 0, steps)
    moments.weight[slot] += of_run.weight[0]
    sums = Sums(0.0, moments.mass[slot], moments.shift[slot], moments.scatter[slot])
    add_block_full(np.zeros(model.means.shape), sums, of_run)


@part
def _place(patterns: Patterns, mixture: Mixture, groups: Groups, g: int, run: int) -> int:
    """Where a group's pattern is in the table, made now if it was not there."""
    place, new = find(patterns, groups.vectors, groups.firsts[g], run)
    if new:
        enter(patterns, place, groups.vectors, groups.firsts[g])
        _make(patterns, place, mixture)
    return place


@part_sum
def _make(patterns: Patterns, place: int, mixture: Mixture) -> None:
    """Factors, constants and filling of the pattern that was entered at this place."""
    order, known, constants = patterns.order[place], patterns.known[place], patterns.constants[place]
    lower, inverse = np.empty((len(order), len(order))), np.empty((len(order), len(order)))
    patterns.factors[place] = 0.0
    for k in range(len(constants)):
        _cholesky(mixture.covariances[k], order, lower)
        constants[k] = mixture.log_weights[k] - 0.5 * known * LOG_2_PI
        for i in range(known):
            constants[k] -= math.log(lower[i, i])
        for j in range(known):
            _regress(lower, order, known, j, inverse[j], patterns.factors[place, k], patterns.filling[place, k])
        _square(lower, order, known, patterns.filling[place, k])


@inlined
def _cholesky(covariance: Array, order: NDArray[np.int64], lower: Array) -> None:
    """L of the covariance with its features in that order. A pivot lost to rounding counts as rounding."""
    for i in range(len(order)):
        for j in range(i + 1):
            rest = covariance[order[i], order[j]]
            for n in range(j):
                rest -= lower[i, n] * lower[j, n]
            least = _EPSILON * covariance[order[i], order[i]]
            lower[i, j] = math.sqrt(max(rest, least)) if i == j else rest / lower[j, j]


@inlined
def _regress(
    lower: Array, order: NDArray[np.int64], known: int, j: int, column: Array, factor: Array, filling: Array
) -> None:
    """Column j of L_oo^-1, which is row j of P_o, and of B below it."""
    for i in range(j, len(order)):
        total = 0.0
        for n in range(j, min(i, known)):
            total += lower[i, n] * column[n]
        if i < known:
            column[i] = (1.0 if i == j else -total) / lower[i, i]
            factor[order[j], order[i]] = column[i]
        else:
            filling[order[i], order[j]] = total


@inlined
def _square(lower: Array, order: NDArray[np.int64], known: int, filling: Array) -> None:
    """C = L_mm L_mm^T, its lower triangle."""
    for i in range(known, len(order)):
        for j in range(known, i + 1):
            total = 0.0
            for n in range(known, j + 1):
                total += lower[i, n] * lower[j, n]
            filling[order[i], order[j]] = spread(total)
