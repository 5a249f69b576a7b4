"""The compiled loop of a run: batch after batch, until one is not ordinary.

It calls the passes that `score` and `learn` call, in their order. Those are compiled for read-only arrays, as values
have them. So the arrays that the loop changes come twice, once to be read and once to be written: two views of the same
memory.

There is one loop, compiled for each shape of scatter; which pass a shape takes is known when it is compiled.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.blend import Blended, blend_diagonal, blend_full
from streamgmm.mixture.block import BLOCK, Batch, Model, Output, Rows
from streamgmm.mixture.compiled import compiled, part
from streamgmm.mixture.gaussian import constants
from streamgmm.mixture.kernel import scan_diagonal, scan_full
from streamgmm.mixture.m_step import Maximum, Regularisation, maximise_diagonal, maximise_full
from streamgmm.mixture.moments import Moments, Sums, add_diagonal, add_full
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.statistics import Statistics

Int64 = NDArray[np.int64]


class Here(NamedTuple):
    """What a run works on."""

    parameters: Parameters
    model: Model  # the same, padded
    statistics: Statistics
    average: Statistics  # over the block that is being filled; empty where none is kept
    new: Statistics  # what a batch says
    blended: Statistics  # with it, not yet known to be sound


class Ahead(NamedTuple):
    """What is known of the batches beforehand."""

    ends: Int64  # (b,) rows
    step_sizes: Array  # (b,)
    sizes: Array  # (b,) effective sample sizes
    shares: Array  # (b,) of the batch in the block of the average that is being filled
    needed: int  # vectors of a component
    regularisation: Regularisation


@compiled
def learn_batches(seen: Here, put: Here, rows: Rows, ahead: Ahead, output: Output) -> int:
    """Returns how many batches were learnt; nothing that was put says anything of the one after them."""
    first = 0
    for b in range(len(ahead.ends)):
        batch, place = _cut(rows, output, first, ahead.ends[b])
        sums = _sums(seen.model.factors, seen, batch, place)
        _say(sums, len(place.log_likelihood), seen.parameters.means, put.new)
        _put_statistics(_blend(seen.new.scatter, seen.statistics, seen.new, ahead.step_sizes[b]), put.blended)
        if _fewest(seen.blended.mass) * ahead.sizes[b] < ahead.needed:
            return b
        found = _maximise(seen.blended.scatter, seen.blended, seen.parameters, ahead.regularisation)
        if found.repairs:
            return b
        _go_on(found, seen, put)
        if len(seen.average.mass):
            average = _blend(seen.average.scatter, seen.average, seen.statistics, ahead.shares[b])
            _put_statistics(average, put.average)
        first = ahead.ends[b]
    return len(ahead.ends)


@part
def _sums(factors: Array, seen: Here, batch: Batch, place: Output) -> Sums:
    """Score a batch, and sum what it says. `factors`, here as below, says of which shape all is."""
    first_block = len(batch.carried.weights)  # 0, but no literal one: for that all would be compiled again
    sums, moments = _room(seen.model, seen.statistics, batch)
    slots, components = len(moments.weight), len(sums.mass)
    if factors.ndim == 3:
        scan_full(seen.model, batch, place, moments, first_block, first_block, slots)
        add_full(seen.model.means, sums, moments, slots, first_block, components)
    else:
        scan_diagonal(seen.model, batch, place, moments, first_block, first_block, slots)
        add_diagonal(seen.model.means, sums, moments, slots, first_block, components)
    return sums


@part
def _blend(scatter: Array, old: Statistics, new: Statistics, step_size: float) -> Blended:
    return blend_full(old, new, step_size) if scatter.ndim == 3 else blend_diagonal(old, new, step_size)


@part
def _maximise(scatter: Array, statistics: Statistics, last: Parameters, regularisation: Regularisation) -> Maximum:
    if scatter.ndim == 3:
        return maximise_full(statistics, last, regularisation)
    return maximise_diagonal(statistics, last, regularisation)


@part
def _cut(rows: Rows, output: Output, first: int, end: int) -> tuple[Batch, Output]:
    """A batch by itself, its last block filled up; and its place in the output."""
    own = Rows(rows.vectors[first:end], rows.weights[first:end])
    whole = (end - first + BLOCK - 1) // BLOCK * BLOCK
    place = Output(output.responsibilities[first:end], output.log_likelihood[first:end])
    return Batch(Rows(rows.vectors[:0], rows.weights[:0]), own, whole), place


@part
def _room(model: Model, statistics: Statistics, batch: Batch) -> tuple[Sums, Moments]:
    """Sums over nothing, and room for the moments of each block."""
    blocks, shape = batch.complete // BLOCK, statistics.mean.shape
    of_scatter = (blocks, *model.factors.shape)
    moments = Moments(
        np.empty(blocks), np.empty((blocks, shape[0])), np.empty((blocks, *model.means.shape)), np.empty(of_scatter)
    )
    return Sums(0.0, np.zeros(shape[0]), np.zeros(shape), np.zeros(statistics.scatter.shape)), moments


@part
def _say(sums: Sums, count: int, means: Array, new: Statistics) -> None:
    """As `statistics.of_sums`, for vectors that weigh 1 each."""
    for k in range(len(sums.mass)):
        new.mass[k] = sums.mass[k] / count
        for i in range(sums.mean.shape[1]):
            new.mean[k, i] = sums.mean[k, i] if sums.mass[k] > 0.0 else means[k, i]
    _put(sums.scatter, new.scatter, float(count))


@part
def _put_statistics(of: Blended | Statistics, place: Statistics) -> None:
    _put(of.mass, place.mass, 1.0)
    _put(of.mean, place.mean, 1.0)
    _put(of.scatter, place.scatter, 1.0)


@part
def _fewest(mass: Array) -> float:
    fewest = float(mass[0])
    for k in range(1, len(mass)):
        fewest = min(fewest, float(mass[k]))
    return fewest


@part
def _go_on(found: Maximum, seen: Here, put: Here) -> None:
    """What was blended is sound: these are the statistics and the parameters from here on."""
    _put_statistics(seen.blended, put.statistics)
    _put(found.weights, put.parameters.weights, 1.0)
    _put(found.means, put.parameters.means, 1.0)
    _put(found.covariances, put.parameters.covariances, 1.0)
    _put(found.factors, put.parameters.precisions_cholesky, 1.0)
    _put(constants(seen.parameters.weights, seen.parameters.precisions_cholesky), put.model.constants, 1.0)
    _put(found.means, put.model.means, 1.0)
    _put(found.factors, put.model.factors, 1.0)


@part
def _put(values: Array, place: Array, divided_by: float) -> None:
    """Write values into a place that may be larger."""
    for k in range(len(values)):
        if values.ndim == 1:
            place[k] = values[k] / divided_by
        elif values.ndim == 2:
            for i in range(values.shape[1]):
                place[k, i] = values[k, i] / divided_by
        else:
            for i in range(values.shape[1]):
                for j in range(values.shape[2]):
                    place[k, i, j] = values[k, i, j] / divided_by
