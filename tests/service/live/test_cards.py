"""What is said of components that the engine itself lets die and puts new ones in the place of."""

import re

import msgspec
import pytest

from streamgmm.engine.values import Live, State
from streamgmm.service.live.recorder import Recorder
from streamgmm.service.live.wire import Wire
from streamgmm.service.metrics import Metrics
from streamgmm.service.publisher import Committed
from streamgmm.service.snapshot import Snapshot
from streamgmm.service.view import View, empty, summary
from tests.engine import streams
from tests.engine.streams import K, run
from tests.engine.test_components import BOTH, FORGETTING, changing, vanishing

PIECE = 100  # records


def watched(policy: str) -> tuple[Recorder, Wire, State]:
    """A recorder that was told of each commit of a stream in which a cluster vanishes."""
    settings = streams.settings(learning={**FORGETTING, "dead_components": policy})
    plan = streams.plan(learning={**FORGETTING, "dead_components": policy})
    recorder, view, state = Recorder(empty(settings)), View(settings, plan), None
    recorder.n_components = K
    records = vanishing()
    for start in range(0, len(records), PIECE):
        state, report = run(plan, [records[start : start + PIECE]], state)
        recorder.committed(Committed(state, report, 0.01, 100), None)
        recorder.show(seen(view, state), state)
        recorder.make()
    assert state is not None
    return recorder, Wire(settings, recorder), state


def seen(view: View, state: State) -> Snapshot:
    return view.of(state, None, {0: 0}, None)


@pytest.mark.parametrize(("policy", "mark"), [("respawn", "born"), ("split", "split")])
def test_who_came_later_is_marked_and_not_in_the_reference(policy: str, mark: str) -> None:
    recorder, wire, state = watched(policy)
    assert isinstance(state.model, Live) and state.model.drift.reference is not None
    assert state.model.drift.reference.ids.tolist() == [0, 1, 2]
    cards = {card["id"]: card for card in wire.cards(recorder.newest())["components"]}
    assert list(cards) == state.model.ids.tolist()
    later = max(cards)
    assert later >= K
    assert (cards[later]["mark"], cards[later]["reference_weight"]) == (mark, None)
    assert cards[later]["deviation"] == pytest.approx([float("nan")] * 2, nan_ok=True)
    assert 0 <= cards[later]["age"] < state.totals.vectors
    stayed = [card for component, card in cards.items() if component < K]
    assert stayed and all(card["reference_weight"] is not None and card["mark"] is None for card in stayed)
    for card in stayed:
        assert max(map(abs, card["deviation"])) < 1  # held against its own place, not its row's


def test_a_ring_of_the_reference_keeps_its_own_id() -> None:
    recorder, wire, state = watched("respawn")
    frame = recorder.newest()
    document = msgspec.json.decode(wire.encoded(frame, "0", "1", None))
    assert [ring["id"] for ring in document["reference"]] == [0, 1, 2]
    assert isinstance(state.model, Live)
    assert [ring["id"] for ring in document["ellipses"]] == state.model.ids.tolist()


def test_a_dead_one_that_is_kept_is_marked() -> None:
    recorder, wire, state = watched("keep")
    assert state.totals.components["died"] == 1
    (died,) = [moment.fields["component"] for moment in recorder.moments if moment.type == "component_died"]
    cards = {card["id"]: card["mark"] for card in wire.cards(recorder.newest())["components"]}
    assert cards == {component: "died" if component == died else None for component in range(K)}


def test_who_was_merged_is_marked_with_who_took_it_in_and_who_was_split_off_with_whom_it_came_from() -> None:
    learning, off = BOTH, {"enabled": False}
    settings, plan = streams.settings(learning=learning, drift=off), streams.plan(learning=learning, drift=off)
    recorder, view, state, records = Recorder(empty(settings)), View(settings, plan), None, changing(1300)
    wire, seen_marks, drawn = Wire(settings, recorder), {}, set()
    recorder.n_components = K
    for start in range(0, len(records), PIECE):
        state, report = run(plan, [records[start : start + PIECE]], state)
        recorder.committed(Committed(state, report, 0.01, 100), None)
        recorder.show(seen(view, state), state)
        frame = recorder.make()
        cards = wire.cards(frame)["components"]
        seen_marks |= {card["id"]: (card["mark"], card["other"]) for card in cards if card["mark"]}
        drawn.add(len(msgspec.json.decode(wire.encoded(frame, "0", "1", None))["ellipses"]))
    merged, split = (m.fields for m in recorder.moments if m.type in {"component_merged", "component_split"})
    assert seen_marks == {
        merged["into"]: ("merged", merged["component"]),
        split["component"]: ("split", split["parent"]),
    }
    assert drawn == {K - 1, K}  # a vacant place has no ring


def test_a_vacant_place_is_not_shown_and_not_exported() -> None:
    settings, plan = streams.settings(learning=BOTH), streams.plan(learning=BOTH)
    state, report = run(plan, [changing(700)])
    (merged,) = (event.fields for event in report.events if event.type == "component_merged")
    recorder, view, metrics = Recorder(empty(settings)), View(settings, plan), Metrics(settings.model)
    snapshot = seen(view, state)
    recorder.show(snapshot, state)
    metrics.observe(snapshot)
    assert isinstance(state.model, Live) and state.model.drift.reference is not None
    there = set(state.model.ids.tolist()) - {merged["component"]}
    assert len(there) == K - 1
    cards = Wire(settings, recorder).cards(recorder.make())["components"]
    assert [card["id"] for card in cards] == sorted(there)
    for card in cards:
        row = state.model.ids.tolist().index(card["id"])
        assert card["weight"] == state.model.mixture.parameters.weights[row]
        assert card["mean"] == pytest.approx(state.model.mixture.parameters.means[row].tolist(), rel=1e-5)
    text = metrics.render()[0].decode()
    assert {int(number) for number in re.findall(r'component="(\d+)"', text)} == there
    assert {int(component) for component in summary(snapshot, 1.0).fields["weights"]} == there
