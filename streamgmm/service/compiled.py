"""Loading the compiled code before anything is touched: a learner that cannot run must not fence the one that does.

What is loaded then stays: some 190 000 objects, most of them numba's. The garbage collector is told not to look at
them again; on Kafka, where a fetch makes an object a record, its rounds over them took a quarter of the processor time.
A process that has switched it off to start has it back then: its rounds would take a tenth of the start.
"""

import asyncio
import gc
import subprocess
import sys
import time

import structlog

from streamgmm.drift.warm import warm_kernels as warm_drift_kernels
from streamgmm.mixture import covariance, threads
from streamgmm.mixture.compiled import cache_is_kept, is_cached, why_compiling
from streamgmm.mixture.warm import warm_kernels as warm_mixture_kernels
from streamgmm.mixture.warm import warm_lookout
from streamgmm.records.warm import warm_kernels as warm_record_kernels
from streamgmm.service.worker import Worker

log = structlog.get_logger()

NOTICEABLE = 3.0  # seconds: from the cache it takes less


async def load_compiled(covariance_type: str, *, lookout: bool = False) -> None:
    """Compile or load what a model of that type needs, off the event loop; a first run says that it compiles.

    With `lookout` also what merges and splits components.
    """
    began, worker = time.perf_counter(), Worker("compile")
    work = asyncio.ensure_future(worker.run(_load, covariance_type, lookout))
    done, _ = await asyncio.wait({work}, timeout=NOTICEABLE)
    if not done:
        log.info("compiling", why=why_compiling())
    await work
    worker.close()
    if not done:
        log.info("compiled", seconds=round(time.perf_counter() - began, 1))


def _load(covariance_type: str, lookout: bool) -> None:
    first = not is_cached(covariance.by_name(covariance_type).kernel.scan)
    if first or not cache_is_kept():
        gc.enable()  # compiling, unlike loading, leaves garbage: 500 MB of it
    beside = _compile_records() if first and threads.cores() > 1 else None
    warm_mixture_kernels(covariance_type)
    if lookout:
        warm_lookout()
    if beside is not None:
        beside.wait()
    warm_record_kernels()
    warm_drift_kernels(covariance_type)
    if not gc.get_freeze_count():  # once to a process, however many services it runs
        gc.freeze()
    gc.enable()  # a process that is started for this waits with it until here (`cli.program.run`)


def _compile_records() -> subprocess.Popen[bytes]:
    """Fill the cache with the other half in a process of its own: one process compiles on one core alone.

    Whatever it does not get done is compiled here afterwards.
    """
    command = [sys.executable, "-c", "from streamgmm.records.warm import warm_kernels; warm_kernels()"]
    none = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=none, stdout=none, stderr=none)  # noqa: S603 - our own interpreter
