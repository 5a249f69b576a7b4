"""What a block says about the components, and how blocks are added: mass, mean and scatter.

A block's moments are taken about the component's mean, where its vectors lie unless the component moves; where they
lie so far from it that the scatter would lose digits, they are taken again about their own mean. Blocks are added by
the parallel update of Chan, Golub and LeVeque (1979), so that neither an offset of the data nor a component that lies
far away costs digits, and a component of tiny mass keeps its moments.

Sums run over the lanes in an order that is fixed when the code is compiled; rows that fill up a block have weight 0.
Four features against two at a time. Moments count the features that fill up, sums do not.

Where features are missing, each component fills them in by itself before its moments are taken, and what stays
uncertain is added to the scatter once, times the component's mass (see `missing_full`).
"""

from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.block import PAIR, STEP, TILE, Block, Model
from streamgmm.mixture.compiled import compiled, inlined, part, part_sum
from streamgmm.mixture.filling import Filling, add_spread_diagonal, add_spread_full, fill_in_diagonal, fill_in_full

_LEAST_SPREAD = 0.01  # of the second moment about the component's mean: with less, two digits would be lost


class Sums(NamedTuple):
    """Sums over whole blocks: not divided by the weight, scatter about the mean, in the kernel's own shape."""

    weight: float
    mass: Array  # (k,)
    mean: Array  # (k, d)
    scatter: Array  # as Model.factors


class Moments(NamedTuple):
    """The moments of b blocks, each by itself."""

    weight: Array  # (b,)
    mass: Array  # (b, k)
    shift: Array  # (b, k, d) the block's mean, seen from the component's
    scatter: Array  # (b, k, ...) as Model.factors, about the block's mean; of a full one the lower triangle


@part
def empty_moments(model: Model) -> Moments:
    """For the moments of one block under a padded model."""
    shape, of_scatter = (1, *model.means.shape), (1, *model.factors.shape)
    return Moments(np.empty(1), np.empty((1, len(model.means))), np.empty(shape), np.empty(of_scatter))


@part
def clear(moments: Moments, slot: int) -> None:
    """Make a block's moments those of nothing."""
    moments.weight[slot] = 0.0
    moments.mass[slot] = 0.0
    moments.shift[slot] = 0.0
    moments.scatter[slot] = 0.0


@inlined
def _block_weight(block: Block, lanes: int) -> float:
    """The weight of the block's rows."""
    weight = 0.0
    for n in range(lanes):
        weight += block.weights[n]
    return weight


@part_sum
def full_moments(
    block: Block, means: Array, filling: Filling, groups: int, moments: Moments, slot: int, steps: int
) -> None:
    """The lanes' weight, and their moments of all components, every product of two features."""
    moments.weight[slot] = _block_weight(block, STEP * steps)
    for k in range(len(means)):
        mean, shift, scatter = means[k], moments.shift[slot, k], moments.scatter[slot, k]
        mass = _weigh(block, k, STEP * steps)
        moments.mass[slot, k] = mass
        if mass > 0.0:
            fill_in_full(filling, groups, k, mean, block)
        for attempt in range(2 if mass > 0.0 else 0):
            _centre_at(block, mean, shift, attempt)
            if not _full_about_centre(block, mass, shift, scatter, STEP * steps):
                break
        _see_from(mean, block, shift)
        add_spread_full(filling, groups, k, block.lane, scatter)


@part_sum
def diagonal_moments(
    block: Block, means: Array, filling: Filling, groups: int, moments: Moments, slot: int, steps: int
) -> None:
    """As `full_moments`, each feature's square alone."""
    moments.weight[slot] = _block_weight(block, STEP * steps)
    for k in range(len(means)):
        mean, shift, scatter = means[k], moments.shift[slot, k], moments.scatter[slot, k]
        mass = _weigh(block, k, STEP * steps)
        moments.mass[slot, k] = mass
        if mass > 0.0:
            fill_in_diagonal(filling, groups, k, mean, block)
        for attempt in range(2 if mass > 0.0 else 0):
            _centre_at(block, mean, shift, attempt)
            if not _diagonal_about_centre(block, mass, shift, scatter, STEP * steps):
                break
        _see_from(mean, block, shift)
        add_spread_diagonal(filling, groups, k, block.lane, scatter)


@compiled
def add_full(means: Array, sums: Sums, moments: Moments, slots: int, first: int, last: int) -> None:
    """Add the first `slots` blocks to the sums of the components from `first` to `last`, in order.

    `means` (k, d) are what the blocks' shifts are seen from.
    """
    _add_full(means, sums, moments, slots, first, last)


@part
def add_block_full(means: Array, sums: Sums, moments: Moments) -> None:
    """Add one block to the sums of all components."""
    _add_full(means, sums, moments, 1, 0, len(means))


@inlined
def _add_full(means: Array, sums: Sums, moments: Moments, slots: int, first: int, last: int) -> None:
    for k in range(first, last):
        scatter = sums.scatter[k]
        for slot in range(slots):
            part, shift = moments.scatter[slot, k], moments.shift[slot, k]
            between = _add_mean(sums, moments, means[k], slot, k)
            if between >= 0.0:
                for i in range(len(scatter)):
                    for j in range(i + 1):
                        scatter[i, j] += part[i, j] + between * shift[i] * shift[j]
        for i in range(len(scatter)):
            for j in range(i):
                scatter[j, i] = scatter[i, j]


@compiled
def add_diagonal(means: Array, sums: Sums, moments: Moments, slots: int, first: int, last: int) -> None:
    """As `add_full`, where the scatter is diagonal."""
    _add_diagonal(means, sums, moments, slots, first, last)


@part
def add_block_diagonal(means: Array, sums: Sums, moments: Moments) -> None:
    """As `add_block_full`, where the scatter is diagonal."""
    _add_diagonal(means, sums, moments, 1, 0, len(means))


@inlined
def _add_diagonal(means: Array, sums: Sums, moments: Moments, slots: int, first: int, last: int) -> None:
    for k in range(first, last):
        for slot in range(slots):
            part, shift = moments.scatter[slot, k], moments.shift[slot, k]
            between = _add_mean(sums, moments, means[k], slot, k)
            if between >= 0.0:
                for i in range(sums.scatter.shape[1]):
                    sums.scatter[k, i] += part[i] + between * shift[i] * shift[i]


@inlined
def _add_mean(sums: Sums, moments: Moments, mean: Array, slot: int, k: int) -> float:
    """Add mass and mean; `shift` becomes the way between the means; returns what its square counts in the scatter,
    or -1 where there is nothing to add.
    """
    mass, before, shift = float(moments.mass[slot, k]), float(sums.mass[k]), moments.shift[slot, k]
    if mass == 0.0:
        return -1.0
    fraction = mass / (before + mass)
    for i in range(sums.mean.shape[1]):
        shift[i] += mean[i] - sums.mean[k, i]
        sums.mean[k, i] += fraction * shift[i]
    sums.mass[k] = before + mass
    return before * fraction


@inlined
def _weigh(block: Block, k: int, lanes: int) -> float:
    """Weighted responsibilities into `lane`; the block's mass of component k."""
    mass = 0.0
    for n in range(lanes):
        block.lane[n] = block.joint[k, n] * block.weights[n]
        mass += block.lane[n]
    return mass


@inlined
def _centre_at(block: Block, mean: Array, shift: Array, attempt: int) -> None:
    """The centre is the component's mean; at a second attempt the block's, as the first has found it."""
    for i in range(len(mean)):
        block.centre[i] = mean[i] if attempt == 0 else mean[i] + shift[i]


@inlined
def _see_from(mean: Array, block: Block, shift: Array) -> None:
    """`shift`, which leads from the centre to the block's mean, leads there from the component's."""
    for i in range(len(mean)):
        shift[i] += block.centre[i] - mean[i]


@inlined
def _far(scatter: float, shift: float, mass: float) -> bool:
    """Whether the way from the centre to the block's mean has cost a feature's scatter digits."""
    return scatter < _LEAST_SPREAD * mass * shift * shift


@inlined
def _full_about_centre(block: Block, mass: float, shift: Array, scatter: Array, lanes: int) -> bool:
    """Moments about the centre, taken to the block's mean; `shift` is the way between. Whether it has cost digits."""
    for i in range(0, len(shift), TILE):
        _weigh_tile(block, i, mass, shift, lanes)
        for j in range(0, i + TILE, 2):
            _multiply(block, i, j, scatter, lanes)
    far = False
    for i in range(len(shift)):
        for j in range(i + 1):
            scatter[i, j] -= mass * shift[i] * shift[j]
        far |= _far(scatter[i, i], shift[i], mass)
    return far


@inlined
def _weigh_tile(block: Block, i: int, mass: float, shift: Array, lanes: int) -> None:
    """Deviations of features i to i + 3 from the centre, weighted, into the tile; their mean."""
    a0, a1, a2, a3 = block.tile[0], block.tile[1], block.tile[2], block.tile[3]
    x0, x1, x2, x3 = block.vectors[i], block.vectors[i + 1], block.vectors[i + 2], block.vectors[i + 3]
    c0, c1, c2, c3 = block.centre[i], block.centre[i + 1], block.centre[i + 2], block.centre[i + 3]
    s0 = s1 = s2 = s3 = 0.0
    for n in range(lanes):
        weight = block.lane[n]
        v0, v1, v2, v3 = weight * (x0[n] - c0), weight * (x1[n] - c1), weight * (x2[n] - c2), weight * (x3[n] - c3)
        a0[n], a1[n], a2[n], a3[n] = v0, v1, v2, v3
        s0, s1, s2, s3 = s0 + v0, s1 + v1, s2 + v2, s3 + v3
    shift[i], shift[i + 1], shift[i + 2], shift[i + 3] = s0 / mass, s1 / mass, s2 / mass, s3 / mass


@inlined
def _multiply(block: Block, i: int, j: int, scatter: Array, lanes: int) -> None:
    """Products of four weighted features with two others, summed over the lanes: eight sums fit the registers."""
    a0, a1, a2, a3 = block.tile[0], block.tile[1], block.tile[2], block.tile[3]
    x0, x1, c0, c1 = block.vectors[j], block.vectors[j + 1], block.centre[j], block.centre[j + 1]
    s00 = s01 = s10 = s11 = s20 = s21 = s30 = s31 = 0.0
    for n in range(lanes):
        d0, d1 = x0[n] - c0, x1[n] - c1
        s00, s01 = s00 + a0[n] * d0, s01 + a0[n] * d1
        s10, s11 = s10 + a1[n] * d0, s11 + a1[n] * d1
        s20, s21 = s20 + a2[n] * d0, s21 + a2[n] * d1
        s30, s31 = s30 + a3[n] * d0, s31 + a3[n] * d1
    scatter[i, j], scatter[i, j + 1] = s00, s01
    scatter[i + 1, j], scatter[i + 1, j + 1] = s10, s11
    scatter[i + 2, j], scatter[i + 2, j + 1] = s20, s21
    scatter[i + 3, j], scatter[i + 3, j + 1] = s30, s31


@inlined
def _diagonal_about_centre(block: Block, mass: float, shift: Array, scatter: Array, lanes: int) -> bool:
    """As `_full_about_centre`, where the scatter is diagonal."""
    for i in range(0, len(shift) - PAIR, TILE):
        _square_four(block, i, shift, scatter, lanes)
    if len(shift) % TILE:
        _square_two(block, len(shift) - PAIR, shift, scatter, lanes)
    far = False
    for i in range(len(shift)):
        shift[i] /= mass
        scatter[i] -= mass * shift[i] * shift[i]
        far |= _far(scatter[i], shift[i], mass)
    return far


@inlined
def _square_four(block: Block, i: int, shift: Array, scatter: Array, lanes: int) -> None:
    """Deviations of features i to i + 3 from the centre, and their squares, weighted and summed over the lanes."""
    x0, x1, x2, x3 = block.vectors[i], block.vectors[i + 1], block.vectors[i + 2], block.vectors[i + 3]
    c0, c1, c2, c3 = block.centre[i], block.centre[i + 1], block.centre[i + 2], block.centre[i + 3]
    s0 = s1 = s2 = s3 = q0 = q1 = q2 = q3 = 0.0
    for n in range(lanes):
        weight = block.lane[n]
        d0, d1, d2, d3 = x0[n] - c0, x1[n] - c1, x2[n] - c2, x3[n] - c3
        v0, v1, v2, v3 = weight * d0, weight * d1, weight * d2, weight * d3
        s0, s1, s2, s3 = s0 + v0, s1 + v1, s2 + v2, s3 + v3
        q0, q1, q2, q3 = q0 + v0 * d0, q1 + v1 * d1, q2 + v2 * d2, q3 + v3 * d3
    shift[i], shift[i + 1], shift[i + 2], shift[i + 3] = s0, s1, s2, s3
    scatter[i], scatter[i + 1], scatter[i + 2], scatter[i + 3] = q0, q1, q2, q3


@inlined
def _square_two(block: Block, i: int, shift: Array, scatter: Array, lanes: int) -> None:
    """As `_square_four`, of the last two."""
    x0, x1, c0, c1 = block.vectors[i], block.vectors[i + 1], block.centre[i], block.centre[i + 1]
    s0 = s1 = q0 = q1 = 0.0
    for n in range(lanes):
        d0, d1 = x0[n] - c0, x1[n] - c1
        v0, v1 = block.lane[n] * d0, block.lane[n] * d1
        s0, s1 = s0 + v0, s1 + v1
        q0, q1 = q0 + v0 * d0, q1 + v1 * d1
    shift[i], shift[i + 1] = s0, s1
    scatter[i], scatter[i + 1] = q0, q1
