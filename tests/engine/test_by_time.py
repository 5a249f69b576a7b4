import numpy as np
import pytest

from streamgmm.engine.by_time import Vectors, advance
from streamgmm.service.plain import from_plain, to_plain
from tests.engine import streams
from tests.engine.streams import plan, run
from tests.engine.test_react import DRIFT

rng = np.random.default_rng(0)
N = 300
TIMES = np.sort(rng.uniform(1000, 1100, N)) + rng.normal(0, 2, N)
TIMES[::17] = np.nan
ALL = Vectors(TIMES, rng.normal(size=N), rng.integers(-1, 2, N).astype(np.int8), rng.integers(7, 10, N))


def cut(vectors, edges, length=10.0):
    opened, events = None, []
    for start, stop in zip([0, *edges], [*edges, N], strict=True):
        opened, ended = advance(opened, Vectors(*(part[start:stop] for part in vectors)), length)
        opened = from_plain(type(opened), to_plain(opened)) if opened else None
        events += [(start + row, event) for row, event in ended]
    return opened, events


def test_each_window_says_what_its_vectors_were_like():
    _, events = cut(ALL, [])
    newest = np.fmax.accumulate(np.floor(TIMES / 10))
    for row, event in events:
        inside = newest * 10_000 == event.fields["start"]
        assert row == np.flatnonzero(inside)[-1] + 1
        assert event.fields["end"] == event.fields["start"] + 10_000
        assert event.fields["vectors"] == inside.sum()
        assert event.fields["log_likelihood"] == pytest.approx(ALL.log_likelihood[inside].mean())
        known = ALL.outlier[inside]
        assert event.fields["outliers"] == pytest.approx((known == 1).sum() / (known >= 0).sum())
        assert event.fields["components"]["8"] == pytest.approx((ALL.component[inside] == 8).mean())
    assert len(events) == len(np.unique(newest[np.isfinite(newest)])) - 1


@pytest.mark.parametrize("edges", [[1], [0, 0, 150], list(range(1, N)), [13, 14, 200, 299]])
def test_any_cut_gives_the_same_windows_bit_for_bit(edges):
    whole, events = cut(ALL, [])
    parts, again = cut(ALL, edges)
    assert to_plain(parts) == to_plain(whole)
    assert again == events


def test_a_length_that_is_no_power_of_two_gives_the_same_windows_for_any_cut():
    times = 1.79e9 + np.sort(rng.uniform(0, 100, N))
    vectors = ALL._replace(times=times)
    _, events = cut(vectors, [], length=0.9)
    assert cut(vectors, list(range(1, N)), length=0.9)[1] == events
    starts = [event.fields["start"] for _, event in events]
    assert len(set(starts)) == len(starts) > 80


def test_a_window_of_another_length_is_dropped():
    opened, _ = advance(None, ALL, 10.0)
    again, ended = advance(opened, ALL, 20.0)
    assert ended == advance(None, ALL, 20.0)[1] and again == advance(None, ALL, 20.0)[0]


def test_vectors_before_the_first_event_time_are_in_no_window():
    none = ALL._replace(times=np.full(N, np.nan))
    assert advance(None, none, 10.0) == (None, [])


@pytest.mark.parametrize("drift", [{**DRIFT, "expected_run_length": 1000}, {"enabled": False}], ids=["on", "off"])
def test_the_engine_tells_of_windows_among_the_other_events_alike_for_any_cut(drift):
    the_plan = plan(drift={**drift, "event_time_window": 0.05})
    records = streams.stream(1500)
    state, whole = run(the_plan, [records])
    again, parts = run(the_plan, [records[:333], records[333:334], records[334:1207], records[1207:]])
    assert whole.events == parts.events
    assert to_plain(state) == to_plain(again)
    windows = [event.fields for event in whole.events if event.type == "event_time_window"]
    assert len(windows) > 3
    counted = sum(window["vectors"] for window in windows) + state.model.window.vectors
    assert counted == whole.scored
    assert run(plan(drift=drift), [records])[0].model.window is None
