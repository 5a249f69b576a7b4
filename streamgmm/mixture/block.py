"""A block: 256 vectors, transposed, on their way from rows to responsibilities.

One feature's 256 values lie side by side, a lane for each vector, and every inner loop runs over the lanes: so a
row's result does not depend on its place, and the loops become vector instructions. A block of which only the scores
are wanted is filled with new rows alone, and only as many lanes are computed as it needs, in steps of 32.

Features are worked on four at a time, and filled up to a multiple of four with features that are always 0 and that no
factor looks at (`padded`); where the factors are diagonal, to a multiple of two. Values stay finite whatever comes in:
a coordinate or a weight is taken as at most `LARGEST`.
"""

from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.compiled import inlined, part

BLOCK = 256
LARGEST = 1e90  # weight times coordinate squared, summed over any stream, stays below 1e308
UNSEEN = 1e200  # variance of a feature of which nothing is known yet: beyond that of any data
FULL_BLOCK = 8  # steps in a block
STEP = BLOCK // FULL_BLOCK  # lanes; a compiled loop takes so many at once, or fewer
TILE = 4  # features that are worked on together
PAIR = 2  # those that may be left where the factors are diagonal
_STRIDE = BLOCK + 8  # of a row of lanes: rows a power of two apart would share the cache's places


class Model(NamedTuple):
    """The parameters as the kernel takes them."""

    constants: Array  # (k,) log weight + log det P - d/2 log 2 pi
    means: Array  # (k, d)
    factors: Array  # P: (k, d, d) upper triangular, or its diagonal (k, d)


class Rows(NamedTuple):
    """n vectors and their weights."""

    vectors: Array  # (n, d)
    weights: Array  # (n,)


class Batch(NamedTuple):
    """Rows on their way into blocks that are counted from the batch's start."""

    carried: Rows  # fewer than 256, scored by an earlier call; they come first
    rows: Rows
    complete: int  # blocks that begin before this row are added to the sums


class Output(NamedTuple):
    """What becomes known of each row."""

    responsibilities: Array  # (n, k)
    log_likelihood: Array  # (n,)


class Block(NamedTuple):
    """Scratch for one block, small enough for the first two caches. Lanes beyond 256 are never used.

    d counts the features that fill up, too.
    """

    vectors: Array  # (d, lanes)
    weights: Array  # (lanes,)
    deviations: Array  # (d, lanes), from one component's mean
    joint: Array  # (k, lanes): log joint density, then its exponential, then responsibility
    tile: Array  # (4, lanes): features, whitened or weighted
    lane: Array  # (lanes,)
    distance: Array  # (lanes,)
    peak: Array  # (lanes,)
    total: Array  # (lanes,)
    centre: Array  # (d,) what deviations are taken from


def padded(model: Model) -> Model:
    """The model with features to the next multiple of `TILE`, or of `PAIR` where the factors are diagonal."""
    (components, features), order = model.means.shape, model.factors.ndim - 1
    more = -features % (PAIR if order == 1 else TILE)
    if not more:
        return model
    means, factors = np.zeros((components, features + more)), np.zeros((components, *(features + more,) * order))
    means[:, :features] = model.means
    factors[(slice(None), *(slice(features),) * order)] = model.factors
    return Model(model.constants, frozen(means), frozen(factors))


@part
def empty_block(model: Model) -> Block:
    """Scratch for a padded model's blocks."""
    components, features = model.means.shape
    return Block(
        np.zeros((features, _STRIDE)),
        np.empty(_STRIDE),
        np.empty((features, _STRIDE)),
        np.empty((components, _STRIDE)),
        np.empty((TILE, _STRIDE)),
        np.empty(_STRIDE),
        np.empty(_STRIDE),
        np.empty(_STRIDE),
        np.empty(_STRIDE),
        np.empty(features),
    )


@part
def load(block: Block, batch: Batch, start: int) -> int:
    """Load the block that begins at row `start`, counted from the first carried one; returns its steps of lanes.

    A block that will not be added to the sums is loaded without its carried rows, from the first lane on.
    """
    carried, whole = len(batch.carried.weights), start < batch.complete
    first, row = max(carried - start, 0), max(start - carried, 0)
    lane = first if whole else 0
    count = min(BLOCK - first, len(batch.rows.weights) - row)
    if whole:
        _load_rows(block, batch.carried, start, 0, first)
    _load_rows(block, batch.rows, row, lane, count)
    steps = FULL_BLOCK if whole else (count + STEP - 1) // STEP
    pad(block, lane + count, steps * STEP)
    return steps


@part
def load_new(block: Block, rows: Rows, row: int) -> int:
    """Load the rows from `row` on; returns how many steps of lanes they take."""
    count = min(BLOCK, len(rows.weights) - row)
    steps = (count + STEP - 1) // STEP
    _load_rows(block, rows, row, 0, count)
    pad(block, count, steps * STEP)
    return steps


@inlined
def _load_rows(block: Block, rows: Rows, row: int, lane: int, count: int) -> None:
    """Put `count` rows from `row` on into the lanes from `lane` on."""
    for n in range(count):
        block.weights[lane + n] = min(rows.weights[row + n], LARGEST)
    for i in range(rows.vectors.shape[1]):
        feature = block.vectors[i]
        for n in range(count):
            feature[lane + n] = max(min(rows.vectors[row + n, i], LARGEST), -LARGEST)


@inlined
def pad(block: Block, lane: int, end: int) -> None:
    """Fill up the lanes to `end` with vectors of weight 0."""
    for n in range(lane, end):
        block.weights[n] = 0.0
        for i in range(len(block.vectors)):
            block.vectors[i, n] = 0.0
