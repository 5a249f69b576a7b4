"""The ring's bytes are those that Python really has in use for what the frames keep alive."""

import tracemalloc

import pytest

from streamgmm.engine.values import Event
from streamgmm.service.live.recorder import Recorder
from streamgmm.service.live.ring import Ring
from streamgmm.service.publisher import Committed
from streamgmm.service.view import View, empty
from tests.engine import streams
from tests.engine.test_components import BOTH

PIECE = 10  # records to a frame


def raised(i: int) -> Event:
    """An alarm of many features: its fields are lists of mappings."""
    moved = [{"feature": f"feature {i} {j}", "before": i + j / 7, "now": i - j / 7, "component": j} for j in range(20)]
    statistics = [{"name": "mean", "value": i + 0.1, "limit": i + 0.2}]
    return Event("drift_raised", {"sentence": f"alarm {i}", "statistics": statistics, "moved": moved})


def test_what_the_ring_counts_is_what_the_frames_hold() -> None:
    sections = {"learning": {**BOTH, "batch_size": 40, "warm_up": 60}}
    settings, plan = streams.settings(**sections), streams.plan(**sections)
    records = streams.stream(600)
    tracemalloc.start()
    try:
        recorder, view, state = Recorder(empty(settings), payloads=True), View(settings, plan), None
        for start in range(0, len(records), PIECE):
            state, report = streams.run(plan, [records[start : start + PIECE]], state)
            report = report._replace(events=(*report.events, raised(start)))
            recorder.committed(Committed(state, report, 0.01, 100), None)
            recorder.show(view.of(state, -1.0, {0: start}, 0), state)
            recorder.make()
            del report
        ring = recorder.ring
        counted, number = ring.n_bytes, len(ring)
        del recorder, state  # what they hold too would not be freed with the frames
        before = tracemalloc.get_traced_memory()[0]
        del ring
        freed = before - tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert number == len(records) // PIECE
    assert freed <= counted <= 1.25 * freed  # small numbers and names are Python's own, and counted too


def test_frames_that_are_dropped_are_counted_no_more_and_what_they_share_is_counted_once() -> None:
    settings, plan = streams.settings(), streams.plan()
    recorder, view = Recorder(empty(settings)), View(settings, plan)
    state, _ = streams.run(plan, [streams.stream(2000)])
    recorder.show(view.of(state, -1.0, {0: 1}, 0), state)
    frames = [recorder.make() for _ in range(50)]
    alone, ring = Ring(), Ring(most_frames=3)
    alone.add(frames[0])
    for frame in frames:
        ring.add(frame)
    assert len(ring) == 3
    assert alone.n_bytes < ring.n_bytes < 2 * alone.n_bytes
    few = Ring(most_bytes=alone.n_bytes)
    few.add(frames[0])
    few.add(frames[1])
    assert [frame.number for frame in few] == [frames[1].number]
    assert few.n_bytes == pytest.approx(alone.n_bytes, rel=0.01)
