import asyncio
import sys
import time

from streamgmm.service.event_loop import take_turns, watch_lag


async def test_a_loop_that_is_held_up_is_late():
    lags: asyncio.Queue[float] = asyncio.Queue()
    watching = asyncio.create_task(watch_lag(lags.put_nowait, interval=0.01))
    assert await lags.get() >= 0
    time.sleep(0.2)  # noqa: ASYNC251 - what is to be seen
    assert await lags.get() > 0.1
    watching.cancel()


def test_a_computing_thread_gives_way_sooner_than_by_default():
    before = sys.getswitchinterval()
    try:
        sys.setswitchinterval(0.005)
        take_turns()
        assert sys.getswitchinterval() < 0.005
    finally:
        sys.setswitchinterval(before)
