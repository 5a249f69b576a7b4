"""The drift monitor: the stream held against a frozen reference of the mixture, window by window.

Its life: *settling* until there is a reference; *calibrating* while the frozen model scores vectors that it has not
learnt; then *none*, *warning* or *alarm*. A live model adapts and hides what moved; the frozen one does not. Windows
are cut by position, so how the stream is cut changes nothing.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.drift import alarm as alarms
from streamgmm.drift import diagnosis, scores, watch
from streamgmm.drift import reference as references
from streamgmm.drift.diagnosis import Diagnosis, Seen
from streamgmm.drift.e_step import e_step
from streamgmm.drift.ready import ready
from streamgmm.drift.reference import Gathering, Reference
from streamgmm.drift.transform import Margins
from streamgmm.drift.watch import Wanted, Watch
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters

UNKNOWN = diagnosis.UNKNOWN


class Plan(NamedTuple):
    """What the settings fix; lengths in vectors."""

    settle: int | None  # vectors learnt before the first reference is frozen; None: only on command
    settle_again: int  # the same after an action that let a reference go
    reference_size: int
    wanted: Wanted
    outlier_quantile: float
    cool_down: int
    covariance: Covariance


class State(NamedTuple):
    """What the next vectors need."""

    reference: Reference | None = None
    gathering: Gathering | None = None  # while calibrating
    watch: Watch | None = None  # once calibrated
    rest: Array = frozen(np.zeros(0))  # (p,) sums of the window that is not full
    filled: int = 0  # vectors in it
    window: int = 0  # vectors to a window that is full; 0: none has begun
    alarm: alarms.State = alarms.init()
    versions: int = 0  # references taken so far
    let_go: float = 0.0  # batches that the model had learnt when the last one was let go
    diagnosis: Diagnosis | None = None  # while there is a reference


class Change(NamedTuple):
    """The alarm's level changed with the window that ended before row `row` of this update."""

    kind: alarms.Kind
    row: int
    watch: Watch  # as of that window


class Info(NamedTuple):
    """What an observer may want."""

    outlier: NDArray[np.int8]  # (n,) 1 outlier, 0 not, -1 no reference yet
    changes: tuple[Change, ...]
    calibrated: int  # the row before which the reference became complete in this update, 0: it did not
    left: alarms.Level | None = None  # the level that was left, since settings changed and it is calibrated anew


def init() -> State:
    """No reference yet."""
    return State()


def freeze(state: State, parameters: Parameters, ids: NDArray[np.int64], *, steps: int, learnt: float) -> State:
    """Take a model as the next reference and begin to learn what is usual under it; an alarm that stands ends."""
    return _begin(Reference(parameters, ids, state.versions + 1, steps, learnt), state.versions + 1)


def _begin(reference: Reference, versions: int) -> State:
    rest = frozen(np.zeros(references.layout_of(reference).size))
    nothing = diagnosis.init(reference.parameters.means.shape[1])
    return State(reference, references.begin(reference), rest=rest, versions=versions, diagnosis=nothing)


def let_go(state: State, learnt: float) -> State:
    """No reference any more, and no alarm; the model, which has learnt so many batches, settles for the next one."""
    return State(versions=state.versions, let_go=learnt)


def silenced(state: State) -> State:
    """Nothing is watched any more: an alarm that stands ends. What was seen is kept."""
    return state._replace(alarm=alarms.init())


def name(state: State) -> Literal["settling", "calibrating", "none", "warning", "alarm"]:
    """The state in a word."""
    if state.reference is None:
        return "settling"
    return "calibrating" if state.watch is None else state.alarm.level


def to_settle(state: State, plan: Plan) -> int | None:
    """Vectors that a model learns before it is frozen as the next reference; None: only on command."""
    return plan.settle_again if state.versions else plan.settle


def progress(state: State, plan: Plan) -> float:
    """How much of the calibration is done, 0 to 1."""
    if state.gathering is None:
        return float(state.watch is not None)
    return min(1.0, (state.gathering.windows * plan.wanted.window + state.filled) / plan.reference_size)


def update(state: State, vectors: Array, plan: Plan) -> tuple[State, Info]:
    """Take in vectors (n, d) in the order of the stream; without a reference nothing happens."""
    if state.reference is None:
        return state, Info(np.full(len(vectors), UNKNOWN), (), 0)
    left = None if as_asked(state, plan) else state.alarm.level
    if left is not None:
        state = _begin(state.reference, state.versions)
    vectors = frozen(vectors)
    assert state.reference is not None  # noqa: S101 - as before
    parameters, _, held, margins = ready(state.reference.parameters, plan.covariance)
    output, window = e_step(parameters, held, vectors, plan.covariance), plan.wanted.window
    sums, rest = scores.windows(held, vectors, output, window, state.rest, state.filled)
    before = state.filled
    state = state._replace(rest=rest, filled=(before + len(vectors)) % window, window=window)
    taken, known_from = 0, 0
    if gathering := state.gathering:
        missing = -(-plan.reference_size // window) - gathering.windows
        taken = min(missing, len(sums))
        known_from = taken * window - before if taken == missing else len(vectors)
        state = _gather(state, plan, sums[:taken], vectors[:known_from], output.log_likelihood[:known_from])
        if taken == missing:
            state = _calibrate(state, held, plan)
    changes: tuple[Change, ...] = ()
    if state.watch is not None and len(sums) > taken:
        state, changes = _watch(state, state.watch, sums[taken:], (taken + 1) * window - before, plan)
    flags = _flags(state, vectors, output.log_likelihood, known_from)
    state = _diagnose(state, plan, margins, Seen(vectors, output.responsibilities), flags, known_from)
    return state, Info(flags, changes, known_from if gathering is not None and state.watch is not None else 0, left)


def as_asked(state: State, plan: Plan) -> bool:
    """Whether what has been seen of the reference, and the limits, are for these settings; else it begins anew."""
    if state.watch is not None and not state.watch.standard.wanted.alike(plan.wanted):
        return False
    if state.gathering is not None and state.window:
        held = state.gathering
        return (state.window, held.vectors, held.outlier_quantile) == (
            plan.wanted.window,
            plan.reference_size,
            plan.outlier_quantile,
        )
    return True


def _gather(state: State, plan: Plan, sums: Array, vectors: Array, log_likelihood: Array) -> State:
    assert state.gathering is not None  # noqa: S101 - what calibrates gathers
    size, quantile = plan.reference_size, plan.outlier_quantile
    gathering = references.gather(state.gathering, sums, vectors, log_likelihood, size=size, outlier_quantile=quantile)
    return state._replace(gathering=gathering)


def _calibrate(state: State, held: scores.Held, plan: Plan) -> State:
    assert state.reference is not None and state.gathering is not None  # noqa: S101 - what calibrates has both
    found = watch.begin(state.reference, held, state.gathering, plan.covariance, plan.wanted)
    return state._replace(gathering=None, watch=found)


def _watch(state: State, watched: Watch, sums: Array, first: int, plan: Plan) -> tuple[State, tuple[Change, ...]]:
    """Windows (m, p) of which the first ended before row `first`."""
    assert state.reference is not None  # noqa: S101 - what is watched has a reference
    wanted = watched.standard.wanted  # in the order in which the detectors were calibrated
    bank, window = watch.bank_of(state.reference, wanted), wanted.window
    after, values = watch.update(watched, bank, sums, window)
    if alarms.idle(state.alarm) and not (values > watched.standard.warning).any():
        quiet = state.alarm._replace(quiet=state.alarm.quiet + len(sums))
        return state._replace(watch=after, alarm=quiet), ()
    life, changes, then, seen = state.alarm, list[Change](), watched, 0
    above = [(values > limit).any(axis=(1, 2)) for limit in (watched.standard.warning, watched.standard.alarm)]
    for m, (warning, alarm) in enumerate(zip(*(flags.tolist() for flags in above), strict=True)):
        life, kind = alarms.update(life, warning=warning, alarm=alarm, cool_down=-(-plan.cool_down // window))
        if kind is not None:
            then, _ = watch.update(then, bank, sums[seen : m + 1], window)
            changes.append(Change(kind, first + m * window, then))
            seen = m + 1
    return state._replace(watch=after, alarm=life), tuple(changes)


def _flags(state: State, vectors: Array, log_likelihood: Array, known_from: int) -> NDArray[np.int8]:
    if state.watch is None:
        return np.full(len(vectors), UNKNOWN)
    return diagnosis.flagged(vectors, log_likelihood, state.watch.standard.outlier_below, known_from)


def _diagnose(state: State, plan: Plan, of: Margins, seen: Seen, flags: NDArray[np.int8], known_from: int) -> State:
    """What is looked at beside the alarm; vectors from `known_from` on are no longer the reference's."""
    assert state.diagnosis is not None  # noqa: S101 - there is a reference
    found = state.diagnosis
    if found.now is None:
        found = diagnosis.gather(found, of, seen.part(0, known_from))
        found = found if state.watch is None else diagnosis.complete(found, plan.outlier_quantile)
    if found.now is not None:
        found = diagnosis.follow(found, of, seen.part(known_from, len(flags)), flags[known_from:])
    return state._replace(diagnosis=found)
