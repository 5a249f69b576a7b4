"""The events' schema: it names what the program makes, and holds for every event that is seen."""

import json
from functools import partial

import jsonschema
import pytest

from streamgmm.broker.interface import Topic
from streamgmm.engine import step as engine
from streamgmm.engine.values import Event, Range
from streamgmm.engine.watching import unwatched
from streamgmm.records.columns import records_of
from streamgmm.service import outbox, view
from tests import readme_tables
from tests.engine import streams
from tests.engine.streams import RICH, plan, run
from tests.engine.test_components import BOTH, FORGETTING, changing, vanishing
from tests.engine.test_react import DRIFT, MOVED, USUAL
from tests.events import SCHEMA, TYPES, check
from tests.service.snapshots import snapshot

EVENTS = Topic("out.events", 1, 1, {})
ELSEWHERE = {
    "model_imported",  # seen in tests/test_cli_model.py
    "model_frozen",  # in tests/service/test_frozen.py
    "model_unfrozen",
}


def written(events):
    """As others read them."""
    return [
        json.loads(record.value)
        for send in outbox.events_send(tuple(events), EVENTS, "m", 1_700_000_000_000)
        for record in records_of(send.columns)
    ]


def calibrated():
    yield from run(plan(drift={**DRIFT, "expected_run_length": 1000}), [streams.stream(4000)])[1].events


def acting(*actions):
    back = [streams.record(2700 + i, row.tolist()) for i, row in enumerate(streams.vectors(2500, 9))]
    yield from run(plan(drift={**DRIFT, "actions": actions}), [USUAL, MOVED, back])[1].events


def restarted():
    state, _ = run(plan(drift=DRIFT), [USUAL])
    yield from run(plan(drift={**DRIFT, "window": 25}), [MOVED[:100]], state)[1].events


def switched_off():
    state, _ = run(plan(drift=DRIFT), [USUAL, MOVED])
    yield from unwatched(plan(drift={"enabled": False}), state)[1]


def components():
    for policy in ("keep", "respawn", "split"):
        learning = {**FORGETTING, "dead_components": policy}
        state, report = run(plan(learning=learning), [vanishing()])
        yield from report.events
        if policy == "keep":
            back = [streams.record(1500 + i, row.tolist()) for i, row in enumerate(streams.vectors(200, seed=5))]
            yield from run(plan(learning=learning), [back], state)[1].events


def merged():
    yield from run(plan(learning=BOTH, drift={"enabled": False}), [changing(1000)])[1].events


def others():
    auto = plan(model={"n_components": "auto", "n_components_min": 1, "n_components_max": 4})
    yield from run(auto, [streams.stream(300)])[1].events
    yield engine.skipped(streams_state(auto), Range(0, 3, 7, 0), "corrupt")[1]
    yield from run(plan(**RICH), [streams.rich_stream(1500)])[1].events
    yield from run(plan(drift={"event_time_window": 0.2}), [streams.stream(600)])[1].events
    yield from run(plan(model={"reg_relative": 0.0}), [doubled()])[1].events
    yield view.summary(snapshot(), 12.5)


def streams_state(the_plan):
    return run(the_plan, [streams.stream(300)])[0]


WAYS = {
    "calibrated": calibrated,
    "restarted": restarted,
    "let go": partial(acting, "new_reference"),
    "switched off": switched_off,
    "reheated": partial(acting, "reheat", "new_reference"),
    "reinitialised": partial(acting, "reinitialise"),
    "told of alone": acting,
    "components": components,
    "merged": merged,
    "others": others,
}
BROUGHT_ABOUT = {  # what a test is sure to see of each
    "calibrated": {
        "model_started",
        "reference_frozen",
        "reference_calibrated",
        "drift_warned",
        "drift_eased",
        "drift_raised",
        "drift_cleared",
    },
    "restarted": {"calibration_restarted"},
    "let go": {"drift_raised", "reference_let_go"},
    "switched off": {"drift_switched_off"},
    "reheated": {"drift_raised", "model_reheated"},
    "reinitialised": {"drift_raised", "model_reinitialised"},
    "told of alone": {"drift_raised"},
    "components": {"component_weak", "component_recovered", "component_died", "component_born", "component_split"},
    "merged": {"component_merged"},
    "others": {"components_chosen", "covariances_repaired", "records_skipped", "event_time_window", "summary"},
}


def doubled():
    """A feature that is twice the other: covariances have to be repaired."""
    return [streams.record(i, [x, 2 * x]) for i, (x, _) in enumerate(streams.vectors(400).tolist())]


def test_the_schema_is_one_and_names_every_event_with_its_fields():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == f"urn:streamgmm:events:{outbox.EVENTS_SCHEMA}"
    fields = {name: frozenset(SCHEMA["$defs"][name]["required"]) - readme_tables.COMMON_FIELDS for name in TYPES}
    assert fields == readme_tables.event_fields()
    for name in TYPES:
        assert SCHEMA["$defs"][name]["additionalProperties"] is False
        assert SCHEMA["$defs"][name]["description"]


@pytest.mark.parametrize("way", WAYS)
def test_every_event_is_as_the_schema_says(way):
    events = written(WAYS[way]())
    for event in events:
        check(event)
    for event in {event["type"]: event for event in events}.values():
        jsonschema.validate(event, SCHEMA)  # and as exactly one of them
    assert {event["type"] for event in events} >= BROUGHT_ABOUT[way]


def test_every_event_is_brought_about_by_a_test():
    assert set().union(*BROUGHT_ABOUT.values()) == set(TYPES) - ELSEWHERE


@pytest.mark.parametrize(
    "wrong",
    [{"steps": -1}, {"steps": "3"}, {"component": None}, {"more": 1}],
)
def test_what_is_otherwise_is_refused(wrong):
    (event,) = written([Event("component_weak", {"component": 1, "steps": 3})])
    with pytest.raises(jsonschema.ValidationError):
        check({**event, **wrong})
