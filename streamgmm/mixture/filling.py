"""What a component expects in the place of missing features, and what stays uncertain there.

With the known features o and the missing ones m of a vector,

    E[x_m | x_o] = mu_m + B (x_o - mu_o),    B = Sigma_mo Sigma_oo^-1          the regression of m on o
    Cov[x_m | x_o] = C = Sigma_mm - B Sigma_om                       (Bishop 2006, equations 2.81 and 2.82)

Into the statistics goes the vector filled with its expectation, and C on top: without it variances would collapse
(Ghahramani and Jordan 1994). Independent features say nothing of each other: B is 0, C the component's own variance.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.block import LARGEST, TILE, UNSEEN, Block
from streamgmm.mixture.compiled import inlined, part


class Filling(NamedTuple):
    """How the vectors of a block are filled in, which lie side by side where they miss the same features."""

    order: NDArray[np.int64]  # (s, d) of s patterns: known features, then missing ones
    known: NDArray[np.int64]  # (s,) how many are known
    by: Array  # (s, k, d, d) rows of missing features: B at the known ones, C at the others; or C's diagonal (s, k, d)
    patterns: NDArray[np.int64]  # (256,) that of each group of vectors
    ends: NDArray[np.int64]  # (256,) the lane at which each group ends


class Regression(NamedTuple):
    """Of one missing feature on the known ones, under one component."""

    order: NDArray[np.int64]  # (d,) as `Filling`
    known: int
    mean: Array  # (d,)
    by: Array  # (d,)


@inlined
def spread(variance: float) -> float:
    """A conditional variance as it goes into the scatter: what nothing is known of adds nothing (`unseen`)."""
    return variance if variance < 0.5 * UNSEEN else 0.0


@part
def nothing_to_fill(by: Array) -> Filling:
    """Of vectors without gaps; `by` is any array of the right kind."""
    nothing = np.empty(0, np.int64)
    return Filling(np.empty((0, 0), np.int64), nothing, by, nothing, nothing)


@inlined
def fill_in_full(filling: Filling, groups: int, k: int, mean: Array, block: Block) -> None:
    """Put what component k expects into the missing features of the block's first groups."""
    begin = 0
    for g in range(groups):
        pattern, end = filling.patterns[g], filling.ends[g]
        order, known = filling.order[pattern], filling.known[pattern]
        for i in range(known, len(order)):
            row, centre, by = block.vectors[order[i]], mean[order[i]], filling.by[pattern, k, order[i]]
            for n in range(begin, end):
                row[n] = centre
            for j in range(0, known, TILE):
                _add_four(block, Regression(order, known, mean, by), j, row, begin, end)
            for n in range(begin, end):
                row[n] = _bounded(row[n])
        begin = end


@inlined
def _add_four(block: Block, regression: Regression, j: int, row: Array, begin: int, end: int) -> None:
    """Add what four known features, or those that are left, say of a missing one."""
    order, known, mean, by = regression
    i0, i1, i2, i3 = order[j], order[min(j + 1, known - 1)], order[min(j + 2, known - 1)], order[min(j + 3, known - 1)]
    x0, x1, x2, x3 = block.vectors[i0], block.vectors[i1], block.vectors[i2], block.vectors[i3]
    c0, c1, c2, c3 = mean[i0], mean[i1], mean[i2], mean[i3]
    b0, b1 = by[i0], by[i1] if j + 1 < known else 0.0
    b2, b3 = by[i2] if j + 2 < known else 0.0, by[i3] if j + 3 < known else 0.0
    for n in range(begin, end):
        row[n] += b0 * (x0[n] - c0) + b1 * (x1[n] - c1) + b2 * (x2[n] - c2) + b3 * (x3[n] - c3)


@inlined
def fill_in_diagonal(filling: Filling, groups: int, k: int, mean: Array, block: Block) -> None:
    """As `fill_in_full`, where the component expects its mean."""
    begin = 0
    for g in range(groups):
        pattern, end = filling.patterns[g], filling.ends[g]
        for i in range(filling.known[pattern], filling.order.shape[1]):
            row, centre = block.vectors[filling.order[pattern, i]], mean[filling.order[pattern, i]]
            for n in range(begin, end):
                row[n] = centre
        begin = end


@inlined
def add_spread_full(filling: Filling, groups: int, k: int, lane: Array, scatter: Array) -> None:
    """Add what stays uncertain to the scatter of component k, whose mass in each vector is in `lane`."""
    begin = 0
    for g in range(groups):
        pattern, end = filling.patterns[g], filling.ends[g]
        order, known, mass = filling.order[pattern], filling.known[pattern], _sum(lane, begin, end)
        for i in range(known, len(order)):
            for j in range(known, i + 1):
                scatter[order[i], order[j]] += mass * filling.by[pattern, k, order[i], order[j]]
        begin = end


@inlined
def add_spread_diagonal(filling: Filling, groups: int, k: int, lane: Array, scatter: Array) -> None:
    """As `add_spread_full`, where the scatter is diagonal."""
    begin = 0
    for g in range(groups):
        pattern, end = filling.patterns[g], filling.ends[g]
        mass = _sum(lane, begin, end)
        for i in range(filling.known[pattern], filling.order.shape[1]):
            scatter[filling.order[pattern, i]] += mass * filling.by[pattern, k, filling.order[pattern, i]]
        begin = end


@inlined
def _sum(lane: Array, begin: int, end: int) -> float:
    total = 0.0
    for n in range(begin, end):
        total += lane[n]
    return total


@inlined
def _bounded(value: float) -> float:
    """At most `LARGEST` away from 0; a NaN after an overflow too."""
    beyond = LARGEST if value > 0.0 else -LARGEST
    return value if abs(value) <= LARGEST else beyond
