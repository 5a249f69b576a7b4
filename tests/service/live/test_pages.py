"""Streams of frames: how many there may be, that all share what was encoded, and that none holds up the event loop."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from streamgmm.engine.values import Report, State, Totals
from streamgmm.service.live import axes
from streamgmm.service.live.pages import MOST_PAGES, Pages
from streamgmm.service.live.recorder import Recorder
from streamgmm.service.live.wire import Wire
from streamgmm.service.publisher import Committed
from streamgmm.service.view import empty
from tests.page.shown import Shown, model_of_size, sample_of, settings_for, snapshot_of

SETTINGS = settings_for(("a", "b"), 3)
LIVE = model_of_size(3, 2)


def tell(recorder: Recorder) -> None:
    state = State({0: 1}, LIVE, 2, Totals())
    recorder.committed(Committed(state, Report(samples=(sample_of(LIVE, 5),)), 0.01, 100), None)
    recorder.show(snapshot_of(SETTINGS, LIVE), state)
    recorder.make()


async def next_number(stream: AsyncIterator[bytes]) -> int:
    found = await anext(stream)
    return int(msgspec.json.decode(found.removeprefix(b"event: frame\ndata: "))["number"])


async def test_twenty_pages_cost_one_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(empty(SETTINGS))
    wire, made = Wire(SETTINGS, recorder), list[int]()
    document = wire._document
    monkeypatch.setattr(wire, "_document", lambda frame, *more: made.append(frame.number) or document(frame, *more))
    pages = Pages(recorder, wire)
    streams = [pages.stream("0", "1") for _ in range(20)]
    for number in range(1, 4):
        tell(recorder)
        assert [await next_number(stream) for stream in streams] == [number] * 20
    assert made == [1, 2, 3]
    for stream in streams:
        await stream.aclose()


async def test_however_many_ask_for_different_things_half_of_the_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(empty(SETTINGS))
    wire = Wire(SETTINGS, recorder)
    for _ in range(30):
        tell(recorder)
    rests, sleep = list[float](), asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: rests.append(seconds) or sleep(0))
    began = time.perf_counter()
    documents = await asyncio.gather(*(wire.taken(recorder.newest(), "0", "1", since) for since in range(1, 25)))
    assert len(set(documents)) == 24
    assert 12 <= len(rests) <= 23  # the first one has nobody to rest for, nor has one that the machine held up
    assert 0.2 * (time.perf_counter() - began) < sum(rests) <= time.perf_counter() - began


async def test_a_slow_page_gets_the_newest_and_all_points_between() -> None:
    recorder = Recorder(empty(SETTINGS))
    stream = Pages(recorder, Wire(SETTINGS, recorder)).stream("0", "1")
    tell(recorder)
    assert await next_number(stream) == 1
    for _ in range(5):
        tell(recorder)
    found = msgspec.json.decode((await anext(stream)).removeprefix(b"event: frame\ndata: "))
    assert (found["number"], len(found["points"]["x"])) == (6, 25)


async def test_principal_axes_are_found_outside_of_the_loop_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, found = list[int](), axes.principal
    monkeypatch.setattr(axes, "principal", lambda *given: threads.append(threading.get_ident()) or found(*given))
    recorder = Recorder(empty(SETTINGS))
    pages = Pages(recorder, Wire(SETTINGS, recorder))
    tell(recorder)
    streams = [pages.stream("p0", "p1") for _ in range(3)]
    assert await asyncio.gather(*map(next_number, streams)) == [1, 1, 1]
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


async def test_a_page_too_many_is_told_to_come_back() -> None:
    with Shown(SETTINGS) as shown:
        shown.show(snapshot_of(SETTINGS, LIVE), LIVE)
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=shown.address, limits=limits, timeout=30) as client:

            async def opened() -> httpx.Response:
                return await client.send(client.build_request("GET", "/api/v1/live"), stream=True)

            together = await asyncio.gather(*(opened() for _ in range(MOST_PAGES + 9)))
            answers = [answer for answer in together if answer.status_code == 200]
            assert len(answers) == MOST_PAGES
            frames = [answer.aiter_bytes() for answer in answers]
            for each in frames:
                assert (await anext(each)).startswith(b"event: frame")
            refused = await opened()
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
            assert f"{MOST_PAGES} pages are open" in (await refused.aread()).decode()
            assert (await client.get("/api/v1/stream")).status_code == 200
            await answers[0].aclose()
            async with asyncio.timeout(20):
                while (again := await opened()).status_code == 503:
                    await again.aclose()
            for answer in (again, *together):
                await answer.aclose()
