import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgmm.drift import monitor
from streamgmm.drift.bank import NAMES
from streamgmm.drift.moved import moved, statistics
from streamgmm.service.plain import from_plain, to_plain
from tests.drift import models
from tests.drift.models import FULL, draw, frozen, plan, watching

PLAN = plan()


def kinds(info):
    return [change.kind for change in info.changes]


def test_it_settles_calibrates_and_watches():
    assert monitor.name(monitor.init()) == "settling"
    state = frozen()
    assert monitor.name(state) == "calibrating"
    state, info = monitor.update(state, draw(1000, 0), PLAN)
    assert (monitor.name(state), monitor.progress(state, PLAN), info.calibrated) == ("calibrating", 0.25, False)
    assert (info.outlier == monitor.UNKNOWN).all()
    assert monitor.name(watching(PLAN)) == "none"


def test_outliers_are_as_rare_as_the_quantile_and_flagged_after_the_calibration_only():
    _, info = monitor.update(frozen(), draw(30_000, 1), PLAN)
    assert (info.outlier[:4000] == monitor.UNKNOWN).all()
    assert 0.004 < (info.outlier[4000:] == 1).mean() < 0.025


@pytest.mark.parametrize(
    ("change", "name", "what"),
    [
        ({"shift": (1.0, 0.0)}, "mean", "mean"),
        ({"weights": (0.3, 0.4, 0.3)}, "weights", "weight"),
    ],
)
def test_a_change_raises_the_alarm_once_says_what_moved_and_its_return_clears_it_once(change, name, what):
    state, found = watching(PLAN), []
    for part in (draw(2000, 2), draw(4000, 3, **change), draw(20_000, 4)):
        state, info = monitor.update(state, part, PLAN)
        found.append([kind for kind in kinds(info) if kind in ("raised", "cleared")])
        if "raised" in kinds(info):
            then = next(c.watch for c in info.changes if c.kind == "raised")
            now = state
    assert found == [[], ["raised"], ["cleared"]]
    assert name in [one.name for one in statistics(then) if one.value > one.limit]
    told = moved(now.reference, now.watch, PLAN.wanted.window, FULL)
    assert what in {one.what for one in told}


@pytest.mark.parametrize("detectors", [*((name,) for name in NAMES), NAMES], ids=str)
@pytest.mark.parametrize("value", [1e9, -1e90])
def test_a_single_wild_vector_raises_an_alarm_that_is_soon_over_and_the_next_change_is_told_of(value, detectors):
    own = plan(detectors=detectors)
    rows = np.concatenate([draw(5000, 9), draw(4000, 3, shift=(1.5, 0.0))])
    rows[20] = value
    with np.errstate(all="raise", under="ignore"):
        state, info = monitor.update(watching(own), rows, own)
    told = [(change.kind, change.row) for change in info.changes if change.kind in ("raised", "cleared")]
    (first, at), (over, end), (again, later) = told
    assert (first, at, over, again) == ("raised", 50, "cleared", "raised")
    assert end - at <= own.cool_down + 64 * own.wanted.window
    assert 5000 < later < 6000
    assert all(np.isfinite(one).all() for one in (state.watch.values, *(s.memory for s in state.watch.states)))
    for change in info.changes:
        facts = moved(state.reference, change.watch, own.wanted.window, FULL)
        assert np.isfinite([(one.before, one.now, one.deviations) for one in facts]).all()


@pytest.mark.parametrize("detectors", [*((name,) for name in NAMES), NAMES], ids=str)
def test_a_change_however_large_is_told_of_in_its_whole_size_and_stands_while_it_lasts(detectors):
    own = plan(detectors=detectors)
    rows = draw(30_000, 3, shift=(0.0, -30.0))
    state, info = monitor.update(watching(own), rows, own)
    assert kinds(info) == ["raised"]
    for watch in (info.changes[0].watch, state.watch):
        facts = moved(state.reference, watch, own.wanted.window, FULL)
        fact = next(one for one in facts if one.what == "mean")
        assert (fact.component, fact.feature) == (4, 1)
        assert fact.deviations == pytest.approx(-30.0, abs=1.0)


def test_averages_forget_a_large_change_that_is_over_whatever_its_size_was():
    ends = []
    for shift in (3.0, 300.0):
        state, _ = monitor.update(watching(PLAN), draw(20_000, 3, shift=(0.0, -shift)), PLAN)
        _, info = monitor.update(state, draw(20_000, 4), PLAN)
        ends += [change.row for change in info.changes if change.kind == "cleared"][:1]
    assert max(ends) <= PLAN.cool_down + 128 * PLAN.wanted.window


def test_what_moved_is_measured_in_the_features_own_unit_and_names_the_component():
    state, _ = monitor.update(watching(PLAN), draw(8000, 3, shift=(1.0, 0.0)), PLAN)
    told = [one for one in moved(state.reference, state.watch, PLAN.wanted.window, FULL) if one.what == "mean"]
    assert (told[0].component, told[0].feature) == (4, 0)
    assert told[0].now - told[0].before == pytest.approx(1.0, abs=0.25)
    assert told[0].deviations == pytest.approx(1.0, abs=0.25)


def told_of(model, usual, now, what):
    """What is told first of a stream that was as `usual` while the reference was calibrated, and is as `now`."""
    state = monitor.freeze(monitor.init(), model, models.IDS, steps=3, learnt=50_000.0)
    state, _ = monitor.update(state, usual, PLAN)
    state, info = monitor.update(state, now, PLAN)
    assert "raised" in kinds(info)
    return next(one for one in moved(state.reference, state.watch, PLAN.wanted.window, FULL) if one.what == what)


def test_a_mean_is_told_from_where_the_stream_was_which_need_not_be_where_the_model_is():
    usual, now = draw(PLAN.reference_size, 0, shift=(-0.8, 0.5)), draw(8000, 3, shift=(0.4, 0.5))
    fact = told_of(models.parameters(), usual, now, "mean")
    assert (fact.component, fact.feature) == (4, 0)
    assert (fact.before, fact.now) == (pytest.approx(-0.8, abs=0.2), pytest.approx(0.4, abs=0.2))
    assert fact.deviations == pytest.approx(1.2, abs=0.3)


def test_a_spread_is_told_from_what_was_usual_which_need_not_be_what_the_model_says():
    def wider(rows, times):
        nearest = np.square(rows[:, None] - models.MEANS).sum(axis=2).argmin(axis=1)
        own = models.MEANS[nearest]
        return own + (rows - own) * np.where(nearest == 0, np.sqrt(times), 1.0)[:, None]

    usual, now = wider(draw(PLAN.reference_size, 0), 0.5), wider(draw(8000, 3), 1.5)
    fact = told_of(models.parameters(), usual, now, "spread")
    assert fact.component == 4
    assert (fact.before, fact.now) == (pytest.approx(0.5, abs=0.1), pytest.approx(1.5, abs=0.25))


def test_a_feature_that_goes_missing_raises_the_alarm_and_is_named():
    state = watching(PLAN)
    rows = draw(3000, 5)
    rows[np.random.default_rng(0).random(3000) < 0.3, 1] = np.nan
    state, info = monitor.update(state, rows, PLAN)
    assert "raised" in kinds(info)
    told = moved(state.reference, state.watch, PLAN.wanted.window, FULL)
    assert ("missing", 1) in {(one.what, one.feature) for one in told}


def test_gaps_that_the_reference_has_too_are_no_change():
    def with_gaps(n, seed):
        rows = draw(n, seed)
        rows[np.random.default_rng(seed).random(n) < 0.3, 1] = np.nan
        return rows

    state, _ = monitor.update(frozen(), with_gaps(4000, 1), PLAN)
    _, info = monitor.update(state, with_gaps(5000, 2), PLAN)
    assert "raised" not in kinds(info)


def test_equal_vectors_are_no_division_by_zero():
    state, _ = monitor.update(frozen(), np.full((4000, 2), 1.0), PLAN)
    assert monitor.name(state) == "none"
    state, info = monitor.update(state, np.full((2000, 2), 1.0), PLAN)
    assert kinds(info) == []
    state, _ = monitor.update(state, np.full((2000, 2), 1.5), PLAN)
    assert monitor.name(state) == "alarm"
    assert np.isfinite(state.watch.values).all()


def test_a_component_that_had_died_in_the_reference_is_no_division_by_zero():
    state, _ = monitor.update(frozen((1.0, 0.0, 0.0)), draw(4000, 0, weights=(1.0, 0.0, 0.0)), PLAN)
    state, _ = monitor.update(state, draw(2000, 1), PLAN)
    assert monitor.name(state) == "alarm"
    assert np.isfinite(state.watch.values).all()


def test_a_reference_that_is_too_small_says_how_far_it_holds():
    state, _ = monitor.update(frozen(), draw(1000, 0), plan(reference_size=1000, run_length=50_000))
    assert state.watch.standard.run_length == 10_000


@pytest.mark.parametrize("detectors", [*((name,) for name in NAMES), NAMES], ids=str)
def test_a_restore_in_the_middle_of_an_alarm_neither_forgets_nor_repeats_it(detectors):
    own = plan(detectors=detectors)
    change = draw(4000, 3, shift=(1.0, 0.0))
    state, first = monitor.update(watching(own), change, own)
    assert kinds(first).count("raised") == 1
    restored = from_plain(monitor.State, to_plain(state))
    for going in (state, restored):
        after, info = monitor.update(going, draw(2000, 6, shift=(1.0, 0.0)), own)
        assert (kinds(info), monitor.name(after)) == ([], "alarm")
        cleared, info = monitor.update(after, draw(40_000, 7), own)
        assert kinds(info)[0] == "cleared"
    assert to_plain(cleared) == to_plain(monitor.update(after, draw(40_000, 7), own)[0])


@pytest.mark.parametrize("detectors", [*((name,) for name in NAMES), NAMES], ids=str)
def test_each_detector_says_what_moved_and_by_how_much(detectors):
    own = plan(detectors=detectors)
    state, info = monitor.update(watching(own), draw(8000, 3, shift=(1.0, 0.0)), own)
    assert kinds(info).count("raised") == 1
    told = [one for one in moved(state.reference, state.watch, own.wanted.window, FULL) if one.what == "mean"]
    assert (told[0].component, told[0].feature) == (4, 0)
    assert told[0].deviations == pytest.approx(1.0, abs=0.3)


@pytest.mark.parametrize(
    "changed", [{"detectors": ("cusum",)}, {"window": 20}, {"window": 100}, {"run_length": 30_000}], ids=str
)
def test_other_settings_are_calibrated_for_on_the_same_reference(changed):
    state, _ = monitor.update(watching(PLAN), draw(1033, 2), PLAN)
    other = plan(**changed)
    after, info = monitor.update(state, draw(1000, 3), other)
    assert (monitor.name(after), after.reference) == ("calibrating", state.reference)
    assert (info.outlier == monitor.UNKNOWN).all()
    after, info = monitor.update(after, draw(3500, 4), other)
    assert info.calibrated
    assert after.watch.standard.wanted == other.wanted
    assert after.versions == state.versions


def test_a_window_that_changes_while_calibrating_begins_the_calibration_anew():
    state, _ = monitor.update(frozen(), draw(1045, 1), PLAN)
    after, info = monitor.update(state, draw(990, 2), plan(window=20))
    assert (info.calibrated, after.gathering.windows, after.filled) == (False, 49, 10)


@pytest.mark.parametrize(
    "changed", [{"reference_size": 2000}, {"reference_size": 500}, {"outlier_quantile": 0.05}], ids=str
)
def test_a_reference_of_other_vectors_or_another_quantile_is_gathered_anew(changed):
    state, _ = monitor.update(frozen(), draw(1045, 1), PLAN)
    other, stream = plan(**changed), draw(450, 2)
    after, info = monitor.update(state, stream, other)
    assert (monitor.name(after), after.gathering.windows, info.left) == ("calibrating", 9, "none")
    fresh, _ = monitor.update(frozen(), stream, other)
    assert to_plain(after) == to_plain(fresh)
    cut, _ = monitor.update(state, stream[:7], other)
    assert to_plain(monitor.update(cut, stream[7:], other)[0]) == to_plain(after)


def test_what_only_a_reference_is_gathered_by_waits_for_the_next_one_once_it_is_calibrated():
    state = watching(PLAN)
    after, info = monitor.update(state, draw(100, 2), plan(reference_size=500, outlier_quantile=0.05))
    assert (after.watch.standard, info.left) == (state.watch.standard, None)


def test_another_seed_or_order_of_the_detectors_is_no_reason_to_calibrate_anew():
    own = plan(detectors=("cusum", "ewma"))
    state, _ = monitor.update(watching(own), draw(2000, 3, shift=(1.0, 0.0)), own)
    more, ordered = draw(500, 4, shift=(1.0, 0.0)), plan(detectors=("ewma", "cusum"))
    other = ordered._replace(wanted=ordered.wanted._replace(seed=5))
    (after, info), (same, _) = (monitor.update(state, more, one) for one in (other, own))
    assert (monitor.name(after), info.left) == ("alarm", None)
    assert to_plain(after) == to_plain(same)
    assert monitor.update(state, more, plan(window=20))[1].left == "alarm"


STREAM = np.concatenate([draw(1630, 5), draw(700, 6, shift=(3.0, 0.0)), draw(400, 7)])
SHORT = plan(reference_size=1000, window=20, run_length=5000, cool_down=100)
WHOLE = monitor.update(frozen(), STREAM, SHORT)


@pytest.mark.timeout(400)
@settings(max_examples=max(5, settings.default.max_examples // 10), deadline=None)  # each takes seconds
@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_cut_gives_the_same_state_flags_and_changes_bit_for_bit(cuts):
    state, flags, changes, done = frozen(), [], [], 0
    for part in np.split(STREAM, sorted(cuts)):
        state, piece = monitor.update(state, part, SHORT)
        flags.append(piece.outlier)
        changes += [(change.kind, done + change.row, to_plain(change.watch)) for change in piece.changes]
        done += len(part)
    assert to_plain(state) == to_plain(WHOLE[0])
    assert np.array_equal(np.concatenate(flags), WHOLE[1].outlier)
    assert changes == [(change.kind, change.row, to_plain(change.watch)) for change in WHOLE[1].changes]


def test_a_new_reference_has_the_next_version_and_begins_anew():
    state, _ = monitor.update(watching(PLAN), draw(4000, 3, shift=(1.0, 0.0)), PLAN)
    state = monitor.freeze(state, models.parameters(), models.IDS, steps=9, learnt=1000.0)
    assert (state.reference.version, monitor.name(state)) == (2, "calibrating")
