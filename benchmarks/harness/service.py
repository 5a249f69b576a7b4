"""A program, the service or a peer, as a process of its own, watched from outside while it works through a topic.

How far it is is asked of the broker: the read-committed ends of the output topic (transaction markers, one a partition
and transaction, count in; they are below a thousandth). Whenever these have moved, the time, the process's processor
time and its resident memory are noted. The steady figures lie between the first commit behind a tenth of the records
and the last one seen: neither the start of the process nor its end is in them, nor the rounds that were computed while
the first transaction created its topics' segments. Looking every 50 ms costs about 2 % of a core. What all
cores have worked is noted too: what the process has not is the broker's, and of who looks.
"""

import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import psutil

from benchmarks.harness import machine
from streamgmm.broker.interface import Broker
from streamgmm.errors import BrokerError

LOOK_EVERY = 0.05  # s
STEADY_FROM = 0.1  # of the records
PATIENCE = 30.0  # s


class Sample(NamedTuple):
    """The service as it was when a commit had been seen."""

    seconds: float
    records: int  # published and committed
    processor: float  # s, user and system, of all its threads since its start
    resident: int  # bytes
    machine: float  # s, of all cores, whatever they worked on


class Run(NamedTuple):
    """One life of the process, from its start to its end."""

    records: int
    seconds: float
    processor: float
    samples: Sequence[Sample]
    ended: bool = True  # by itself
    begin: int | None = None  # records from which on it is steady; a tenth of them where not said

    @property
    def rate(self) -> float:
        """Records a second once it runs steadily."""
        first, last = self._steady
        return (last.records - first.records) / (last.seconds - first.seconds)

    @property
    def processor_per_record(self) -> float:
        """Seconds, once it runs steadily."""
        first, last = self._steady
        return (last.processor - first.processor) / (last.records - first.records)

    @property
    def machine_per_record(self) -> float:
        """Seconds of all cores, broker included, once it runs steadily."""
        first, last = self._steady
        return (last.machine - first.machine) / (last.records - first.records)

    def resident_after(self, records: int) -> int:
        """Bytes at the first commit at or behind so many records, or at the last one seen."""
        return self._after(records).resident

    @property
    def _steady(self) -> tuple[Sample, Sample]:
        return self._after(self.records * STEADY_FROM if self.begin is None else self.begin), self.samples[-1]

    def _after(self, records: float) -> Sample:
        return next((sample for sample in self.samples if sample.records >= records), self.samples[-1])


async def run(broker: Broker, output: str, records: int, settings: Mapping[str, str | int]) -> Run:
    """`streamgmm run --until-end` with these settings. Raises RuntimeError with its log where it fails."""
    return await watched(command(settings, "--until-end"), broker, output, records)


def command(settings: Mapping[str, str | int], *more: str) -> list[str]:
    """`streamgmm run` with these settings."""
    return [
        sys.executable,
        "-m",
        "streamgmm",
        "run",
        *more,
        *(f"--set={key}={value}" for key, value in settings.items()),
    ]


async def watched(command: Sequence[str], broker: Broker, output: str, records: int, *, endless: bool = False) -> Run:
    """A program that works through `records` records; an endless one is ended when it has.

    Raises RuntimeError with what it said where it fails, or an endless one has done nothing for PATIENCE seconds.
    """
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        before, began = _children(), time.monotonic()
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        samples = await _watch(process, broker, output, records if endless else None)
        seconds, processor = time.monotonic() - began, _children() - before
        if (process.returncode and not endless) or len(samples) < 2:
            log.seek(0)
            said = log.read()[-3000:].decode(errors="replace")
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}, {len(samples)} commits:\n{said}")
    return Run(records, seconds, processor, samples, not endless)


async def _watch(process: asyncio.subprocess.Process, broker: Broker, output: str, enough: int | None) -> list[Sample]:
    """Until it ends, or has published `enough` records."""
    ended = asyncio.create_task(process.wait())
    seen, samples = psutil.Process(process.pid), list[Sample]()
    try:
        news = time.monotonic()
        while not (await asyncio.wait({ended}, timeout=LOOK_EVERY))[0]:
            records, now = await _published(broker, output), time.monotonic()
            if records > (samples[-1].records if samples else 0):
                with seen.oneshot():
                    times = seen.cpu_times()
                    used, resident = times.user + times.system, seen.memory_info().rss
                samples.append(Sample(now, records, used, resident, machine.busy()))
                news = now
            if enough is not None and (records >= enough or now - news > PATIENCE):
                break
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        await ended
    finally:
        if process.returncode is None:
            process.kill()
            await ended
    return samples


async def _published(broker: Broker, output: str) -> int:
    try:
        return sum((await broker.offsets(output, "latest")).values())
    except BrokerError:  # the service has not created it yet
        return 0


def _children() -> float:
    """Processor time (s) of the child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
