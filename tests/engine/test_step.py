from itertools import pairwise

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgmm.drift import monitor
from streamgmm.engine import step as engine
from streamgmm.engine import warm_up
from streamgmm.engine.values import Live, WarmUp
from streamgmm.engine.watching import watch_ahead
from streamgmm.errors import TooFewVectors
from streamgmm.service.plain import to_plain
from tests.engine import streams
from tests.engine.streams import K, plan, published, record, run, set_aside, stream

STREAM = stream(700)
PLAN = plan()
WHOLE = run(PLAN, [STREAM])


def same(a, b):
    return to_plain(a) == to_plain(b)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_any_cut_gives_the_same_assignments_and_the_same_state_bit_for_bit(cuts):
    edges = [0, *sorted(cuts), len(STREAM)]
    state, report = run(PLAN, [STREAM[a:b] for a, b in pairwise(edges)])
    assert same(state, WHOLE[0])
    assert published(report) == published(WHOLE[1])
    assert set_aside(report) == set_aside(WHOLE[1])
    assert report.events == WHOLE[1].events


def test_one_record_at_a_time_gives_the_same_too():
    state, report = run(PLAN, [[r] for r in STREAM])
    assert same(state, WHOLE[0])
    assert published(report) == published(WHOLE[1])


def test_every_record_is_assigned_once_or_set_aside_once_and_what_is_carried_through_is_untouched():
    out, letters = published(WHOLE[1]), set_aside(WHOLE[1])
    assert sorted([r.offset for r in out] + [r.offset for r in letters]) == list(range(len(STREAM)))
    for r in out:
        source = ("streamgmm-source", f"in/0/{r.offset}".encode())
        assert (r.key, r.timestamp, r.headers) == (
            STREAM[r.offset].key,
            1_000 + r.offset,
            (("trace", b"%d" % r.offset), source),
        )
    for r in letters:
        assert (r.key, r.value, r.headers[0]) == (
            STREAM[r.offset].key,
            STREAM[r.offset].value,
            ("trace", b"%d" % r.offset),
        )
    assert {dict(r.headers)["streamgmm-error-reason"] for r in letters} == {b"undecodable", b"empty"}


def test_nothing_is_published_before_the_warm_up_is_over_but_rejects_are_reported_at_once():
    state, report = run(PLAN, [STREAM[:30]])
    assert isinstance(state.model, WarmUp)
    assert report.assignments == ()
    assert [r.offset for r in set_aside(report)] == [r.offset for r in set_aside(WHOLE[1]) if r.offset < 30]
    assert state.positions == {0: 30}


def test_a_restore_reads_the_buffered_ranges_again_and_goes_on_as_if_nothing_had_happened():
    state, first = run(PLAN, [STREAM[:17], STREAM[17:30]])
    spans = [chunk.range for chunk in state.model.buffered]
    halves = [streams.columns(STREAM[:11]), streams.columns(STREAM[11:30])]
    parts = [[warm_up.part_of(PLAN, state.n_features, span, half) for half in halves] for span in spans]
    restored = state._replace(model=warm_up.refilled(spans, parts))
    assert same(restored, state)
    state, report = run(PLAN, [STREAM[30:]], restored)
    assert same(state, WHOLE[0])
    assert published(first) + published(report) == published(WHOLE[1])


def test_what_the_state_already_holds_is_dropped():
    state, _ = run(PLAN, [STREAM[:500]])
    again, report = run(PLAN, [STREAM[450:]], state)
    assert same(again, WHOLE[0])
    assert [r.offset for r in published(report)] == [r.offset for r in published(WHOLE[1]) if r.offset >= 500]


def test_a_record_is_scored_by_the_model_before_its_batch_and_says_by_which():
    models = [msgpack.unpackb(r.value)["model"] for r in published(WHOLE[1])]
    assert models == sorted(models)
    assert models[0] == 0
    assert models[-1] == WHOLE[0].model.mixture.steps


def test_a_batch_closes_with_the_record_that_fills_it():
    start = [record(i, row) for i, row in enumerate(streams.vectors(60).tolist())]
    state, _ = run(PLAN, [start])
    assert (state.model.mixture.steps, state.model.filled) == (1, 20)
    state, _ = run(PLAN, [[record(60, streams.vectors(55, 1).tolist())]], state)
    assert (state.model.mixture.steps, state.model.filled) == (2, 0)
    assert state.model.mixture.time == pytest.approx((40 + 75) / 40)


def test_rows_of_weight_zero_are_assigned_but_not_learnt():
    weighted = plan(input={"topic": "in", "weight": "w"})
    rows = streams.vectors(300).tolist()
    records = [record(i, {"features": x, "w": 1}) for i, x in enumerate(rows)]
    silent = [record(300 + i, {"features": [1e3, 1e3], "w": 0}) for i in range(100)]
    before, _ = run(weighted, [records])
    after, report = run(weighted, [silent], before)
    assert len(published(report)) == 100
    assert after.model.mixture.time == before.model.mixture.time
    assert np.array_equal(after.model.mixture.parameters.means, before.model.mixture.parameters.means)
    assert after.totals.vectors == before.totals.vectors == 300


def test_partitions_are_learnt_in_ascending_number():
    parts = {1: streams.columns(STREAM[:350]), 0: streams.columns(STREAM[350:])}
    state, report = engine.step(PLAN, engine.init({0: 350, 1: 0}, None), parts)
    assert [out.partition for out in report.assignments] == [0, 1]
    assert state.positions == {0: 700, 1: 350}


def test_positions_pass_markers_also_when_they_are_all_that_passed():
    state, report = engine.step(PLAN, WHOLE[0], {0: streams.of_records([], 705)})
    assert state.positions == {0: 705}
    assert report.records == 0


def test_the_end_in_the_warm_up_starts_from_what_there_is_or_says_what_is_missing():
    state, _ = run(PLAN, [STREAM[:30]])
    live, report = warm_up.start_early(PLAN, state, state.model)
    assert isinstance(live.model, Live)
    assert len(published(report)) == live.totals.published > 0
    few, _ = run(PLAN, [[record(0, [1.0, 2.0])]])
    with pytest.raises(TooFewVectors, match=r"1 vectors .* 3 components, which need 6"):
        warm_up.start_early(PLAN, few, few.model)


def test_the_warm_up_ends_at_its_bytes_too():
    small = plan(learning={"batch_size": 40, "warm_up": 100_000, "warm_up_bytes": 1024})
    state, report = run(small, [[record(i, x) for i, x in enumerate(streams.vectors(200).tolist())]])
    assert isinstance(state.model, Live)
    assert len(published(report)) == 200


def test_an_assignment_that_the_output_does_not_take_becomes_a_dead_letter():
    narrow = PLAN._replace(largest_record=400)
    long = record(700, [streams.vectors(1).tolist()[0]] * 50)
    state, report = run(narrow, [[long, record(701, [0.0, 0.0])]], WHOLE[0])
    (letter,) = set_aside(report)
    assert dict(letter.headers)["streamgmm-error-reason"] == b"assignment_too_large"
    assert [r.offset for r in published(report)] == [701]
    assert state.totals.rejected["assignment_too_large"] == 1


def test_a_skip_moves_the_position_and_says_which_offsets():
    state, report = engine.skip(WHOLE[0], 0, 800, "lost")
    assert state.positions == {0: 800}
    fields = {"partition": 0, "start": 700, "stop": 800, "count": 100, "reason": "lost"}
    assert report.events == (("records_skipped", fields),)
    assert state.totals.skipped == 100


def test_totals_add_up():
    totals = WHOLE[0].totals
    assert totals.records == len(STREAM) == totals.published + sum(totals.rejected.values())


def test_drift_is_raised_when_the_stream_changes_and_says_so():
    moved = [record(700 + i, [3.0, 3.0]) for i in range(200)]
    state, report = run(PLAN, [moved], WHOLE[0])
    assert [event.type for event in WHOLE[1].events][:2] == ["model_started", "reference_frozen"]
    raised = [event for event in report.events if event.type == "drift_raised"]
    assert len(raised) == 1
    assert raised[0].fields["sentence"]
    assert 700 <= raised[0].fields["offset"] < 760
    assert state.model.drift.alarm.level == "alarm"


def test_an_alarm_says_where_its_window_began_in_whatever_partition_that_was():
    rows = [*streams.vectors(500, 3).tolist(), *[[3.0, 3.0]] * 100, *streams.vectors(500, 4).tolist()]
    state, order, events = engine.init({0: 0, 1: 0}, None), [], []
    for first in range(0, len(rows), 14):  # both learn seven in turn
        of_both = {p: [record(first // 2 + i, row) for i, row in enumerate(rows[first + 7 * p :][:7])] for p in (0, 1)}
        parts = {p: streams.columns(records) for p, records in of_both.items() if records}
        order += [(p, r.offset) for p, records in of_both.items() for r in records]
        state, report = engine.step(PLAN, state, parts)
        events += [event.fields for event in report.events if "first_offset" in event.fields]
    assert any(fields["first_partition"] != fields["partition"] for fields in events)
    for fields in events:
        began, ended = ((fields[f"{which}partition"], fields[f"{which}offset"]) for which in ("first_", ""))
        assert order.index(ended) - order.index(began) == 19


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_wild_vectors_leave_a_finite_model(covariance_type):
    wild = plan(model={"n_components": K, "covariance_type": covariance_type})
    records = [record(700 + i, row) for i, row in enumerate([[1e9, -1e9], [5.0, 5.0], *[[2.0, 2.0]] * 300])]
    state, _ = run(wild, [STREAM, records])
    assert all(np.isfinite(array).all() for array in state.model.mixture.parameters)
    assert set(state.model.ids.tolist()) == {0, 1, 2}


def test_the_warm_up_holds_what_it_waits_with_and_not_the_fetches_it_came_in():
    state = engine.init({0: 0}, None)
    for first in range(0, 5000, 100):
        rejects = [record(first + i, b"\xc1" * 100) for i in range(99)]
        part = streams.columns([*rejects, record(first + 99, [1.0, float(first)])])
        state, _ = engine.step(PLAN, state, {0: part})
    held = sum(chunk.columns.values.buffer.nbytes for chunk in state.model.buffered)
    assert (state.model.n_vectors, held < 2_000) == (50, True)


LONG = pytest.mark.long


@pytest.mark.parametrize("batch_size", [pytest.param(100, marks=LONG), 300, pytest.param(700, marks=LONG)])
@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_any_cut_of_several_partitions_gives_the_same_bits(covariance_type, batch_size):
    several = plan(
        model={"n_components": K, "covariance_type": covariance_type},
        learning={"batch_size": batch_size, "warm_up": 60},
    )
    rounds = [{p: stream(250, seed=10 * p + r) for p in range(3)} for r in range(4)]
    start = engine.init(dict.fromkeys(range(3), 0), None)

    def took(pieces):
        state, reports = start, []
        for r, parts in enumerate(rounds):
            for p, records in parts.items():
                moved = [one._replace(offset=one.offset + 250 * r) for one in records]
                for a, b in pairwise([0, *pieces, 250]):
                    state, report = engine.step(several, state, {p: streams.columns(moved[a:b])})
                    reports.append(report)
        return to_plain(state), [one for report in reports for one in published(report)]

    assert took([]) == took([1, 7, 130, 131]) == took(list(range(5, 250, 5)))


@pytest.mark.parametrize(("reference", "at_once"), [("manual", True), ("auto", False)])
def test_batches_run_on_where_only_a_command_takes_a_reference(reference, at_once):
    """A reference may be frozen at an M-step: then no drift is watched for ahead of it."""
    asked = plan(drift={"reference": reference, "settle": 10_000})
    clean = [record(i, row.tolist()) for i, row in enumerate(streams.vectors(400))]
    state, _ = run(asked, [clean])
    ahead = watch_ahead(asked, state.model, streams.vectors(100, 1))
    assert (ahead is not None) == at_once
    assert state.model.drift.reference is None
    off = plan(drift={"reference": reference, "settle": 10_000, "enabled": False})
    assert same(run(off, [clean])[0].model.mixture, state.model.mixture)


def test_drift_that_is_switched_off_calls_nothing_of_the_monitor(monkeypatch):
    def called(*_):
        raise AssertionError("the monitor was called")

    monkeypatch.setattr(monitor, "update", called)
    off = plan(drift={"enabled": False})
    state, report = run(off, [STREAM])
    assert state.model.drift == monitor.State() and published(report)
    with pytest.raises(AssertionError, match="was called"):
        run(PLAN, [STREAM])
