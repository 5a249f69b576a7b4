"""Frames: what is kept, for how long, and that samples are the same for the same stream."""

import asyncio
import time

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgmm.engine import step as engine
from streamgmm.engine.sample import MOST, Sample, spread, taken
from streamgmm.engine.values import Event, Report, State, Totals
from streamgmm.service.live import points, series
from streamgmm.service.live.frame import n_points
from streamgmm.service.live.recorder import BEAT, MOMENTS, SHARE, SLOWEST, Recorder, rest_after, thinned
from streamgmm.service.live.ring import Ring
from streamgmm.service.live.rounding import significant, to_a_thousandth, told_apart
from streamgmm.service.live.wire import Wire
from streamgmm.service.publisher import Committed
from streamgmm.service.snapshot import StatisticView
from streamgmm.service.view import empty
from tests.engine import streams
from tests.page.shown import model_of_size, sample_of, settings_for, snapshot_of
from tests.service.snapshots import NO_DRIFT

SETTINGS = settings_for(("a", "b"), 3)
LIVE = model_of_size(3, 2)


def recorded(frames: int, vectors: int = 10) -> Recorder:
    clock = iter(np.arange(1000.0, 1e6, 0.25))
    recorder = Recorder(empty(SETTINGS), lambda: float(next(clock)))
    state = State({0: 1}, LIVE, 2, Totals())
    for i in range(frames):
        report = Report(samples=(sample_of(LIVE, vectors, i),), events=(Event("component_born", {"component": 2}),))
        recorder.committed(Committed(state, report, 0.01, 100), None)
        recorder.show(snapshot_of(SETTINGS, LIVE), state)
        recorder.make()
    return recorder


@given(st.floats(0, 10))
def test_frames_take_their_share_of_the_time_and_come_all_the_same(taken: float) -> None:
    rest = rest_after(taken)
    assert BEAT <= rest <= SLOWEST
    assert rest in {BEAT, SLOWEST} or taken == pytest.approx(SHARE * rest)


async def test_the_longer_the_pages_take_for_a_frame_the_later_the_next_one_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorder, sleep, rests = recorded(1), asyncio.sleep, list[float]()
    twice = asyncio.Event()

    async def rest(seconds: float) -> None:
        rests.extend([seconds] if seconds else [])
        twice.set() if len(rests) > 1 else recorder.show(snapshot_of(SETTINGS, LIVE))
        await sleep(0)

    async def page(number: int) -> None:
        await recorder.after(number)
        until = time.perf_counter() + 0.5 * SHARE * SLOWEST  # of the processor, as encoding and sending do
        while time.perf_counter() < until:
            pass

    monkeypatch.setattr(asyncio, "sleep", rest)
    pages = [asyncio.create_task(page(1)) for _ in range(2)]
    beating = asyncio.create_task(recorder.beat())
    async with asyncio.timeout(20):
        await twice.wait()
    beating.cancel()
    await asyncio.gather(*pages)
    assert rests[:2] == [BEAT, SLOWEST]


async def test_pages_that_look_along_different_axes_are_reckoned_with(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, sleep, rests = recorded(1), asyncio.sleep, list[float]()
    wire, enough = Wire(SETTINGS, recorder), asyncio.Event()

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        enough.set() if len(rests) > 1 else None
        await sleep(0)

    for y in range(1, 400):
        await wire.taken(recorder.newest(), "0", f"p{y}", 0)
        wire._rested = 0.0
    monkeypatch.setattr(asyncio, "sleep", rest)
    beating = asyncio.create_task(recorder.beat())
    async with asyncio.timeout(20):
        await enough.wait()
    beating.cancel()
    assert rests[:2] == [SLOWEST, BEAT]


@given(st.integers(MOST, 10**6), st.integers(0, 2**40))
def test_rows_are_spread_over_all_of_them(n: int, first: int) -> None:
    rows = spread(n, first)
    assert len(set(rows.tolist())) == MOST
    assert (np.diff(rows) > 0).all()
    ends = np.arange(MOST + 1) * n // MOST
    assert (rows >= ends[:-1]).all() and (rows < ends[1:]).all()


def test_a_stream_with_a_period_is_not_seen_from_one_side_only() -> None:
    n = MOST * 100
    assert len(set((spread(n, 0) % 100).tolist())) > MOST / 2


def test_a_sample_holds_few_vectors_and_nothing_of_what_it_was_taken_from() -> None:
    many = sample_of(LIVE, 10_000)
    few = taken(many, 17)
    assert len(few.vectors) == MOST
    assert few.vectors.base is None or few.vectors.base.nbytes < many.vectors.nbytes
    assert (taken(many, 17).vectors == few.vectors).all()
    assert len(taken(Sample(*(part[:5] if len(part) == 10_000 else part for part in many)), 0).vectors) == 5


@given(st.lists(st.integers(0, 90), max_size=8))
def test_many_samples_are_thinned_evenly(sizes: list[int]) -> None:
    samples = [sample_of(LIVE, size, i) for i, size in enumerate(sizes)]
    found = thinned(samples, 3)
    assert sum(len(sample.vectors) for sample in found) == min(sum(sizes), MOST)
    every = np.concatenate([np.empty((0, 2)), *(sample.vectors for sample in samples)])
    kept = np.concatenate([np.empty((0, 2)), *(sample.vectors for sample in found)])
    assert {tuple(row) for row in kept.tolist()} <= {tuple(row) for row in every.tolist()}


def test_the_ring_is_bounded_in_frames_and_in_bytes() -> None:
    frames = list(recorded(30).ring)
    few, small = Ring(most_frames=10), Ring(most_bytes=1)
    for frame in frames:
        few.add(frame)
        small.add(frame)
    assert [frame.number for frame in few] == list(range(21, 31))
    assert few.at(21) is frames[20] and few.at(20) is None and few.at(31) is None
    assert [frame.number for frame in small] == [30]


def test_a_page_gets_the_newest_points_and_each_can_be_asked_for() -> None:
    recorder = recorded(40)
    frame = recorder.newest()
    some = recorder.ring.up_to(frame, 95)
    assert sum(map(n_points, some)) == 100
    assert some[-1] is frame
    found = points.find(recorder.ring, 205)
    assert found is not None
    assert (found.vector == sample_of(LIVE, 10, 20).vectors[5]).all()
    assert points.find(recorder.ring, 400) is None


def test_who_waits_gets_the_newest_and_an_end() -> None:
    async def waited() -> tuple[int | None, object]:
        recorder = recorded(3)
        held = await recorder.after(2)
        waiting = asyncio.ensure_future(recorder.after(3))
        await asyncio.sleep(0)
        recorder.close()
        return held and held.number, await waiting

    assert asyncio.run(waited()) == (3, None)


def test_pages_that_ask_for_the_same_share_one_document() -> None:
    recorder = recorded(5)
    wire = Wire(SETTINGS, recorder)
    frame = recorder.newest()
    assert wire.encoded(frame, "0", "1", 4) is wire.encoded(frame, "0", "1", 4)
    assert wire.encoded(frame, "0", "1", None) != wire.encoded(frame, "0", "1", 4)


def test_a_birth_is_marked_and_an_age_is_known() -> None:
    recorder = recorded(1)
    recorder.n_components = 3
    recorder.show(snapshot_of(SETTINGS, LIVE, totals=Totals(vectors=500)), State({0: 1}, LIVE, 2, Totals(vectors=500)))
    recorder.make()
    cards = Wire(SETTINGS, recorder).cards(recorder.newest())["components"]
    assert [card["mark"] for card in cards] == [None, None, "born"]
    assert [card["age"] for card in cards] == [500, 500, 500]


def test_after_a_restart_the_age_of_later_components_is_not_known_and_of_those_born_since_it_is() -> None:
    recorder = Recorder(empty(SETTINGS))
    recorder.n_components = 2

    def ages(ids: list[int], vectors: int) -> list[int | None]:
        state = State({0: 1}, LIVE._replace(ids=np.array(ids)), 2, Totals(vectors=vectors), ids_version=3)
        recorder.show(snapshot_of(SETTINGS, LIVE, totals=Totals(vectors=vectors)), state)
        recorder.make()
        return [card["age"] for card in Wire(SETTINGS, recorder).cards(recorder.newest())["components"]]

    assert ages([1, 5, 6], 500) == [500, None, None]
    assert ages([1, 5, 6], 520) == [520, None, None]
    assert ages([7, 5, 6], 600) == [0, None, None]
    assert ages([7, 5, 8], 650) == [50, None, 0]


def test_where_no_first_component_is_left_those_born_since_a_restart_have_an_age() -> None:
    recorder = Recorder(empty(SETTINGS))
    recorder.n_components = 2
    for ids, vectors in (([4, 5, 6], 500), ([4, 5, 7], 600)):
        state = State({0: 1}, LIVE._replace(ids=np.array(ids)), 2, Totals(vectors=vectors), ids_version=3)
        recorder.show(snapshot_of(SETTINGS, LIVE), state)
    assert recorder.born == {4: None, 5: None, 7: 600}


def test_a_commit_without_a_whole_checkpoint_leaves_the_last_ones_time_and_size() -> None:
    clock = iter([100.0, 200.0, 300.0])
    recorder, state = Recorder(empty(SETTINGS), lambda: next(clock)), State({0: 1}, LIVE, 2, Totals())
    recorder.committed(Committed(state, Report(), 0.01, 4096), None)
    recorder.committed(Committed(state, Report(), 0.01, None), None)
    flow = recorder.make().flow
    assert (flow.commits, flow.checkpoint_time, flow.checkpoint_bytes) == (2, 100.0, 4096)


def test_a_row_holds_each_statistic_against_the_limit_that_was_its_own() -> None:
    recorder = Recorder(empty(SETTINGS))
    for limit in (4.0, 8.0):
        said = NO_DRIFT._replace(statistics=(StatisticView("mean", 9.0, limit),))
        recorder.show(snapshot_of(SETTINGS, LIVE, drift=said))
        recorder.make()
    assert [row["shares"] for row in series.rows(list(recorder.ring))] == [{"mean": 2.25}, {"mean": 1.125}]


@pytest.mark.parametrize(
    ("allowed", "payload"),
    [(False, [None] * 8), (True, [r"\xc1"] * 6 + ["x" * 120 + "…", None])],
)
def test_what_was_in_dead_letters_is_kept_only_where_that_is_allowed(allowed: bool, payload: list[str | None]) -> None:
    values = [b"\xc1"] * 10 + [b"x" * 1000, None]
    state, report = streams.run(streams.plan(), [[streams.record(i, value) for i, value in enumerate(values)]])
    recorder = Recorder(empty(SETTINGS), payloads=allowed)
    recorder.committed(Committed(state, report, 0.01, 100), None)
    assert [letter.payload for letter in recorder.dead_letters] == payload
    assert [letter.offset for letter in recorder.dead_letters] == list(range(4, 12))


def refusing(offset: int) -> tuple[State, Report]:
    """A step that sets one record aside."""
    return streams.run(streams.plan(), [[streams.record(offset, b"\xc1")]], engine.init({0: offset}, 2))


def test_a_rewound_frame_shows_what_was_then() -> None:
    clock = iter(np.arange(1000.0, 1e6, 0.01))
    recorder = Recorder(empty(SETTINGS), lambda: float(next(clock)))
    recorder.n_components = 2
    recorder.committed(Committed(*refusing(7), 0.01, 100), None)
    known = State({0: 1}, LIVE._replace(ids=np.array([0, 1, 2])), 2, Totals(vectors=500), ids_version=1)
    recorder.show(snapshot_of(SETTINGS, LIVE, totals=Totals(vectors=500)), known)
    then = recorder.make()
    for offset in range(100, 400):
        state, report = refusing(offset)
        born = Event("component_born", {"component": offset, "parent": 0})
        recorder.committed(Committed(state, report._replace(events=(born,)), 0.01, 100), None)
        ids = np.array([0, 1, offset])
        later = known._replace(model=LIVE._replace(ids=ids), totals=Totals(vectors=10 * offset))
        recorder.show(snapshot_of(SETTINGS, LIVE, totals=Totals(vectors=10 * offset)), later)
        now = recorder.make()
    wire = Wire(SETTINGS, recorder)
    shown = [msgspec.json.decode(wire.encoded(frame, "0", "1", 0)) for frame in (then, now)]
    assert [[letter["offset"] for letter in one["dead_letters"]] for one in shown] == [[7], list(range(392, 400))]
    assert [one["events"][-1:] and one["events"][-1]["fields"]["component"] for one in shown] == [[], 399]
    assert [[(card["id"], card["age"]) for card in one["components"]] for one in shown] == [
        [(0, 500), (1, 500), (2, None)],
        [(0, 3990), (1, 3990), (399, 0)],
    ]
    assert len(now.moments) == MOMENTS and len(now.dead_letters) == 8


@pytest.mark.parametrize(
    ("value", "short"),
    [(123456.789, 123500.0), (-0.00012345678, -0.0001235), (0.0, 0.0), (np.nan, np.nan), (np.inf, np.inf)],
)
def test_significant_digits(value: float, short: float) -> None:
    np.testing.assert_allclose(significant(np.array([value]), 4), [short], rtol=1e-12)


def test_rounding_keeps_a_thousandth_of_the_spread_wherever_it_lies() -> None:
    values = 1e8 + np.random.default_rng(0).normal(0, 1e-3, 100)
    assert np.abs(to_a_thousandth(values, 1e-3) - values).max() < 1e-6


def test_what_a_restore_brings_is_no_rate() -> None:
    clock = iter(np.arange(1000.0, 1e6, 0.25))
    recorder = Recorder(empty(SETTINGS), lambda: float(next(clock)))
    recorder.make()
    state = State({0: 1}, LIVE, 2, Totals(records=500_000))
    shown = snapshot_of(SETTINGS, LIVE)
    rates = []
    for records in (500_000, 500_000, 500_100, 500_200):
        recorder.show(shown._replace(totals=shown.totals._replace(records=records)), state)
        rates.append(recorder.make().flow.rate)
    assert rates == [None, 0.0, 200.0, pytest.approx(800 / 3)]


def test_means_that_differ_little_keep_the_digits_that_tell_them_apart() -> None:
    means = np.array([[1e9 + 0.123456, 0.123456789, np.nan], [1e9 + 4, 12.0, np.nan], [1e9 + 2, np.nan, np.inf]])
    found = told_apart(means, 6)
    np.testing.assert_allclose(found[:, 0] - 1e9, [0.12, 4, 2], atol=1e-6)
    assert found[0, 1] == 0.123457
    assert np.isnan(found[2, 1]) and np.isnan(found[:2, 2]).all()
    assert told_apart(np.array([[1e9 + 0.5]]), 6).item() == 1e9
