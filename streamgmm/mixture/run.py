"""Full batches one after another, scored and learnt in one compiled call.

With small batches there are a thousand M-steps a second and more, and what the interpreter does between them costs
more than the mathematics. An ordinary batch asks for no decision: its vectors are complete and weigh 1 each, when its
M-step comes and how much it replaces are known beforehand (`due`), every component has vectors enough, and no
covariance needs a repair. A run goes on as long as batches are ordinary and leaves the next one, untouched, to `score`
and `learn` of `stepwise_em`. The compiled loop (`run_loop`) calls the same passes in the same order, so it gives the
same bits.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from streamgmm.mixture import gaussian, missing, unseen, weak
from streamgmm.mixture.arrays import Array, frozen, sealed
from streamgmm.mixture.block import Model, Rows, padded
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.due import Clock, Due, due
from streamgmm.mixture.kernel import alone
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.parameters import Parameters, regularisation_of, shape_of
from streamgmm.mixture.pending import is_nothing
from streamgmm.mixture.pieces import LONGEST, empty_output, ones
from streamgmm.mixture.rows import rows_of
from streamgmm.mixture.run_loop import Ahead, Here, learn_batches
from streamgmm.mixture.state import Info, State
from streamgmm.mixture.statistics import Statistics


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
    rows = _first(rows, steps[-1].end)
    put, output = _here(state, learning), empty_output(rows, len(state.statistics.mass))
    learnt = learn_batches(_seen(put), put, rows, _ahead(steps, state, learning), output)
    end, done = steps[learnt - 1].end if learnt else 0, steps[:learnt]
    info = Info(sealed(output.responsibilities[:end]), sealed(output.log_likelihood[:end]))
    return Run(_after(state, put, done, learning), info, learnt, done[-1].due.step_size if done else 0.0)


def is_ordinary(state: State, learning: Learning) -> bool:
    """Whether a run may begin here, whatever the vectors."""
    aside = learning.background is not None or learning.merge is not None or learning.split
    if aside or state.background or state.lookout is not None or not _as_the_kernel_sums(state, learning.covariance):
        return False
    if unseen.any_in(state.parameters, learning.covariance):
        return False
    enough = weak.fewest(state.statistics, state.effective_sample_size) >= weak.needed(state.statistics)
    return enough and is_nothing(state.pending) and not (learning.averaging and state.average is None)


def _as_the_kernel_sums(state: State, covariance: Covariance) -> bool:
    """Whether scatter needs no other shape in the statistics than in the sums: for those types there is a loop."""
    shape = shape_of(state.parameters)
    return covariance.shape(*shape) == covariance.kernel.shape(*shape)


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


def _ahead(steps: Sequence[_Step], state: State, learning: Learning) -> Ahead:
    return Ahead(
        np.array([step.end for step in steps], np.int64),
        np.array([step.due.step_size for step in steps]),
        np.array([step.due.effective_sample_size for step in steps]),
        np.array([step.share for step in steps]),
        weak.needed(state.statistics),
        regularisation_of(learning),
    )


def _here(state: State, learning: Learning) -> Here:
    """Arrays of its own."""
    kept = state.average.recent if learning.averaging and state.average is not None else None
    none = Statistics(*(array[:0] for array in state.statistics))
    return Here(
        Parameters(*map(_own, state.parameters)),
        Model(*map(_own, padded(gaussian.model(state.parameters, learning.covariance)))),
        Statistics(*map(_own, state.statistics)),
        Statistics(*map(_own, kept or none)),
        Statistics(*map(_own, state.statistics)),
        Statistics(*map(_own, state.statistics)),
    )


def _own(array: Array) -> Array:
    return np.array(array, order="C")


def _seen(put: Here) -> Here:
    """The same memory, to be read."""
    return Here(
        Parameters(*map(frozen, put.parameters)),
        Model(*map(frozen, put.model)),
        Statistics(*map(frozen, put.statistics)),
        Statistics(*map(frozen, put.average)),
        Statistics(*map(frozen, put.new)),
        Statistics(*map(frozen, put.blended)),
    )


def _after(state: State, put: Here, done: Sequence[_Step], learning: Learning) -> State:
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
