"""The E-step of one block: log joint densities, then responsibilities.

Four outputs of the triangular product are formed from four inputs at a time, so that sixteen products go with eight
loads: this runs near the processor's peak, and is why no BLAS is called (whose bits would also depend on its version
and threads). A squared distance is taken as at most `FARTHEST`, so that every log density is finite.

`steps` says how many lanes are computed, in steps of 64.
"""

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.block import BLOCK, STEP, Block, Model, Output
from streamgmm.mixture.compiled import compiled
from streamgmm.mixture.exponential import exponentiate
from streamgmm.mixture.logarithm import logarithm

FARTHEST = 1e140


@compiled
def full_joint(block: Block, model: Model, steps: int) -> None:
    """Log joint densities where the factors are triangular, and the largest of each lane."""
    block.peak[:] = -np.inf
    for k in range(len(model.means)):
        _deviate(block, model.means[k], steps)
        block.distance[:] = 0.0
        tiled = len(block.deviations) // 4 * 4
        for i in range(0, tiled, 4):
            _whiten_four(block, model.factors[k], i, steps)
        for i in range(tiled, len(block.deviations)):
            _whiten_one(block, model.factors[k], i, steps)
        _to_joint(block, model.constants[k], k, steps)


@compiled
def diagonal_joint(block: Block, model: Model, steps: int) -> None:
    """Log joint densities where the factors are diagonal, and the largest of each lane."""
    block.peak[:] = -np.inf
    for k in range(len(model.means)):
        block.distance[:] = 0.0
        tiled = len(block.vectors) // 4 * 4
        for i in range(0, tiled, 4):
            _scale_four(block, model.means[k], model.factors[k], i, steps)
        for i in range(tiled, len(block.vectors)):
            centre, factor = model.means[k, i], model.factors[k, i]
            for n in range(STEP * steps):
                whitened = (block.vectors[i, n] - centre) * factor
                block.distance[n] += whitened * whitened
        _to_joint(block, model.constants[k], k, steps)


@compiled
def responsibilities(block: Block, steps: int) -> None:
    """Joint becomes the responsibilities; total the log-likelihood."""
    lanes = STEP * steps
    block.total[:] = 0.0
    for k in range(len(block.joint)):
        exponentiate(block.joint[k], block.peak, block.total, lanes)
    for n in range(lanes):
        block.lane[n] = 1.0 / block.total[n]
    for k in range(len(block.joint)):
        for n in range(lanes):
            block.joint[k, n] *= block.lane[n]
    _to_evidence(block, lanes)


@compiled
def log_evidence(block: Block, steps: int) -> None:
    """Total becomes the log-likelihood; no responsibilities."""
    block.total[:] = 0.0
    for k in range(len(block.joint)):
        exponentiate(block.joint[k], block.peak, block.total, STEP * steps)
    _to_evidence(block, STEP * steps)


@compiled
def store(block: Block, output: Output, lane: int, row: int) -> None:
    """Write the lanes from `lane` on into the output's rows from `row` on."""
    for n in range(min(BLOCK - lane, len(output.log_likelihood) - row)):
        output.log_likelihood[row + n] = block.total[lane + n]
        for k in range(len(block.joint)):
            output.responsibilities[row + n, k] = block.joint[k, lane + n]


@compiled
def store_evidence(block: Block, log_likelihood: Array, row: int) -> None:
    """Write the lanes' log-likelihood into the rows from `row` on."""
    for n in range(min(BLOCK, len(log_likelihood) - row)):
        log_likelihood[row + n] = block.total[n]


@compiled
def _deviate(block: Block, mean: Array, steps: int) -> None:
    for i in range(len(mean)):
        centre = mean[i]
        for n in range(STEP * steps):
            block.deviations[i, n] = block.vectors[i, n] - centre


@compiled
def _whiten_four(block: Block, p: Array, i: int, steps: int) -> None:
    """Add the squares of features i to i + 3 of P^T (x - mean) to the distance."""
    lanes, deviations = STEP * steps, block.deviations
    y0, y1, y2, y3 = block.tile[0], block.tile[1], block.tile[2], block.tile[3]
    block.tile[:] = 0.0
    for j in range(0, i + 4, 4):
        p00, p10, p20, p30 = p[j, i], p[j + 1, i], p[j + 2, i], p[j + 3, i]
        p01, p11, p21, p31 = p[j, i + 1], p[j + 1, i + 1], p[j + 2, i + 1], p[j + 3, i + 1]
        p02, p12, p22, p32 = p[j, i + 2], p[j + 1, i + 2], p[j + 2, i + 2], p[j + 3, i + 2]
        p03, p13, p23, p33 = p[j, i + 3], p[j + 1, i + 3], p[j + 2, i + 3], p[j + 3, i + 3]
        d0, d1, d2, d3 = deviations[j], deviations[j + 1], deviations[j + 2], deviations[j + 3]
        for n in range(lanes):
            y0[n] += p00 * d0[n] + p10 * d1[n] + p20 * d2[n] + p30 * d3[n]
            y1[n] += p01 * d0[n] + p11 * d1[n] + p21 * d2[n] + p31 * d3[n]
            y2[n] += p02 * d0[n] + p12 * d1[n] + p22 * d2[n] + p32 * d3[n]
            y3[n] += p03 * d0[n] + p13 * d1[n] + p23 * d2[n] + p33 * d3[n]
    for n in range(lanes):
        block.distance[n] += y0[n] * y0[n] + y1[n] * y1[n] + y2[n] * y2[n] + y3[n] * y3[n]


@compiled
def _whiten_one(block: Block, p: Array, i: int, steps: int) -> None:
    """Add the square of feature i of P^T (x - mean) to the distance."""
    lanes = STEP * steps
    block.lane[:] = 0.0
    for j in range(i + 1):
        factor = p[j, i]
        for n in range(lanes):
            block.lane[n] += factor * block.deviations[j, n]
    for n in range(lanes):
        block.distance[n] += block.lane[n] * block.lane[n]


@compiled
def _scale_four(block: Block, mean: Array, factors: Array, i: int, steps: int) -> None:
    """Add the squares of features i to i + 3, scaled, to the distance."""
    c0, c1, c2, c3 = mean[i], mean[i + 1], mean[i + 2], mean[i + 3]
    f0, f1, f2, f3 = factors[i], factors[i + 1], factors[i + 2], factors[i + 3]
    x0, x1, x2, x3 = block.vectors[i], block.vectors[i + 1], block.vectors[i + 2], block.vectors[i + 3]
    for n in range(STEP * steps):
        y0, y1, y2, y3 = (x0[n] - c0) * f0, (x1[n] - c1) * f1, (x2[n] - c2) * f2, (x3[n] - c3) * f3
        block.distance[n] += y0 * y0 + y1 * y1 + y2 * y2 + y3 * y3


@compiled
def _to_joint(block: Block, constant: float, k: int, steps: int) -> None:
    """Log joint density from the squared distance. An overflow, or NaN after one, counts as `FARTHEST`."""
    for n in range(STEP * steps):
        distance = block.distance[n] if block.distance[n] < FARTHEST else FARTHEST
        block.joint[k, n] = constant - 0.5 * distance
        block.peak[n] = max(block.peak[n], block.joint[k, n])


@compiled
def _to_evidence(block: Block, lanes: int) -> None:
    logarithm(block.total, lanes)
    for n in range(lanes):
        block.total[n] += block.peak[n]
