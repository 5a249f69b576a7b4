"""What the settings say of learning reaches the mixture: each by itself, and all at once, cut anyhow."""

from itertools import pairwise

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgmm.engine.values import Live, State
from streamgmm.errors import SettingsError
from streamgmm.mixture import averaging
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service.plain import from_plain, to_plain
from tests.engine import streams
from tests.engine.streams import RICH, K, plan, published, record, rich_stream, run, set_aside

STREAM = rich_stream(800)
PLAN = plan(**RICH)
WHOLE = run(PLAN, [STREAM])


def live(state: State) -> Live:
    assert isinstance(state.model, Live)
    return state.model


def restored(state: State) -> State:
    """Written and read again as a checkpoint does it; a warm-up is left as it is."""
    if not isinstance(state.model, Live):
        return state
    return state._replace(model=from_plain(Live, msgpack.unpackb(msgpack.packb(to_plain(state.model)))))


@settings(max_examples=settings.default.max_examples // 2, deadline=None)  # each takes a second
@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_cut_and_any_restore_give_the_same_bits(cuts):
    state, reports = None, []
    for a, b in pairwise([0, *sorted(cuts), len(STREAM)]):
        if a < b:
            state, report = run(PLAN, [STREAM[a:b]], restored(state) if state else None)
            reports.append(report)
    assert to_plain(state) == to_plain(WHOLE[0])
    assert [r for report in reports for r in published(report)] == published(WHOLE[1])
    assert [e for report in reports for e in report.events] == list(WHOLE[1].events)


def test_the_stream_of_these_tests_has_all_that_it_is_meant_to_have():
    state, report = WHOLE
    mixture = live(state).mixture
    assert mixture.pending.gaps is not None
    assert mixture.event_time == pytest.approx(1_700_000_195, abs=5)
    assert mixture.average is not None
    assert 0 < mixture.background < 0.1
    assert {"drift_raised", "reference_frozen"} <= {event.type for event in report.events}
    assert 0 < state.totals.incomplete < state.totals.vectors
    gaps = [np.isnan(sample.vectors).any(axis=1) for sample in report.samples]
    assert 0 < np.concatenate(gaps).sum() < np.concatenate(gaps).size  # vectors with gaps are looked at like others
    assert {dict(r.headers)["streamgmm-error-reason"] for r in set_aside(report)} <= {b"undecodable", b"all_missing"}


def plain_records(n, start=0, **fields):
    return [
        record(start + i, {"features": x, **{k: v(start + i) for k, v in fields.items()}})
        for i, x in enumerate(streams.vectors(n, seed=start).tolist())
    ]


@pytest.mark.parametrize(
    ("half_life", "kept"), [({"value": 80, "unit": "records"}, 0.5**0.5), ({"value": 2, "unit": "batches"}, 0.5**0.5)]
)
def test_a_half_life_bounds_what_is_kept(half_life, kept):
    forgetting = plan(learning={"batch_size": 40, "warm_up": 60, "half_life": half_life, "delay": 1000})
    state, _ = run(forgetting, [plain_records(400)])
    assert live(state).step_size == pytest.approx(1 - kept)
    assert (
        live(run(plan(learning={"batch_size": 40, "warm_up": 60, "delay": 1000}), [plain_records(400)])[0]).step_size
        < 0.02
    )


def test_a_half_life_in_seconds_follows_the_timestamps_or_the_field_and_a_gap_is_bounded():
    """A batch of 40 records of a second each, with a half-life of 40 seconds, keeps a half."""
    given = {"batch_size": 40, "warm_up": 60, "half_life": {"value": 40, "unit": "seconds"}, "delay": 1000}
    by_stamp = plan(learning=given)
    stamped = [r._replace(timestamp=1000 * r.offset) for r in plain_records(400)]
    state, _ = run(by_stamp, [stamped])
    assert live(state).mixture.event_time == 399
    assert live(state).step_size == pytest.approx(0.5)
    by_field = plan(input={"topic": "in", "event_time": "t"}, learning=given)
    other, _ = run(by_field, [plain_records(400, t=float)])
    assert to_plain(live(other).mixture) == to_plain(live(state).mixture)
    gap = plan(input={"topic": "in", "event_time": "t"}, learning={**given, "max_gap": 80})
    later = plain_records(40, start=400, t=lambda i: i + 1e6)
    assert live(run(gap, [later], other)[0]).step_size == pytest.approx(0.75)
    assert live(run(by_field, [later], other)[0]).step_size == pytest.approx(1.0)


def test_only_what_is_learnt_moves_the_clock():
    given = {"batch_size": 40, "warm_up": 60, "half_life": {"value": 40, "unit": "seconds"}}
    timed = plan(input={"topic": "in", "event_time": "t", "weight": "w"}, learning=given)
    state, _ = run(timed, [plain_records(100, t=float, w=lambda _: 1)])
    unlearnt = plain_records(40, start=100, t=lambda _: 1e6, w=lambda _: 0)
    assert live(run(timed, [unlearnt], state)[0]).latest == live(state).latest == 99


def test_an_event_time_that_is_none_is_a_dead_letter():
    timed = plan(input={"topic": "in", "event_time": "t"})
    given = [0, "2024-01-01T00:00:00Z", None, "soon", float("nan"), 1.7e12, True]
    values = [{"features": [1.0, 2.0], "t": t} for t in given] + [{"features": [1.0, 2.0]}, [1.0, 2.0]]
    _, report = run(timed, [[record(i, value) for i, value in enumerate(values)]])
    letters = {r.offset: dict(r.headers) for r in set_aside(report)}
    assert list(letters) == [2, 3, 4, 5, 6, 7, 8]
    assert {letter["streamgmm-error-reason"] for letter in letters.values()} == {b"bad_event_time"}
    assert letters[5]["streamgmm-error-message"] == b"'t' lies beyond the years 1 to 9999; is it in another unit?"


def test_averaging_keeps_an_average_and_freezes_it_as_the_reference_and_an_alarm_restarts_it():
    drift = {"settle": 200, "reference_size": 400, "window": 20, "expected_run_length": 40_000}
    averaging = plan(learning={"batch_size": 40, "warm_up": 60, "averaging": True}, drift=drift)
    state, report = run(averaging, [streams.stream(280)])
    frozen = live(state).drift.reference.parameters
    assert [event.type for event in report.events].count("reference_frozen") == 1
    raw, _ = run(plan(), [streams.stream(280)])
    assert not np.array_equal(frozen.means, live(raw).drift.reference.parameters.means)
    state, _ = run(averaging, [streams.stream(700)])
    assert live(state).mixture.average.recent_time + live(state).mixture.average.earlier_time > 4
    moved, report = run(averaging, [[record(700 + i, [3.0, 3.0]) for i in range(200)]], state)
    assert [event.type for event in report.events if event.type == "drift_raised"] == ["drift_raised"]
    assert live(moved).mixture.average.recent_time + live(moved).mixture.average.earlier_time < 5


def test_averaged_scoring_publishes_what_the_average_says_and_learns_the_same():
    both = {"batch_size": 40, "warm_up": 60, "averaging": True}
    raw, first = run(plan(learning=both), [streams.stream(400)])
    averaged, second = run(plan(learning={**both, "averaged_scoring": True}), [streams.stream(400)])
    assert to_plain(raw) == to_plain(averaged)
    assert published(first) != published(second)
    row = streams.vectors(1, seed=9)
    info = averaging.scored_by_average(live(raw).mixture, row, PLAN.learning._replace(background=None))
    _, report = run(plan(learning={**both, "averaged_scoring": True}), [[record(400, row[0].tolist())]], averaged)
    assert msgpack.unpackb(published(report)[0].value)["log_likelihood"] == info.log_likelihood[0]


def test_a_background_takes_wild_vectors():
    guarded = plan(model={"n_components": K, "n_features": 2, "background": {"low": [-1e3, -1e3], "high": [1e3, 1e3]}})
    wild = [record(400 + i, [(-1) ** i * 900.0, 900.0]) for i in range(3)]
    state, report = run(guarded, [plain_records(400), wild, plain_records(40, start=403)])
    free, _ = run(plan(), [plain_records(400), wild, plain_records(40, start=403)])
    assert np.abs(live(state).mixture.parameters.means).max() < 12
    assert np.trace(live(free).mixture.parameters.covariances, axis1=1, axis2=2).max() > 1000
    values = {r.offset: msgpack.unpackb(r.value)["responsibilities"] for r in published(report)}
    assert sum(values[400]) < 0.01
    assert sum(values[0]) == pytest.approx(1, abs=0.01)


def test_outliers_are_not_told_of_vectors_with_missing_features():
    state, _ = run(plan(), [streams.stream(700)])
    _, report = run(plan(), [[record(700, [1.0, None]), record(701, [1.0, 2.0])]], state)
    assert [msgpack.unpackb(r.value)["outlier"] for r in published(report)] == [None, False]


# ---- starts


GIVEN = {
    "weights_init": [0.5, 0.3, 0.2],
    "means_init": [[0, 0], [8, 0], [0, 8]],
    "covariances_init": [[[1, 0], [0, 1]]] * 3,
}


def test_given_parameters_are_where_the_model_starts_exactly():
    first, _ = run(plan(model={"n_components": 3, **GIVEN}), [plain_records(60)])
    model = live(first).mixture.parameters
    assert live(first).mixture.steps == 1
    state, _ = run(
        plan(model={"n_components": 3, **GIVEN}, learning={"warm_up": 60, "batch_size": 100}), [plain_records(60)]
    )
    assert np.array_equal(live(state).mixture.parameters.means, GIVEN["means_init"])
    assert np.array_equal(live(state).mixture.parameters.weights, GIVEN["weights_init"])
    inverted = {**GIVEN, "precisions_init": GIVEN["covariances_init"]}
    del inverted["covariances_init"]
    other, _ = run(plan(model={"n_components": 3, **inverted}), [plain_records(60)])
    assert np.allclose(live(other).mixture.parameters.covariances, model.covariances)


@pytest.mark.parametrize("name", ["kmeans", "k-means++", "hierarchical", "random_from_data", "random"])
def test_every_way_to_start_starts(name):
    state, _ = run(plan(model={"n_components": 3, "init_params": name, "n_init": 2}), [plain_records(200)])
    assert live(state).mixture.steps == 5
    again, _ = run(plan(model={"n_components": 3, "init_params": name, "n_init": 2}), [plain_records(200)])
    assert to_plain(again) == to_plain(state)


def test_what_only_the_mixture_can_refuse_is_an_error_of_the_settings():
    with pytest.raises(SettingsError, match=r"model\.weights_init sums to 0\.9"):
        plan(model={"n_components": 2, "weights_init": [0.5, 0.4]})
    with pytest.raises(SettingsError, match=r"model\.covariances_init\[1\] is not positive definite"):
        plan(model={"n_components": 2, "covariances_init": [[[1, 0], [0, 1]], [[1, 2], [2, 1]]]})
    with pytest.raises(SettingsError, match=r"model\.background: outside the domain of the transform of 'a'"):
        plan(
            input={"topic": "in", "features": [{"name": "a", "transform": "log"}]},
            model={"n_components": 2, "background": {"low": [-1], "high": [1]}},
        )


def test_a_start_from_missing_values_finds_the_clusters():
    state, report = run(
        plan(learning={"batch_size": 40, "warm_up": 300}),
        [
            [
                record(i, [None if (i + j) % 5 == 0 else v for j, v in enumerate(row)])
                for i, row in enumerate(streams.vectors(400).tolist())
            ]
        ],
    )
    means = live(state).mixture.parameters.means
    found = means[np.argsort(means @ [1, 2])]
    assert np.abs(found - [[0, 0], [8, 0], [0, 8]]).max() < 0.6
    assert not set_aside(report)


# ---- the number of components


def test_auto_takes_the_number_of_the_lowest_bic_and_records_it():
    auto = plan(model={"n_components": "auto", "n_components_max": 6}, learning={"warm_up": 300, "batch_size": 40})
    state, report = run(auto, [plain_records(400)])
    chosen, started = report.events[:2]
    assert chosen.type == "components_chosen"
    assert (chosen.fields["n_components"], chosen.fields["criterion"]) == (3, "bic")
    assert min(chosen.fields["scores"], key=chosen.fields["scores"].__getitem__) == "3"
    assert started.fields["ids"] == [0, 1, 2]
    known, _ = run(plan(learning={"warm_up": 300, "batch_size": 40}), [plain_records(400)])
    assert to_plain(live(state)) == to_plain(live(known))


def test_auto_waits_for_what_its_largest_number_needs():
    auto = plan(model={"n_components": "auto", "n_components_max": 6}, learning={"warm_up": None, "batch_size": 40})
    state, _ = run(auto, [plain_records(5 * 6 * 3 - 1)])
    assert not isinstance(state.model, Live)
    assert isinstance(run(auto, [plain_records(1, start=89)], state)[0].model, Live)


@pytest.mark.parametrize(
    ("asked", "held", "right"), [("auto", 3, True), ("auto", 7, False), (3, 3, True), (4, 3, False)]
)
def test_what_auto_chose_is_held_by_the_checkpoint(asked, held, right):
    chosen = streams.settings(model={"n_components": asked, "n_components_max": 5})
    state, _ = run(plan(model={"n_components": held}), [plain_records(100)])
    origin = checkpoints.Origin({0: 0}, {}, checkpoints.Partitions(1, 1, 1))
    checkpoint = checkpoints.of(state, chosen, origin)
    assert checkpoint.n_components == held
    if right:
        checkpoints.refuse_contradictions(checkpoint, chosen)
        return
    with pytest.raises(SettingsError, match=r"model\.n_components is (4|auto, 1 to 5), the checkpoint has (3|7)"):
        checkpoints.refuse_contradictions(checkpoint, chosen)
