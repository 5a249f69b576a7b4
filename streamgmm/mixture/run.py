"""Full batches one after another, scored and learnt in one compiled call.

With small batches there are a thousand M-steps a second and more, and what the interpreter does between them costs
more than the mathematics. An ordinary batch asks for no decision: its vectors are complete and weigh 1 each, when its
M-step comes and how much it replaces are known beforehand (`due`), every component has vectors enough, and no
covariance needs a repair. A run goes on as long as batches are ordinary and leaves the next one, untouched, to `score`
and `learn` of `stepwise_em`. It calls the same compiled passes in the same order, so it gives the same bits.

Those passes are compiled for read-only arrays, as values have them. So the arrays that a run changes come twice, once
to be read and once to be written: two views of the same memory.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamgmm.mixture import gaussian, missing, unseen, weak
from streamgmm.mixture.arrays import Array, frozen, sealed
from streamgmm.mixture.blend import Blended, blend_diagonal, blend_full
from streamgmm.mixture.block import BLOCK, Batch, Model, Output, Rows, padded
from streamgmm.mixture.compiled import compiled, part
from streamgmm.mixture.due import Clock, Due, due
from streamgmm.mixture.gaussian import constants
from streamgmm.mixture.kernel import alone, scan_diagonal, scan_full
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.m_step import Maximum, Regularisation, maximise_diagonal, maximise_full
from streamgmm.mixture.moments import Moments, Sums, add_diagonal, add_full
from streamgmm.mixture.parameters import Parameters, regularisation_of
from streamgmm.mixture.pending import is_nothing
from streamgmm.mixture.pieces import LONGEST, empty_output, ones
from streamgmm.mixture.rows import rows_of
from streamgmm.mixture.state import Info, State
from streamgmm.mixture.statistics import Statistics

Int64 = NDArray[np.int64]


class Run(NamedTuple):
    """What a run came to."""

    state: State
    info: Info  # of the vectors of the batches that were learnt
    batches: int  # that were learnt
    step_size: float  # of the last one, 0 without any


class _Step(NamedTuple):
    """A batch that is to come."""

    end: int  # row
    due: Due
    share: float = 0.0  # of the batch in the block of the average that is being filled
    averaged: float = 0.0  # time of that block after it


class _Here(NamedTuple):
    """What a run works on."""

    parameters: Parameters
    model: Model  # the same, padded
    statistics: Statistics
    average: Statistics  # over the block that is being filled; empty where none is kept
    new: Statistics  # what a batch says
    blended: Statistics  # with it, not yet known to be sound


class _Ahead(NamedTuple):
    """What is known of the batches beforehand."""

    ends: Int64  # (b,) rows
    step_sizes: Array  # (b,)
    sizes: Array  # (b,) effective sample sizes
    shares: Array  # (b,) as in `_Step`
    needed: int  # vectors of a component
    regularisation: Regularisation


def run(
    state: State,
    vectors: ArrayLike,
    ends: Sequence[int],
    learning: Learning,
    event_times: Sequence[float | None] | None = None,
) -> Run:
    """Score and learn the batches that end before the rows `ends` of vectors (n, d), as long as they are ordinary.

    Each vector weighs 1; `event_times` are as for `learn`, one for each batch. Raises ValueError for what is not
    finite.
    """
    rows = rows_of(vectors, None, state.parameters.means.shape[1])
    times = event_times or [None] * len(ends)
    steps = _steps(state, ends, times, learning) if is_ordinary(state, learning) else []
    if not steps or not _simple(rows, steps, state):
        return Run(state, Info(*map(sealed, empty_output(_first(rows, 0), len(state.statistics.mass)))), 0, 0.0)
    put, output = _here(state, learning), empty_output(_first(rows, steps[-1].end), len(state.statistics.mass))
    learn = COMPILED[learning.covariance.name]
    learnt = learn(_seen(put), put, _first(rows, steps[-1].end), _ahead(steps, state, learning), output)
    end, done = steps[learnt - 1].end if learnt else 0, steps[:learnt]
    info = Info(sealed(output.responsibilities[:end]), sealed(output.log_likelihood[:end]))
    return Run(_after(state, put, done, learning), info, learnt, done[-1].due.step_size if done else 0.0)


def is_ordinary(state: State, learning: Learning) -> bool:
    """Whether a run may begin here, whatever the vectors."""
    aside = learning.background is not None or learning.merge is not None or learning.split
    if aside or state.background or state.lookout is not None or learning.covariance.name not in COMPILED:
        return False
    if unseen.any_in(state.parameters, learning.covariance):
        return False
    enough = weak.fewest(state.statistics, state.effective_sample_size) >= weak.needed(state.statistics)
    return enough and is_nothing(state.pending) and not (learning.averaging and state.average is None)


def _steps(state: State, ends: Sequence[int], times: Sequence[float | None], learning: Learning) -> list[_Step]:
    """The batches that come, until the average begins another block, or they are more rows than a piece."""
    steps: list[_Step] = []
    average = state.average if learning.averaging else None
    clock: Clock = state
    row, filled, length = 0, 0.0, math.inf
    if average is not None:
        filled, length = average.recent_time, average.length
    for end, time in zip(ends, times, strict=True):
        if filled >= length or end > LONGEST:
            break
        weight = float(end - row)
        after = due(clock, weight, weight, time, learning)
        passed = after.time - clock.time
        filled += passed
        steps.append(_Step(end, after, passed / filled, filled))
        clock, row = after, end
    return steps


def _simple(rows: Rows, steps: Sequence[_Step], state: State) -> bool:
    """Whether no batch is worth a second thread, and no vector has gaps."""
    longest, parameters = max(end - start for start, end in pairwise([0, *(s.end for s in steps)])), state.parameters
    model = Model(parameters.weights, parameters.means, parameters.precisions_cholesky)
    return alone(model, longest) and not missing.any_missing(rows.vectors[: steps[-1].end])


def _first(rows: Rows, count: int) -> Rows:
    """Those, in the one form that is compiled for."""
    return Rows(rows.vectors[:count], ones(count))


def _ahead(steps: Sequence[_Step], state: State, learning: Learning) -> _Ahead:
    return _Ahead(
        np.array([step.end for step in steps], np.int64),
        np.array([step.due.step_size for step in steps]),
        np.array([step.due.effective_sample_size for step in steps]),
        np.array([step.share for step in steps]),
        weak.needed(state.statistics),
        regularisation_of(learning),
    )


def _here(state: State, learning: Learning) -> _Here:
    """Arrays of its own."""
    kept = state.average.recent if learning.averaging and state.average is not None else None
    none = Statistics(*(array[:0] for array in state.statistics))
    return _Here(
        Parameters(*map(_own, state.parameters)),
        Model(*map(_own, padded(gaussian.model(state.parameters, learning.covariance)))),
        Statistics(*map(_own, state.statistics)),
        Statistics(*map(_own, kept or none)),
        Statistics(*map(_own, state.statistics)),
        Statistics(*map(_own, state.statistics)),
    )


def _own(array: Array) -> Array:
    return np.array(array, order="C")


def _seen(put: _Here) -> _Here:
    """The same memory, to be read."""
    return _Here(
        Parameters(*map(frozen, put.parameters)),
        Model(*map(frozen, put.model)),
        Statistics(*map(frozen, put.statistics)),
        Statistics(*map(frozen, put.average)),
        Statistics(*map(frozen, put.new)),
        Statistics(*map(frozen, put.blended)),
    )


def _after(state: State, put: _Here, done: Sequence[_Step], learning: Learning) -> State:
    """The state behind the batches that were learnt."""
    if not done:
        return state
    last, average = done[-1], state.average if learning.averaging else None
    if average is not None:
        average = average._replace(recent=Statistics(*map(sealed, put.average)), recent_time=last.averaged)
    return state._replace(
        parameters=Parameters(*map(sealed, put.parameters)),
        statistics=Statistics(*map(sealed, put.statistics)),
        time=last.due.time,
        steps=state.steps + len(done),
        effective_sample_size=last.due.effective_sample_size,
        event_time=last.due.event_time,
        average=average,
    )


@compiled
def _run_full(seen: _Here, put: _Here, rows: Rows, ahead: _Ahead, output: Output) -> int:
    """Returns how many batches were learnt; nothing that was put says anything of the one after them."""
    first = 0
    for b in range(len(ahead.ends)):
        batch, place = _cut(rows, output, first, ahead.ends[b])
        first_block = len(batch.carried.weights)  # 0, but no literal one: for that all would be compiled again
        sums, moments = _room(seen.model, seen.statistics, batch)
        scan_full(seen.model, batch, place, moments, first_block, first_block, len(moments.weight))
        add_full(seen.model.means, sums, moments, len(moments.weight), first_block, len(sums.mass))
        _say(sums, len(place.log_likelihood), seen.parameters.means, put.new)
        _put_statistics(blend_full(seen.statistics, seen.new, ahead.step_sizes[b]), put.blended)
        if _fewest(seen.blended.mass) * ahead.sizes[b] < ahead.needed:
            return b
        found = maximise_full(seen.blended, seen.parameters, ahead.regularisation)
        if found.repairs:
            return b
        _go_on(found, seen, put)
        if len(seen.average.mass):
            _put_statistics(blend_full(seen.average, seen.statistics, ahead.shares[b]), put.average)
        first = ahead.ends[b]
    return len(ahead.ends)


@compiled
def _run_diagonal(seen: _Here, put: _Here, rows: Rows, ahead: _Ahead, output: Output) -> int:
    """As `_run_full`, where covariances are diagonal."""
    first = 0
    for b in range(len(ahead.ends)):
        batch, place = _cut(rows, output, first, ahead.ends[b])
        first_block = len(batch.carried.weights)  # 0, but no literal one: for that all would be compiled again
        sums, moments = _room(seen.model, seen.statistics, batch)
        scan_diagonal(seen.model, batch, place, moments, first_block, first_block, len(moments.weight))
        add_diagonal(seen.model.means, sums, moments, len(moments.weight), first_block, len(sums.mass))
        _say(sums, len(place.log_likelihood), seen.parameters.means, put.new)
        _put_statistics(blend_diagonal(seen.statistics, seen.new, ahead.step_sizes[b]), put.blended)
        if _fewest(seen.blended.mass) * ahead.sizes[b] < ahead.needed:
            return b
        found = maximise_diagonal(seen.blended, seen.parameters, ahead.regularisation)
        if found.repairs:
            return b
        _go_on(found, seen, put)
        if len(seen.average.mass):
            _put_statistics(blend_diagonal(seen.average, seen.statistics, ahead.shares[b]), put.average)
        first = ahead.ends[b]
    return len(ahead.ends)


COMPILED: Mapping[str, Callable[[_Here, _Here, Rows, _Ahead, Output], int]] = {
    "full": _run_full,
    "diag": _run_diagonal,
}


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
def _go_on(found: Maximum, seen: _Here, put: _Here) -> None:
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
