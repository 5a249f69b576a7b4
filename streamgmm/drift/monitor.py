"""The drift alarm: the stream's prequential scores under a frozen reference, watched by an EWMA.

Its life: *settling* until the model has learnt enough to be frozen; *calibrating* while the frozen model scores
vectors that it has not learnt; then *none* or *alarm*. A live model adapts and hides what moved; the frozen one does
not. Scores are taken in windows of `Plan.window` vectors cut by position, so how the stream is cut changes nothing.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.drift import ewma, reference
from streamgmm.drift.reference import Array, Calibration, Usual
from streamgmm.mixture.parameters import Parameters

UNKNOWN = np.int8(-1)  # an outlier flag without a reference
CLEARED_BELOW = 0.5  # of the limit: an alarm ends when the average has come back this far


class Plan(NamedTuple):
    """What the settings fix; lengths in vectors."""

    settle: int
    reference_size: int
    window: int
    smoothing: float
    outlier_quantile: float
    limit: float  # where the alarm stands, in standard deviations of the EWMA


def plan(
    *,
    settle: int,
    reference_size: int,
    window: int,
    smoothing: float,
    outlier_quantile: float,
    expected_run_length: int,
) -> Plan:
    """The plan whose limit holds `expected_run_length` vectors between false alarms of an unchanged stream."""
    limit = ewma.limit(expected_run_length / window, smoothing)
    return Plan(settle, reference_size, window, smoothing, outlier_quantile, limit)


class State(NamedTuple):
    """What the next vectors need: the frozen model, what is usual under it, and the alarm."""

    frozen: Parameters | None = None
    unfinished: Array = np.empty(0)  # (< window,) scores of the window that is not full yet
    calibration: Calibration | None = None
    usual: Usual | None = None
    average: ewma.State = ewma.init()
    standardised: float = 0.0
    alarm: bool = False


class Change(NamedTuple):
    """The alarm rose or was cleared, `vector` vectors into the scores of this update."""

    raised: bool
    vector: int
    standardised: float
    mean: float  # score of the window that changed it, nats


class Info(NamedTuple):
    """What an observer may want."""

    outlier: NDArray[np.int8]  # (n,) 1 outlier, 0 not, -1 no reference yet
    changes: tuple[Change, ...]


def init() -> State:
    """No reference yet."""
    return State()


def freeze(state: State, parameters: Parameters) -> State:
    """Take a model as the reference and begin to learn what is usual under it."""
    return state._replace(frozen=parameters, calibration=reference.init(), unfinished=np.empty(0), usual=None)


def name(state: State) -> Literal["settling", "calibrating", "none", "alarm"]:
    """The state in a word: settling, calibrating, none, alarm."""
    if state.frozen is None:
        return "settling"
    if state.usual is None:
        return "calibrating"
    return "alarm" if state.alarm else "none"


def update(state: State, scores: Array, plan: Plan) -> tuple[State, Info]:
    """Take in log-likelihoods (n,) of vectors under the frozen model, in the order of the stream."""
    outlier = np.full(len(scores), UNKNOWN)
    changes: list[Change] = []
    done = -len(state.unfinished)  # where the current window began, in vectors of this update
    waiting = np.concatenate([state.unfinished, scores])
    full = len(waiting) // plan.window * plan.window
    for window in waiting[:full].reshape(-1, plan.window):
        _flag(outlier, scores, state.usual, done, done + plan.window)
        done += plan.window
        state, change = _window(state, window, plan)
        changes += [Change(change, done, state.standardised, float(window.mean()))] if change is not None else []
    _flag(outlier, scores, state.usual, done, len(scores))
    rest = waiting[full:].copy()
    rest.flags.writeable = False
    return state._replace(unfinished=rest), Info(outlier, tuple(changes))


def _flag(outlier: NDArray[np.int8], scores: Array, usual: Usual | None, start: int, stop: int) -> None:
    if usual is not None:
        rows = slice(max(start, 0), stop)
        outlier[rows] = scores[rows] < usual.outlier_below


def _window(state: State, scores: Array, plan: Plan) -> tuple[State, bool | None]:
    """One full window: learn what is usual, or hold it against that. True: alarm raised; False: cleared."""
    if state.usual is None:
        return _calibrate(state, scores, plan), None
    value = (float(scores.mean()) - state.usual.mean) / state.usual.deviation
    average, info = ewma.update(state.average, value, smoothing=plan.smoothing)
    bound = plan.limit * (CLEARED_BELOW if state.alarm else 1)
    alarm = abs(info.standardised) > bound
    changed = alarm if alarm != state.alarm else None
    return state._replace(average=average, standardised=info.standardised, alarm=alarm), changed


def _calibrate(state: State, scores: Array, plan: Plan) -> State:
    assert state.calibration is not None  # noqa: S101 - a frozen reference without what is usual is being calibrated
    keep = int(plan.outlier_quantile * plan.reference_size) + 1
    calibration = reference.update(state.calibration, scores, keep=keep)
    if calibration.windows * plan.window < plan.reference_size:
        return state._replace(calibration=calibration)
    return state._replace(calibration=None, usual=reference.usual(calibration))


def progress(state: State, plan: Plan) -> float:
    """How much of the calibration is done, 0 to 1."""
    if state.calibration is None:
        return float(state.usual is not None)
    return min(1.0, state.calibration.windows * plan.window / plan.reference_size)
