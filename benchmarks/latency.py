"""How late assignments are: from a record's timestamp to a read-committed reader of the output.

A producer at a steady rate, the program under test and the reader are processes of their own, on a machine that also
runs the broker. The service in both modes, at commit intervals of 30 and 100 ms; Kafka Streams exactly-once beside it.
Then the service is started again and again: seconds from the start of the process to its first published record. And it
works through a long topic as fast as it can: how late its event loop is meanwhile.
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from benchmarks.harness import lag, machine, peers, places, restart, results, service, workload
from benchmarks.harness.places import Place
from benchmarks.harness.results import Result
from benchmarks.harness.workload import Workload
from streamgmm.broker.interface import Broker, Reader, Topic
from streamgmm.broker.open import open_broker
from streamgmm.service.compiled import load_compiled
from streamgmm.settings import Broker as BrokerSettings

INTERVALS = (30, 100)  # ms
AT_LEAST_ONCE, EXACTLY_ONCE = "at_least_once", "exactly_once"
CEILINGS = {(AT_LEAST_ONCE, 100): 20.0, (EXACTLY_ONCE, 100): 150.0, (EXACTLY_ONCE, 30): 80.0}  # ms, p99
JUDGED_AT = 50_000  # records/s
CAUGHT_UP = 1000.0  # ms: the input that waited while the program started has been worked off
BEFORE = 100_000  # records that are there when the program starts: the drift alarm is calibrated on the first of them
PATIENCE = 20.0  # s, for that: a program that does not keep up is measured as late as it is
TO_BEGIN = 60.0  # s, until its first record


class Size(NamedTuple):
    """How much is measured."""

    rates: tuple[int, ...]  # records/s
    settle: float  # s that are not counted, once it has caught up
    seconds: float
    restarts: int
    records: int  # to work through at full speed


RESTART_CEILING = 2.0  # s
LAG_CEILING = 20.0  # ms
QUICK = Size((10_000,), 1.0, 2.0, 1, 600_000)
FULL = Size((10_000, JUDGED_AT), 4.0, 12.0, 5, 2_000_000)


class Case(NamedTuple):
    """A program at an interval (ms)."""

    program: str  # a delivery mode of ours, or the peer
    interval: int

    @property
    def name(self) -> str:
        """For people."""
        ours = self.program in (AT_LEAST_ONCE, EXACTLY_ONCE)
        return f"{self.program}{'' if ours else ', exactly_once'}, commit interval {self.interval} ms"

    def command(self, place: Place, source: str, target: str) -> list[str]:
        """What runs until it is ended."""
        address = place.url.removeprefix("kafka://")
        if self.program == peers.KAFKA_STREAMS:
            return peers.kafka_streams(address, source, target, milliseconds=self.interval)
        delivery = {"delivery.mode": self.program, "delivery.commit_interval": f"{self.interval} ms"}
        return service.command({**_settings(place, source, target), **delivery})


def _settings(place: Place, source: str, target: str) -> dict[str, str | int]:
    topics = {"broker.url": place.url, "input.topic": source, "output.topic": target}
    return {**topics, "input.features": "x", "model.n_components": 10, "http.port": 0}


CASES = [Case(mode, interval) for interval in INTERVALS for mode in (EXACTLY_ONCE, AT_LEAST_ONCE)]
CASES += [Case(peers.KAFKA_STREAMS, interval) for interval in INTERVALS]


class Found(NamedTuple):
    """Of one case at one rate: ms, and processor time in cores."""

    p50: float
    p99: float
    program: float
    machine: float  # with the program, the broker, who writes and who reads


def main() -> None:
    """Measure, print, write."""
    arguments = _arguments()
    size = QUICK if arguments.quick else FULL
    asyncio.run(load_compiled("full"))  # so that no case pays for it
    with places.kafka(arguments.kafka) as place:
        found, restarted, late = asyncio.run(_measured(place, size))
    heading = [machine.facts(), f"kafka: {place.version}", f"{size.seconds:g} s of each, after {size.settle:g} s"]
    results.report("latency", [*_results(found), _restart(restarted), _lag(late)], heading, arguments.results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="one rate, two seconds of each case")
    length.add_argument("--full", action="store_true", help="two rates, twelve seconds of each case (the default)")
    parser.add_argument("--kafka", metavar="HOST:PORT", help="a broker that is there; else one is started")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="folder for latency.json")
    return parser.parse_args()


async def _measured(place: Place, size: Size) -> tuple[dict[tuple[int, Case], Found], float, float]:
    found: dict[tuple[int, Case], Found] = {}
    async with open_broker(BrokerSettings(url=place.url)) as broker:
        for rate in size.rates:
            for number, case in enumerate(CASES):
                source, target = f"{place.topic}.{rate}-{number}", f"{place.topic}.{rate}-{number}.out"
                await workload.fill(broker, source, Workload(BEFORE))
                await broker.create_topic(Topic(target, 4, 1, {}))
                if size is FULL:
                    await machine.at_rest()
                produce = [sys.executable, "-m", "benchmarks.harness.pace", place.url, source, str(rate), "600"]
                async with _running(case.command(place, source, target)) as program, _running(produce):
                    found[rate, case] = await _found(broker, target, size, program)
                results.progress(f"{rate:,} records/s, {case.name}: {found[rate, case].p99:.0f} ms")
        restarted = await restart.first_record(place, broker, size.restarts)
        late_loop = await _late_loop(place, broker, size.records)
    return found, restarted, late_loop


async def _late_loop(place: Place, broker: Broker, records: int) -> float:
    """Seconds that the service's event loop is late at most, at full speed."""
    source, target = f"{place.topic}.fast", f"{place.topic}.fast.out"
    await workload.fill(broker, source, Workload(records))
    return await lag.worst(broker, target, records, _settings(place, source, target))


@contextlib.asynccontextmanager
async def _running(command: Sequence[str]) -> AsyncIterator[psutil.Process]:
    """A program while the block runs. Raises RuntimeError where it ended by itself; any error says what it said."""
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        try:
            yield psutil.Process(process.pid)
            if process.returncode is not None:
                raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
        except RuntimeError as error:
            log.seek(0)
            error.add_note(f"{' '.join(command)} said:\n{log.read()[-3000:].decode(errors='replace')}")
            raise
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _found(broker: Broker, target: str, size: Size, program: psutil.Process) -> Found:
    """From timestamp to arrival, of each record that comes in the time that counts, and what was worked meanwhile."""
    reader = await broker.reader(target)
    await reader.assign(await broker.offsets(target, "earliest"))
    await _caught_up(reader)
    await _latencies(reader, size.settle)
    before, began = _worked(program), time.monotonic()
    late = await _latencies(reader, size.seconds)
    cores = (_worked(program) - before) / (time.monotonic() - began)
    await reader.close()
    if len(late) < 100:
        raise RuntimeError(f"hardly anything was published to {target}")
    return Found(*np.percentile(late, (50, 99)).tolist(), *cores.tolist())


async def _latencies(reader: Reader, seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Milliseconds, of what comes within so many seconds."""
    late, end = [np.empty(0)], time.monotonic() + seconds
    while time.monotonic() < end:
        late += [time.time() * 1000 - c.timestamps for c in (await reader.fetch(timeout=0.05)).values()]
    return np.concatenate(late)


def _worked(program: psutil.Process) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Seconds of processor time until now: the program's, the whole machine's."""
    own = program.cpu_times()
    return np.array([own.user + own.system, machine.busy()])


async def _caught_up(reader: Reader) -> None:
    """Read on until what was there at the start is worked off and the oldest that comes is young, or PATIENCE ends."""
    count, latest = 0, time.monotonic() + TO_BEGIN
    while time.monotonic() < latest:
        for columns in (await reader.fetch(timeout=0.05)).values():
            if not len(columns.timestamps):
                continue
            if not count:
                latest = time.monotonic() + PATIENCE
            count += len(columns.timestamps)
            if count > BEFORE and time.time() * 1000 - int(columns.timestamps[0]) < CAUGHT_UP:
                return


def _results(found: dict[tuple[int, Case], Found]) -> Iterator[Result]:
    for (rate, case), of in found.items():
        metric = partial("latency at {:,} records/s, {}".format, rate)
        yield Result(case.name, metric("p50"), "ms", of.p50)
        if rate == JUDGED_AT:
            yield Result(case.name, f"processor time at {rate:,} records/s", "cores", of.program)
            yield Result(case.name, f"the same of the whole machine at {rate:,} records/s", "cores", of.machine)
        late = Result(case.name, metric("p99"), "ms", of.p99)
        peer = found.get((rate, Case(peers.KAFKA_STREAMS, case.interval)))
        if case.program == EXACTLY_ONCE and peer is not None:
            late = late.beside(peers.KAFKA_STREAMS, peer.p99)
        yield _judged(rate, case, late)


def _restart(seconds: float) -> Result:
    case = "exactly_once, started again from its checkpoint"
    return Result(case, "start of the process to the first published record", "s", seconds).at_most(RESTART_CEILING)


def _lag(seconds: float) -> Result:
    case = "exactly_once, as fast as it can"
    name = "lateness of the event loop, the worst of ten measurements a second, below"
    return Result(case, name, "ms", 1000 * seconds).at_most(LAG_CEILING)


def _judged(rate: int, case: Case, late: Result) -> Result:
    """At 50 000 records/s; at 100 ms exactly once below Kafka Streams too."""
    ceiling = CEILINGS.get((case.program, case.interval))
    if rate != JUDGED_AT or ceiling is None:
        return late
    if late.peer_value is not None and case.interval == 100:
        ceiling = min(ceiling, late.peer_value)
    return late.at_most(ceiling)


if __name__ == "__main__":
    main()
