"""Loading the compiled code before anything is touched: a learner that cannot run must not fence the one that does."""

import asyncio
import contextlib
import threading
import time

import structlog

from streamgmm.mixture.stepwise_em import warm_kernels as warm_mixture_kernels
from streamgmm.records.warm import warm_kernels as warm_record_kernels

log = structlog.get_logger()

_NOTICEABLE = 3.0  # seconds: from the cache it takes less


async def load_compiled() -> None:
    """Compile or load all kernels, in a thread that does not hold up the end of the process."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            warm_mixture_kernels()
            warm_record_kernels()
        except BaseException as error:
            failed.append(error)
        with contextlib.suppress(RuntimeError):  # the program has ended meanwhile
            loop.call_soon_threadsafe(done.set)

    began = time.perf_counter()
    threading.Thread(target=work, name="compile", daemon=True).start()
    try:
        await asyncio.wait_for(done.wait(), _NOTICEABLE)
    except TimeoutError:
        log.info("compiling", why="the first run of this version compiles its kernels; later ones load them")
        await done.wait()
        log.info("compiled", seconds=round(time.perf_counter() - began, 1))
    if failed:
        raise failed[0]
