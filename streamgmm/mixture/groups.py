"""The vectors of a block, grouped by which of their features are missing.

A group is scored as if it were a block by itself, in as many lanes of one as it needs. What a block's groups are
depends on its vectors alone, so what holds of blocks holds of them.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.block import BLOCK, LARGEST, STEP, Batch, Block, Output, pad
from streamgmm.mixture.compiled import inlined, part
from streamgmm.mixture.patterns import is_like, key_of


class Groups(NamedTuple):
    """Scratch for one block's vectors and their groups, in the order in which each first appears."""

    vectors: Array  # (256, d)
    weights: Array  # (256,)
    keys: NDArray[np.uint64]  # (256,) of a group's pattern
    firsts: NDArray[np.int64]  # (256,) a group's first vector
    of: NDArray[np.int64]  # (256,) the group of each vector
    members: NDArray[np.int64]  # (256,) the vectors, group by group
    ends: NDArray[np.int64]  # (256,) where a group ends in `members`


@part
def empty_groups(features: int) -> Groups:
    """Scratch for the blocks of vectors of so many features."""
    return Groups(
        np.empty((BLOCK, features)),
        np.empty(BLOCK),
        np.empty(BLOCK, np.uint64),
        np.empty(BLOCK, np.int64),
        np.empty(BLOCK, np.int64),
        np.empty(BLOCK, np.int64),
        np.empty(BLOCK, np.int64),
    )


@part
def group(groups: Groups, batch: Batch, first: int) -> int:
    """Group the vectors of a block from row `first` on, counted from the first carried one; how many groups."""
    carried, features = len(batch.carried.weights), groups.vectors.shape[1]
    last = min(first - first % BLOCK + BLOCK, carried + len(batch.rows.weights))
    for row in range(first, min(carried, last)):
        groups.weights[row - first] = batch.carried.weights[row]
        for i in range(features):
            groups.vectors[row - first, i] = batch.carried.vectors[row, i]
    for row in range(max(first, carried), last):
        groups.weights[row - first] = batch.rows.weights[row - carried]
        for i in range(features):
            groups.vectors[row - first, i] = batch.rows.vectors[row - carried, i]
    count = 0
    for n in range(last - first):
        groups.of[n] = _group_of(groups, n, count)
        count = max(count, groups.of[n] + 1)
    _sort(groups, count, last - first)
    return count


@inlined
def _group_of(groups: Groups, n: int, count: int) -> int:
    """The group of vector n among the first `count`, or a new one."""
    key, g = key_of(groups.vectors, n), 0
    while g < count and not (groups.keys[g] == key and is_like(groups.vectors, n, groups.firsts[g])):
        g += 1
    if g == count:
        groups.keys[g], groups.firsts[g], groups.ends[g] = key, n, 0
    groups.ends[g] += 1
    return g


@inlined
def _sort(groups: Groups, count: int, size: int) -> None:
    """Put the vectors group by group. `ends`, which hold how many each has, become where it ends."""
    place = 0
    for g in range(count):
        members = groups.ends[g]
        groups.ends[g] = place
        place += members
    for n in range(size):
        g = groups.of[n]
        groups.members[groups.ends[g]] = n
        groups.ends[g] += 1


@part
def load_group(block: Block, groups: Groups, begin: int, end: int) -> int:
    """Load the members from `begin` to `end`, a missing feature as 0; returns their steps of lanes."""
    for lane in range(end - begin):
        n = groups.members[begin + lane]
        block.weights[lane] = min(groups.weights[n], LARGEST)
        for i in range(groups.vectors.shape[1]):
            value = groups.vectors[n, i]
            block.vectors[i, lane] = 0.0 if math.isnan(value) else max(min(value, LARGEST), -LARGEST)
    steps = (end - begin + STEP - 1) // STEP
    pad(block, end - begin, STEP * steps)
    return steps


@part
def store_group(block: Block, groups: Groups, output: Output, begin: int, end: int, row: int) -> None:
    """Write the lanes into the output; the block's first vector has the output's row `row`, carried ones have none."""
    for lane in range(end - begin):
        at = row + groups.members[begin + lane]
        if at >= 0:
            output.log_likelihood[at] = block.total[lane]
            for k in range(len(block.joint)):
                output.responsibilities[at, k] = block.joint[k, lane]


@part
def gather(gathered: Block, block: Block, lane: int, count: int) -> None:
    """Put the first `count` lanes of a scored block into another one, from `lane` on."""
    for n in range(count):
        gathered.weights[lane + n] = block.weights[n]
    for i in range(len(block.vectors)):
        for n in range(count):
            gathered.vectors[i, lane + n] = block.vectors[i, n]
    for k in range(len(block.joint)):
        for n in range(count):
            gathered.joint[k, lane + n] = block.joint[k, n]


@part
def fill_up(gathered: Block, lanes: int) -> int:
    """Fill up the last step of the lanes that were gathered with vectors of weight 0; returns their steps."""
    steps = (lanes + STEP - 1) // STEP
    pad(gathered, lanes, STEP * steps)
    for k in range(len(gathered.joint)):
        for n in range(lanes, STEP * steps):
            gathered.joint[k, n] = 0.0
    return steps
