import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgmm.drift import monitor
from streamgmm.mixture.parameters import Parameters

PLAN = monitor.plan(
    settle=0, reference_size=5000, window=50, smoothing=0.2, expected_run_length=20_000, outlier_quantile=0.01
)
FROZEN = Parameters(*[np.empty(0)] * len(Parameters._fields))


def watching(seed=0, n=5000):
    state, _ = monitor.update(monitor.freeze(monitor.init(), FROZEN), scores(seed, n), PLAN)
    return state


def scores(seed, n, mean=-3.0):
    return np.random.default_rng(seed).normal(mean, 2.0, n)


def test_it_settles_calibrates_and_watches():
    state = monitor.init()
    assert monitor.name(state) == "settling"
    state = monitor.freeze(state, FROZEN)
    assert monitor.name(state) == "calibrating"
    state, info = monitor.update(state, scores(0, 2500), PLAN)
    assert (monitor.name(state), monitor.progress(state, PLAN)) == ("calibrating", 0.5)
    assert (info.outlier == monitor.UNKNOWN).all()
    assert monitor.name(watching()) == "none"


def test_outliers_are_rarer_than_the_quantile_and_flagged_after_the_calibration_only():
    state = monitor.freeze(monitor.init(), FROZEN)
    state, info = monitor.update(state, scores(1, 25_000), PLAN)
    assert (info.outlier[:5000] == monitor.UNKNOWN).all()
    assert 0.003 < (info.outlier[5000:] == 1).mean() < 0.025
    below = state.usual.outlier_below
    _, info = monitor.update(state, np.array([below - 1e-9, below]), PLAN)
    assert info.outlier.tolist() == [1, 0]


def test_a_fall_of_the_score_raises_the_alarm_once_and_its_return_clears_it_once():
    state, changes = watching(), []
    rarely = PLAN._replace(limit=monitor.ewma.limit(1_000_000, PLAN.smoothing))
    for part in (scores(2, 2000), scores(3, 2000, mean=-4.5), scores(4, 4000)):
        state, info = monitor.update(state, part, rarely)
        changes.append([change.raised for change in info.changes])
    assert changes == [[], [True], [False]]


def test_hysteresis_keeps_the_alarm_between_half_the_limit_and_the_limit():
    state = watching()._replace(alarm=True)
    between = 0.75 * PLAN.limit * np.sqrt(PLAN.smoothing / (2 - PLAN.smoothing))  # of the average
    state = state._replace(average=state.average._replace(average=between))
    window = np.full(PLAN.window, state.usual.mean + between * state.usual.deviation)
    state, info = monitor.update(state, window, PLAN)
    assert state.alarm
    assert info.changes == ()


def test_equal_scores_are_no_division_by_zero():
    state = monitor.freeze(monitor.init(), FROZEN)
    state, _ = monitor.update(state, np.full(5000, -1.0), PLAN)
    assert monitor.name(state) == "none"
    state, _ = monitor.update(state, np.full(2000, -1.1), PLAN)
    assert monitor.name(state) == "alarm"
    assert np.isfinite(state.standardised)


@given(st.lists(st.integers(0, 7000), max_size=12))
def test_any_cut_gives_the_same_state_and_flags(cuts):
    stream = np.concatenate([scores(5, 5700), scores(6, 1300, mean=-6.0)])
    whole, info = monitor.update(monitor.freeze(monitor.init(), FROZEN), stream, PLAN)
    state, flags = monitor.freeze(monitor.init(), FROZEN), []
    for part in np.split(stream, sorted(cuts)):
        state, piece = monitor.update(state, part, PLAN)
        flags.append(piece.outlier)
    assert np.array_equal(np.concatenate(flags), info.outlier)
    assert state.usual == whole.usual
    assert (state.average, state.standardised, state.alarm) == (whole.average, whole.standardised, whole.alarm)
    assert np.array_equal(state.unfinished, whole.unfinished)


def test_the_run_length_asked_for_is_held_within_a_factor():
    plan = PLAN._replace(limit=monitor.ewma.limit(100, PLAN.smoothing))
    usual = watching().usual._replace(mean=0.0, deviation=1.0, outlier_below=-9.0)
    state, alarms, steps = watching()._replace(usual=usual), 0, 100_000
    for value in np.random.default_rng(7).standard_normal(steps):
        before = state
        state, info = monitor.update(state, np.full(plan.window, value), plan)
        alarms += sum(change.raised for change in info.changes)
        state = before._replace(average=monitor.ewma.init()) if state.alarm else state
    assert steps * plan.window / alarms == pytest.approx(5000, rel=0.1)
