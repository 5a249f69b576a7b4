"""Vectors with missing features under diagonal covariances: as `missing_full`, but features say nothing of each other.

A missing feature leaves the density; its expectation and its variance are the component's own.
"""

from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.block import BLOCK, Batch, Block, Model, Output, empty_block
from streamgmm.mixture.compiled import compiled, part
from streamgmm.mixture.density import diagonal_joint, responsibilities
from streamgmm.mixture.filling import Filling, spread
from streamgmm.mixture.groups import Groups, empty_groups, fill_up, gather, group, load_group, store_group
from streamgmm.mixture.moments import Moments, Sums, add_block_diagonal, clear, diagonal_moments, empty_moments
from streamgmm.mixture.patterns import LOG_2_PI, Patterns, Seen, enter, filling_by, find


class Mixture(NamedTuple):
    """The model by features, without those that fill up."""

    log_weights: Array  # (k,)
    factors: Array  # (k, d)
    log_peaks: Array  # (k, d) of each feature's density


@compiled
def mixture_diagonal(model: Model, features: int) -> Mixture:
    """Each feature's share taken out of the constants."""
    log_weights, factors = model.constants.copy(), model.factors[:, :features].copy()
    log_peaks = np.log(factors) - 0.5 * LOG_2_PI
    for k in range(len(factors)):
        for i in range(features):
            log_weights[k] -= log_peaks[k, i]
    return Mixture(log_weights, factors, log_peaks)


@compiled
def scan_diagonal(seen: Seen, batch: Batch, output: Output, moments: Moments, wave: int, first: int, last: int) -> None:
    """As `missing_full.scan_full`."""
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
    diagonal_joint(scored, Model(patterns.constants[place], model.means, patterns.factors[place]), steps)
    responsibilities(scored, steps)
    return place


@part
def _add_run(model: Model, gathered: Block, filling: Filling, held: int, moments: Moments, slot: int) -> None:
    """Add the moments of the groups that were gathered to those of their block."""
    of_run, steps = empty_moments(model), fill_up(gathered, filling.ends[held - 1])
    diagonal_moments(gathered, model.means, filling, held, of_run, 0, steps)
    moments.weight[slot] += of_run.weight[0]
    sums = Sums(0.0, moments.mass[slot], moments.shift[slot], moments.scatter[slot])
    add_block_diagonal(np.zeros(model.means.shape), sums, of_run)


@part
def _place(patterns: Patterns, mixture: Mixture, groups: Groups, g: int, run: int) -> int:
    """Where a group's pattern is in the table, made now if it was not there."""
    place, new = find(patterns, groups.vectors, groups.firsts[g], run)
    if new:
        enter(patterns, place, groups.vectors, groups.firsts[g])
        _make(patterns, place, mixture)
    return place


@part
def _make(patterns: Patterns, place: int, mixture: Mixture) -> None:
    """Factors, constants and filling of the pattern that was entered at this place."""
    order, known = patterns.order[place], patterns.known[place]
    constants, factors, filling = patterns.constants[place], patterns.factors[place], patterns.filling[place]
    factors[:] = 0.0
    for k in range(len(constants)):
        constants[k] = mixture.log_weights[k]
        for i in order[:known]:
            constants[k] += mixture.log_peaks[k, i]
            factors[k, i] = mixture.factors[k, i]
        for i in order[known:]:
            filling[k, i] = spread(1.0 / (mixture.factors[k, i] * mixture.factors[k, i]))
