"""Components that weaken, die and are born: each an event, ids never given twice, the order of ids said."""

import msgpack
import numpy as np
import pytest

from streamgmm.engine.values import Live
from streamgmm.service.plain import to_plain
from tests.engine.streams import K, plan, published, record, run, vectors

FORGETTING = {"batch_size": 40, "warm_up": 60, "half_life": {"value": 40, "unit": "records"}}


def vanishing(n=1500):
    """Three clusters, of which one is not seen again after 200 vectors."""
    rows = vectors(3 * n)
    kept = [row for i, row in enumerate(rows) if i < 200 or row[1] < 4][:n]
    return [record(i, row.tolist()) for i, row in enumerate(kept)]


def events(report, *kinds):
    return [event for event in report.events if event.type in kinds]


def test_a_component_that_is_not_seen_weakens_and_dies_and_keeps_its_id():
    state, report = run(plan(learning=FORGETTING), [vanishing()])
    weak, died = events(report, "component_weak", "component_died")
    assert (weak.type, died.type) == ("component_weak", "component_died")
    assert weak.fields["component"] == died.fields["component"]
    assert weak.fields["steps"] < died.fields["steps"]
    assert state.model.ids.tolist() == [0, 1, 2]
    assert (state.ids_version, state.totals.components) == (0, {"weak": 1, "died": 1})


def test_it_recovers_when_it_is_seen_again():
    state, _ = run(plan(learning=FORGETTING), [vanishing()])
    back = [record(1500 + i, row.tolist()) for i, row in enumerate(vectors(200, seed=5))]
    _, report = run(plan(learning=FORGETTING), [back], state)
    assert events(report, "component_recovered")


@pytest.mark.parametrize(("policy", "kind"), [("respawn", "component_born"), ("split", "component_split")])
def test_a_dead_component_gives_its_place_to_a_new_one_with_a_new_id(policy, kind):
    reviving = plan(learning={**FORGETTING, "dead_components": policy})
    state, report = run(reviving, [vanishing()])
    born = events(report, kind)
    assert isinstance(state.model, Live)
    assert [event.fields["component"] for event in born] == list(range(K, K + len(born)))
    assert state.next_id == K + len(born)
    assert state.ids_version == len(born) == born[-1].fields["ids_version"] == state.model.mixture.revived
    ids = [0, 1, 2]
    for event in born:
        place = ids.index(event.fields["replaced"])
        assert event.fields["parent"] in ids
        ids[place] = event.fields["component"]
        assert event.fields["ids"] == ids
    assert state.model.ids.tolist() == ids
    check_order(report, born)


def check_order(report, born):
    """Every assignment says which order of ids it has, and is most probable where it says it is."""
    orders = {0: [0, 1, 2]} | {event.fields["ids_version"]: event.fields["ids"] for event in born}
    values = [msgpack.unpackb(r.value) for r in published(report)]
    assert {value["ids_version"] for value in values} == set(orders)
    for value in values:
        assert value["component"] == orders[value["ids_version"]][int(np.argmax(value["responsibilities"]))]
        changed = [event.fields["steps"] for event in born if event.fields["ids_version"] == value["ids_version"]]
        assert not changed or value["model"] >= changed[0]


def test_ids_change_between_the_same_records_however_the_stream_is_cut():
    reviving = plan(learning={**FORGETTING, "dead_components": "respawn"})
    stream = vanishing()
    state, report = run(reviving, [stream])
    other, cut = run(reviving, [stream[i : i + 7] for i in range(0, len(stream), 7)])
    assert to_plain(state) == to_plain(other)
    assert published(report) == published(cut)
