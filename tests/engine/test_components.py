"""Components that weaken, die and are born: each an event, ids never given twice, the order of ids said."""

import msgpack
import numpy as np
import pytest

from streamgmm.engine.values import Live
from streamgmm.service.plain import from_plain, to_plain
from tests.engine.streams import K, plan, published, record, run, vectors

BOTH = {
    "batch_size": 100,
    "warm_up": 400,
    "half_life": {"value": 3000, "unit": "records"},
    "merge": 0.8,
    "split": True,
}
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
        of_vectors = np.atleast_2d(value["responsibilities"]).argmax(axis=1)
        assert np.atleast_1d(value["component"]).tolist() == np.array(orders[value["ids_version"]])[of_vectors].tolist()
        changed = [event.fields["steps"] for event in born if event.fields["ids_version"] == value["ids_version"]]
        assert not changed or value["model"] >= changed[0]


def test_ids_change_between_the_same_records_however_the_stream_is_cut():
    reviving = plan(learning={**FORGETTING, "dead_components": "respawn"})
    stream = vanishing()
    state, report = run(reviving, [stream])
    other, cut = run(reviving, [stream[i : i + 7] for i in range(0, len(stream), 7)])
    assert to_plain(state) == to_plain(other)
    assert published(report) == published(cut)


def changing(n=1500, rows=100):
    """Records of many vectors each: two clusters come together, then the third becomes two."""
    generator, records = np.random.default_rng(4), []
    for offset in range(n):
        fused, apart = min(1.0, max(0.0, offset / 200 - 0.5)), 6.0 * (offset > 700)
        which = generator.choice(3, size=rows, p=[0.25, 0.25, 0.5])
        matrix = np.array([[0.0, 0.0], [8.0 * (1 - fused), 0.0], [0.0, 12.0]])[which]
        matrix[:, 0] += apart * ((which == 2) & (generator.random(rows) < 0.5))
        records.append(record(offset, (matrix + generator.normal(size=matrix.shape)).tolist()))
    return records


@pytest.fixture(scope="module")
def changed():
    stream = changing()
    return stream, *run(plan(learning=BOTH, drift={"enabled": False}), [stream])


def test_what_fuses_and_what_divides_is_an_event_with_the_ids(changed):
    _, state, report = changed
    merged, split = events(report, "component_merged", "component_split")
    assert split.fields["component"] == K
    assert {merged.fields["component"], merged.fields["into"], split.fields["parent"]} == {0, 1, 2}
    assert split.fields["replaced"] == merged.fields["component"]
    ids = [K if component == split.fields["replaced"] else component for component in range(K)]
    assert state.model.ids.tolist() == split.fields["ids"] == ids
    assert (state.next_id, state.ids_version, split.fields["ids_version"]) == (K + 1, 1, 1)
    assert state.totals.components == {"merged": 1, "split": 1}
    check_order(report, [split])


def test_a_vacant_place_is_published_with_probability_zero(changed):
    _, _, report = changed
    merged, split = events(report, "component_merged", "component_split")
    place = merged.fields["component"]
    between = [
        value
        for value in (msgpack.unpackb(r.value) for r in published(report))
        if merged.fields["steps"] <= value["model"] < split.fields["steps"]
    ]
    assert len(between) > 100
    for value in between:
        assert value["ids_version"] == 0
        assert all(row[place] == 0.0 for row in value["responsibilities"])
        assert place not in value["component"]


def test_they_fall_between_the_same_records_however_the_stream_is_cut_and_wherever_it_was_kept(changed):
    stream, state, report = changed
    parts, other, assignments = [stream[i : i + 37] for i in range(0, len(stream), 37)], None, []
    the_plan = plan(learning=BOTH, drift={"enabled": False})
    for part in parts:
        other, cut = run(the_plan, [part], other)
        assignments += published(cut)
        kept = from_plain(Live, to_plain(other.model)) if isinstance(other.model, Live) else other.model
        other = other._replace(model=kept)
    assert to_plain(state) == to_plain(other)
    assert published(report) == assignments


def test_a_model_that_starts_anew_gives_a_vacant_place_a_new_id(changed):
    stream, _, report = changed
    merged = events(report, "component_merged")[0].fields
    drifting = {"enabled": True, "actions": ["reinitialise"], "window": 100, "settle": 10**9}
    until = merged["steps"] + 20
    state, _ = run(plan(learning=BOTH, drift=drifting), [stream[:until]])
    live = state.model._replace(alarmed=True)
    state, report = run(plan(learning=BOTH, drift=drifting), [stream[until : until + 20]], state._replace(model=live))
    (anew,) = events(report, "model_reinitialised")
    assert merged["component"] not in anew.fields["ids"]
    assert sorted(anew.fields["ids"]) == sorted({0, 1, 2, K} - {merged["component"]})
    assert state.next_id == K + 1
