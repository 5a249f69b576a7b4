"""A block: 256 vectors, transposed, on their way from rows to responsibilities.

One feature's 256 values lie side by side, a lane for each vector, and every inner loop runs over the lanes, all 256
of them also where the last block has fewer rows: so a row's result does not depend on its place, and the loops
become vector instructions.

Values stay finite whatever comes in: a coordinate or a weight is taken as at most `LARGEST`, a squared distance as
at most `FARTHEST`.
"""

import math
from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.compiled import compiled
from streamgmm.mixture.exponential import exponentiate

BLOCK = 256
LARGEST = 1e90  # weight times coordinate squared, summed over any stream, stays below 1e308
FARTHEST = 1e140


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
    """Scratch for one block, small enough for the first two caches."""

    vectors: Array  # (d, 256)
    weights: Array  # (256,)
    deviations: Array  # (d, 256), from one component's mean
    joint: Array  # (k, 256): log joint density, then its exponential, then responsibility
    lane: Array  # (256,)
    distance: Array  # (256,)
    peak: Array  # (256,)
    total: Array  # (256,)
    shift: Array  # (d,)


@compiled
def empty_block(model: Model) -> Block:
    """Scratch for a model's blocks."""
    components, features = model.means.shape
    return Block(
        np.empty((features, BLOCK)),
        np.empty(BLOCK),
        np.empty((features, BLOCK)),
        np.empty((components, BLOCK)),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(features),
    )


@compiled
def load(block: Block, batch: Batch, start: int) -> None:
    """Load the block that begins at row `start`, counted from the first carried one."""
    first = len(batch.carried.weights)
    lane = _load_rows(block, batch.carried, start, 0) if start < first else 0
    _pad(block, _load_rows(block, batch.rows, max(start - first, 0), lane))


@compiled
def _load_rows(block: Block, rows: Rows, start: int, lane: int) -> int:
    """Put the rows from `start` on into the lanes from `lane` on; the first lane left free."""
    count = min(BLOCK - lane, len(rows.weights) - start)
    for n in range(count):
        block.weights[lane + n] = min(rows.weights[start + n], LARGEST)
        for i in range(len(block.vectors)):
            block.vectors[i, lane + n] = max(min(rows.vectors[start + n, i], LARGEST), -LARGEST)
    return lane + count


@compiled
def _pad(block: Block, lane: int) -> None:
    block.weights[lane:] = 0.0
    block.vectors[:, lane:] = 0.0


@compiled
def _deviate(block: Block, mean: Array) -> None:
    for i in range(len(mean)):
        centre = mean[i]
        for n in range(BLOCK):
            block.deviations[i, n] = block.vectors[i, n] - centre


@compiled
def full_joint(block: Block, model: Model, k: int) -> None:
    """Log joint density with component k, whose factor is triangular."""
    _deviate(block, model.means[k])
    block.distance[:] = 0.0
    for i in range(len(block.deviations)):
        block.lane[:] = 0.0
        for j in range(i + 1):
            factor = model.factors[k, j, i]
            for n in range(BLOCK):
                block.lane[n] += factor * block.deviations[j, n]
        for n in range(BLOCK):
            block.distance[n] += block.lane[n] * block.lane[n]
    _to_joint(block, model.constants[k], k)


@compiled
def diagonal_joint(block: Block, model: Model, k: int) -> None:
    """Log joint density with component k, whose factor is diagonal."""
    block.distance[:] = 0.0
    for i in range(len(block.vectors)):
        centre, factor = model.means[k, i], model.factors[k, i]
        for n in range(BLOCK):
            whitened = (block.vectors[i, n] - centre) * factor
            block.distance[n] += whitened * whitened
    _to_joint(block, model.constants[k], k)


@compiled
def _to_joint(block: Block, constant: float, k: int) -> None:
    """Log joint density from the squared distance. An overflow, or NaN after one, counts as `FARTHEST`."""
    for n in range(BLOCK):
        distance = block.distance[n] if block.distance[n] < FARTHEST else FARTHEST
        block.joint[k, n] = constant - 0.5 * distance


@compiled
def exponentiate_joint(block: Block) -> None:
    """joint = exp(joint - peak), total = its sum over components, so that log p = peak + log total."""
    block.peak[:] = -np.inf
    for k in range(len(block.joint)):
        for n in range(BLOCK):
            block.peak[n] = max(block.peak[n], block.joint[k, n])
    block.total[:] = 0.0
    for k in range(len(block.joint)):
        exponentiate(block.joint[k], block.peak, block.lane)
        for n in range(BLOCK):
            block.total[n] += block.joint[k, n]


@compiled
def normalise(block: Block) -> None:
    """Joint becomes the responsibilities."""
    for n in range(BLOCK):
        block.lane[n] = 1.0 / block.total[n]
    for k in range(len(block.joint)):
        for n in range(BLOCK):
            block.joint[k, n] *= block.lane[n]


@compiled
def store(block: Block, output: Output, start: int) -> None:
    """Write the lanes whose rows are new, where lane 0 is row `start` of the output; carried rows have start < 0."""
    store_evidence(block, output.log_likelihood, start)
    for n in range(max(start, 0), min(start + BLOCK, len(output.responsibilities))):
        for k in range(len(block.joint)):
            output.responsibilities[n, k] = block.joint[k, n - start]


@compiled
def store_evidence(block: Block, log_likelihood: Array, start: int) -> None:
    """log p of the lanes whose rows are new."""
    for n in range(max(start, 0), min(start + BLOCK, len(log_likelihood))):
        log_likelihood[n] = block.peak[n - start] + math.log(block.total[n - start])
