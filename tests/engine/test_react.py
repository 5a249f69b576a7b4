"""What follows an alarm: each action is an event that names the model before and after."""

from itertools import pairwise

import msgpack
import numpy as np
import pytest

from streamgmm.drift import monitor
from streamgmm.engine.react import NOTHING, react
from streamgmm.engine.settling import settled
from streamgmm.engine.values import Event, Live, Recent
from streamgmm.service.plain import from_plain, to_plain
from tests.engine import streams
from tests.engine.streams import plan, published, record, run, stream

DRIFT = {"settle": 200, "reference_size": 400, "window": 20, "expected_run_length": 20_000, "cool_down": 200}
USUAL = stream(1200)
MOVED = [record(1200 + i, [3.0 + x, 3.0 + y]) for i, (x, y) in enumerate(streams.vectors(1500, 5).tolist())]


def acting(*actions):
    the_plan = plan(drift={**DRIFT, "actions": actions})
    state, before = run(the_plan, [USUAL, MOVED])
    return the_plan, state, before.events


def types(events):
    return [event.type for event in events]


@pytest.mark.parametrize("detectors", [("cusum",), ("windows", "cusum")], ids=str)
def test_the_detectors_that_are_set_watch_and_go_on_where_they_were(detectors):
    the_plan = plan(drift={**DRIFT, "detectors": detectors})
    _, whole = run(the_plan, [USUAL, MOVED])
    middle, before = run(the_plan, [USUAL, MOVED[:150]])
    restored = middle._replace(model=from_plain(Live, msgpack.unpackb(msgpack.packb(to_plain(middle.model)))))
    _, after = run(the_plan, [MOVED[150:]], restored)
    assert restored.model.drift.watch.standard.wanted.detectors == detectors
    assert types(before.events + after.events).count("drift_raised") == 1
    assert before.events + after.events == whole.events


def test_without_an_action_the_alarm_stands_although_the_model_adapts():
    _, state, events = acting()
    assert types(events).count("drift_raised") == 1
    assert "drift_cleared" not in types(events)
    assert state.model.drift.alarm.level == "alarm"
    assert state.model.drift.reference.version == 1


@pytest.mark.parametrize("reference", ["auto", "manual"])
def test_a_new_reference_is_taken_when_the_model_has_settled_for_it(reference):
    state, _ = run(plan(drift=DRIFT), [USUAL])
    the_plan = plan(drift={**DRIFT, "reference": reference, "actions": ["new_reference"]})
    state, report = run(the_plan, [MOVED], state)
    told = [event for event in report.events if event.type.startswith("reference")]
    assert types(told)[:3] == ["reference_let_go", "reference_frozen", "reference_calibrated"]
    let_go, frozen = told[0].fields, told[1].fields
    assert (let_go["reference"], let_go["settle"], frozen["reference"]) == (1, DRIFT["settle"], 2)
    assert frozen["batches"] - let_go["batches"] == DRIFT["settle"] / the_plan.learning.batch_size
    assert state.model.drift.alarm.level != "alarm"


def test_a_restore_while_the_model_settles_for_a_new_reference_neither_forgets_nor_repeats_it():
    the_plan, whole, events = acting("new_reference")
    rows, state, said = [USUAL, *([record] for record in MOVED)], None, []
    for part in rows:
        state, report = run(the_plan, [part], *([] if state is None else [state]))
        said += report.events
        if "reference_let_go" in types(report.events):
            assert state.model.drift.reference is None
            state = state._replace(model=from_plain(Live, msgpack.unpackb(msgpack.packb(to_plain(state.model)))))
    assert said == list(events)
    assert to_plain(state) == to_plain(whole)


def test_a_reheat_after_the_reference_was_let_go_makes_it_settle_from_there():
    first, second = (acting(*actions)[2] for actions in (("new_reference", "reheat"), ("reheat", "new_reference")))
    for events in (first, second):
        frozen = [event.fields for event in events if event.type == "reference_frozen"][1]
        assert frozen["batches"] == DRIFT["settle"] / plan().learning.batch_size


def test_how_far_a_model_has_settled_counts_from_when_the_reference_was_let_go():
    the_plan = plan(drift={**DRIFT, "reference": "manual"})
    state, _ = run(the_plan, [USUAL])
    live, batches = state.model, DRIFT["settle"] / the_plan.learning.batch_size
    assert settled(the_plan, live) == 0
    gone = live._replace(drift=monitor.let_go(live.drift._replace(versions=1), live.mixture.time - batches / 4))
    assert settled(the_plan, gone) == 0.25
    assert settled(the_plan._replace(frozen=True), gone) == 1
    assert settled(plan(drift={**DRIFT, "settle": 0}), gone) == 1


def test_reheating_starts_the_step_size_anew():
    _, state, events = acting("reheat", "new_reference")
    reheated = next(event for event in events if event.type == "model_reheated")
    before, after = reheated.fields["before"], reheated.fields["after"]
    assert state.model.mixture.time < before["batches"] + 40
    assert after == {**before, "batches": 0}
    assert reheated.fields["reference_let_go"] is True
    assert types(events).index("model_reheated") < len(events) - 1
    assert state.model.drift.reference.version >= 2


def test_reinitialising_keeps_the_ids_and_begins_a_generation():
    _, state, events = acting("reinitialise")
    anew = [event.fields for event in events if event.type == "model_reinitialised"]
    assert anew
    assert anew[0]["before"] == {"generation": 0, "steps": anew[0]["after"]["steps"]}
    assert anew[0]["after"]["generation"] == 1
    assert sorted(anew[0]["ids"]) == [0, 1, 2]
    assert sorted(state.model.ids.tolist()) == [0, 1, 2]
    assert (state.generation, state.ids_version) == (len(anew), len(anew))
    assert np.isfinite(state.model.mixture.parameters.means).all()


@pytest.mark.parametrize(("action", "kind"), [("reheat", "model_reheated"), ("reinitialise", "model_reinitialised")])
def test_the_model_before_an_action_is_handed_on_to_be_kept(action, kind):
    _, report = run(plan(drift={**DRIFT, "actions": (action,)}), [USUAL, MOVED])
    last = [event.fields for event in report.events if event.type == kind][-1]
    (kept,) = report.kept
    assert kept.action == action
    assert (
        last["before"].items()
        >= {"generation": kept.before.generation, "steps": kept.before.model.mixture.steps}.items()
    )
    assert kept.before.model.mixture.time > 0


def test_a_model_that_is_reheated_alone_keeps_its_reference_and_its_alarm():
    _, state, events = acting("reheat")
    assert {event.fields["reference_let_go"] for event in events if event.type == "model_reheated"} == {False}
    assert (state.model.drift.alarm.level, state.model.drift.reference.version) == ("alarm", 1)


def test_other_actions_keep_nothing():
    assert run(plan(drift={**DRIFT, "actions": ("new_reference",)}), [USUAL, MOVED])[1].kept == ()


def gathering(**drift):
    """A plan, and a state whose model waits to start anew, with enough vectors, when the alarm rises once more."""
    state, _ = run(plan(drift=DRIFT), [USUAL])
    recent = Recent(streams.vectors(100, 3), np.ones(100))
    return plan(drift={**DRIFT, **drift}), state, state.model._replace(recent=recent, alarmed=True)


def test_an_alarm_that_rises_again_while_a_model_waits_to_start_anew_is_answered_by_that_start():
    the_plan, state, live = gathering(actions=["reinitialise"])
    _, after, report = react(the_plan, state, live)
    assert types(report.events) == ["model_reinitialised"]
    assert (after.recent, after.alarmed) == (None, False)
    assert react(the_plan, state, after)[1:] == (after, NOTHING)


@pytest.mark.parametrize("changed", [{"actions": []}, {"actions": ["reinitialise"], "enabled": False}], ids=str)
def test_an_action_that_is_taken_out_of_the_settings_does_not_happen(changed):
    the_plan, state, live = gathering(**changed)
    _, after, report = react(the_plan, state, live)
    assert report.events == ()
    assert (after.recent, after.alarmed) == (None, False)
    assert after.mixture is live.mixture


@pytest.mark.parametrize("reference", ["auto", "manual", "imported"])
def test_after_an_action_the_model_settles_by_the_stream_however_the_first_reference_came(reference):
    the_plan, state, live = gathering(actions=["reinitialise"], reference=reference)
    more = [record(1200 + i, row.tolist()) for i, row in enumerate(streams.vectors(400, 4))]
    _, report = run(the_plan, [more], state._replace(model=live))
    assert types(report.events)[:2] == ["model_reinitialised", "reference_frozen"]
    frozen = report.events[1].fields
    assert frozen["reference"] == 2
    assert frozen["batches"] == DRIFT["settle"] / the_plan.learning.batch_size


def test_a_model_that_is_given_is_the_reference_before_it_learns():
    start = {"weights_init": [0.5, 0.25, 0.25], "means_init": [[0, 0], [8, 0], [0, 9]]}
    given = {"n_components": 3, **start, "covariances_init": [np.eye(2).tolist()] * 3}
    state, report = run(plan(model=given, drift={**DRIFT, "reference": "imported"}), [stream(200)])
    reference = state.model.drift.reference
    assert (reference.steps, state.model.mixture.steps > 0) == (0, True)
    np.testing.assert_array_equal(reference.parameters.means, given["means_init"])
    assert types(report.events)[:2] == ["model_started", "reference_frozen"]


def test_settings_that_end_a_standing_alarm_say_so():
    _, state, _ = acting()
    assert state.model.drift.alarm.level == "alarm"
    more = [record(2700 + i, row.tolist()) for i, row in enumerate(streams.vectors(100, 4))]
    after, report = run(plan(drift={**DRIFT, "window": 25}), [more], state)
    assert [event for event in report.events if event.type.startswith(("drift", "cal"))] == [
        Event("calibration_restarted", {"reference": 1, "left": "alarm"})
    ]
    assert monitor.name(after.model.drift) == "calibrating"


@pytest.mark.parametrize("actions", [("new_reference",), ("reinitialise",)])
def test_any_cut_gives_the_same_state_and_assignments_bit_for_bit(actions):
    the_plan, whole, events = acting(*actions)
    everything = [*USUAL, *MOVED]
    edges = [0, 7, 911, 1203, 1204, 1330, 1777, len(everything)]
    state, report = run(the_plan, [everything[a:b] for a, b in pairwise(edges)])
    _, once = run(the_plan, [everything])
    assert to_plain(state) == to_plain(whole)
    assert list(report.events) == list(events)
    assert published(report) == published(once)
