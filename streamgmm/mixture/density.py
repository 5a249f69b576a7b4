"""The E-step of one block: log joint densities, then responsibilities (Bishop 2006, equations 9.12 to 9.14).

Four outputs of the triangular product are formed from four inputs at a time, so that sixteen products go with eight
loads: as fast as BLAS from 16 features on; none is called, for its bits would depend on its version and its threads.
A squared distance is taken as at most `FARTHEST`, so that every log density is finite.

`steps` says how many lanes are computed, in steps of 32. Features are counted with those that fill up.
"""

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.block import BLOCK, PAIR, STEP, TILE, Block, Model, Output
from streamgmm.mixture.compiled import inlined, part
from streamgmm.mixture.exponential import exponentiate
from streamgmm.mixture.logarithm import logarithm

FARTHEST = 1e140


@part
def full_joint(block: Block, model: Model, steps: int) -> None:
    """Log joint densities where the factors are triangular, and the largest of each lane."""
    _fill(block.peak, -np.inf, STEP * steps)
    for k in range(len(model.means)):
        _deviate(block, model.means[k], steps)
        _fill(block.distance, 0.0, STEP * steps)
        for i in range(0, len(block.deviations), TILE):
            _start_tile(block, model.factors[k], i, STEP * steps)
            for j in range(0, i, TILE):
                _add_to_tile(block, model.factors[k], i, j, STEP * steps)
            _square_tile(block, STEP * steps)
        _to_joint(block, model.constants[k], k, steps)


@part
def diagonal_joint(block: Block, model: Model, steps: int) -> None:
    """Log joint densities where the factors are diagonal, and the largest of each lane."""
    _fill(block.peak, -np.inf, STEP * steps)
    for k in range(len(model.means)):
        _fill(block.distance, 0.0, STEP * steps)
        for i in range(0, len(block.vectors) - PAIR, TILE):
            _scale_four(block, model.means[k], model.factors[k], i, steps)
        if len(block.vectors) % TILE:
            _scale_two(block, model.means[k], model.factors[k], len(block.vectors) - PAIR, steps)
        _to_joint(block, model.constants[k], k, steps)


@part
def responsibilities(block: Block, steps: int) -> None:
    """Joint becomes the responsibilities; total the log-likelihood."""
    lanes = STEP * steps
    _fill(block.total, 0.0, STEP * steps)
    for k in range(len(block.joint)):
        exponentiate(block.joint[k], block.peak, block.total, lanes)
    for n in range(lanes):
        block.lane[n] = 1.0 / block.total[n]
    for k in range(len(block.joint)):
        for n in range(lanes):
            block.joint[k, n] *= block.lane[n]
    _to_evidence(block, lanes)


@part
def log_evidence(block: Block, steps: int) -> None:
    """Total becomes the log-likelihood; no responsibilities."""
    _fill(block.total, 0.0, STEP * steps)
    for k in range(len(block.joint)):
        exponentiate(block.joint[k], block.peak, block.total, STEP * steps)
    _to_evidence(block, STEP * steps)


@part
def store(block: Block, output: Output, lane: int, row: int) -> None:
    """Write the lanes from `lane` on into the output's rows from `row` on."""
    count = min(BLOCK - lane, len(output.log_likelihood) - row)
    for n in range(count):
        output.log_likelihood[row + n] = block.total[lane + n]
    for k in range(len(block.joint)):
        responsibility = block.joint[k]
        for n in range(count):
            output.responsibilities[row + n, k] = responsibility[lane + n]


@part
def store_evidence(block: Block, log_likelihood: Array, row: int) -> None:
    """Write the lanes' log-likelihood into the rows from `row` on."""
    for n in range(min(BLOCK, len(log_likelihood) - row)):
        log_likelihood[row + n] = block.total[n]


@inlined
def _fill(row: Array, value: float, lanes: int) -> None:
    for n in range(lanes):
        row[n] = value


@inlined
def _deviate(block: Block, mean: Array, steps: int) -> None:
    for i in range(len(mean)):
        centre = mean[i]
        for n in range(STEP * steps):
            block.deviations[i, n] = block.vectors[i, n] - centre


@inlined
def _start_tile(block: Block, p: Array, i: int, lanes: int) -> None:
    """What features i to i + 3 of P^T (x - mean) take from the same four of x - mean: a triangle."""
    y0, y1, y2, y3 = block.tile[0], block.tile[1], block.tile[2], block.tile[3]
    p00, p01, p02, p03 = p[i, i], p[i, i + 1], p[i, i + 2], p[i, i + 3]
    p11, p12, p13 = p[i + 1, i + 1], p[i + 1, i + 2], p[i + 1, i + 3]
    p22, p23, p33 = p[i + 2, i + 2], p[i + 2, i + 3], p[i + 3, i + 3]
    d0, d1 = block.deviations[i], block.deviations[i + 1]
    d2, d3 = block.deviations[i + 2], block.deviations[i + 3]
    for n in range(lanes):  # inputs are read before an output is written, or each is read four times
        v0, v1, v2, v3 = d0[n], d1[n], d2[n], d3[n]
        y0[n] = p00 * v0
        y1[n] = p01 * v0 + p11 * v1
        y2[n] = p02 * v0 + p12 * v1 + p22 * v2
        y3[n] = p03 * v0 + p13 * v1 + p23 * v2 + p33 * v3


@inlined
def _add_to_tile(block: Block, p: Array, i: int, j: int, lanes: int) -> None:
    """What they take from features j to j + 3."""
    y0, y1, y2, y3 = block.tile[0], block.tile[1], block.tile[2], block.tile[3]
    p00, p10, p20, p30 = p[j, i], p[j + 1, i], p[j + 2, i], p[j + 3, i]
    p01, p11, p21, p31 = p[j, i + 1], p[j + 1, i + 1], p[j + 2, i + 1], p[j + 3, i + 1]
    p02, p12, p22, p32 = p[j, i + 2], p[j + 1, i + 2], p[j + 2, i + 2], p[j + 3, i + 2]
    p03, p13, p23, p33 = p[j, i + 3], p[j + 1, i + 3], p[j + 2, i + 3], p[j + 3, i + 3]
    d0, d1 = block.deviations[j], block.deviations[j + 1]
    d2, d3 = block.deviations[j + 2], block.deviations[j + 3]
    for n in range(lanes):
        v0, v1, v2, v3 = d0[n], d1[n], d2[n], d3[n]
        y0[n] += p00 * v0 + p10 * v1 + p20 * v2 + p30 * v3
        y1[n] += p01 * v0 + p11 * v1 + p21 * v2 + p31 * v3
        y2[n] += p02 * v0 + p12 * v1 + p22 * v2 + p32 * v3
        y3[n] += p03 * v0 + p13 * v1 + p23 * v2 + p33 * v3


@inlined
def _square_tile(block: Block, lanes: int) -> None:
    """Add the squares of the tile to the distance."""
    y0, y1, y2, y3 = block.tile[0], block.tile[1], block.tile[2], block.tile[3]
    for n in range(lanes):
        block.distance[n] += y0[n] * y0[n] + y1[n] * y1[n] + y2[n] * y2[n] + y3[n] * y3[n]


@inlined
def _scale_four(block: Block, mean: Array, factors: Array, i: int, steps: int) -> None:
    """Add the squares of features i to i + 3, scaled, to the distance."""
    c0, c1, c2, c3 = mean[i], mean[i + 1], mean[i + 2], mean[i + 3]
    f0, f1, f2, f3 = factors[i], factors[i + 1], factors[i + 2], factors[i + 3]
    x0, x1, x2, x3 = block.vectors[i], block.vectors[i + 1], block.vectors[i + 2], block.vectors[i + 3]
    for n in range(STEP * steps):
        y0, y1, y2, y3 = (x0[n] - c0) * f0, (x1[n] - c1) * f1, (x2[n] - c2) * f2, (x3[n] - c3) * f3
        block.distance[n] += y0 * y0 + y1 * y1 + y2 * y2 + y3 * y3


@inlined
def _scale_two(block: Block, mean: Array, factors: Array, i: int, steps: int) -> None:
    """As `_scale_four`, of the last two."""
    c0, c1, f0, f1 = mean[i], mean[i + 1], factors[i], factors[i + 1]
    x0, x1 = block.vectors[i], block.vectors[i + 1]
    for n in range(STEP * steps):
        y0, y1 = (x0[n] - c0) * f0, (x1[n] - c1) * f1
        block.distance[n] += y0 * y0 + y1 * y1


@inlined
def _to_joint(block: Block, constant: float, k: int, steps: int) -> None:
    """Log joint density from the squared distance. An overflow, or NaN after one, counts as `FARTHEST`."""
    for n in range(STEP * steps):
        distance = block.distance[n] if block.distance[n] < FARTHEST else FARTHEST
        block.joint[k, n] = constant - 0.5 * distance
        block.peak[n] = max(block.peak[n], block.joint[k, n])


@inlined
def _to_evidence(block: Block, lanes: int) -> None:
    logarithm(block.total, lanes)
    for n in range(lanes):
        block.total[n] += block.peak[n]
