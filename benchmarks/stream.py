"""How fast and how large the service is, beside Kafka Streams and Quix Streams on the same broker, topic and data.

Kafka and the embedded log, exactly-once and at-least-once; one vector of 8 features a record, 10 components with full
covariances, learning included. A topic of 4 partitions is filled; then `streamgmm run --until-end` works through it as
a process of its own, on a machine that also runs the broker. The peers score under a fixed mixture of that size and do
not learn. Every case runs in turn, the order rotated from round to round; the best run of each counts.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness import machine, peers, places, results, service, workload
from benchmarks.harness.places import Place
from benchmarks.harness.results import Result
from benchmarks.harness.service import Run
from benchmarks.harness.workload import Workload
from streamgmm.broker.interface import Broker, Topic
from streamgmm.broker.open import open_broker
from streamgmm.records.columns import RecordColumns
from streamgmm.settings import Broker as BrokerSettings

GROWTH = 1.05  # of resident memory, at most
TIMES = {peers.KAFKA_STREAMS: 5.0, peers.QUIX_STREAMS: 25.0}  # as fast as these, in the same run
FLOORS = {"local log, exactly_once": 500_000.0}  # records/s
VECTORS = 100  # to a record, where there are several
LARGE_BATCH = 8192  # vectors to an M-step: some twenty milliseconds of such a stream
VECTOR_FLOORS = {"all": 2_000_000.0, "none": 3_000_000.0}  # vectors/s, by output.responsibilities


class Size(NamedTuple):
    """How much is measured. Memory is compared between the two marks, in records."""

    records: int
    streams: int  # records for Kafka Streams
    quix: int  # records for Quix Streams
    json: int  # records
    many: int  # records of VECTORS vectors
    rounds: int
    marks: tuple[int, int]
    growth: float | None  # None: too short to judge memory by


QUICK = Size(300_000, 150_000, 40_000, 100_000, 3000, 1, (100_000, 250_000), None)
FULL = Size(2_200_000, 1_000_000, 150_000, 500_000, 60_000, 3, (200_000, 2_000_000), GROWTH)


class Case(NamedTuple):
    """Something to run, and what its runs were."""

    name: str
    run: Callable[[str], Awaitable[Run]]  # is given the name of an output that nobody else has


def main() -> None:
    """Measure, print, write."""
    arguments = _arguments()
    size = QUICK if arguments.quick else FULL
    heading, found = [machine.facts()], list[Result]()
    opened: list[Callable[[], AbstractContextManager[Place]]] = [
        partial(places.kafka, arguments.kafka),
        places.embedded,
    ]
    for opening in opened:
        with opening() as place:
            found += asyncio.run(_measured(place, size))
            heading.append(f"{place.name}: {place.version}")
    results.report("stream", found, [*heading, _method(size)], arguments.results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="one short run of each case, some two minutes")
    length.add_argument("--full", action="store_true", help="three long runs of each case (the default)")
    parser.add_argument("--kafka", metavar="HOST:PORT", help="a broker that is there; else one is started")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="folder for stream.json")
    return parser.parse_args()


def _method(size: Size) -> str:
    return (
        f"{size.records:,} records of 84 bytes, 8 features, 4 partitions ({size.streams:,} for Kafka Streams, "
        f"{size.quix:,} for Quix Streams); 10 components, full covariance; "
        f"{'the best of ' + str(size.rounds) + ' runs' if size.rounds > 1 else 'one run'}. "
        "Steady: from the first commit behind a tenth of them to the last; whole: from the process's start to its end."
    )


async def _measured(place: Place, size: Size) -> list[Result]:
    """All cases of a broker, in turn."""
    async with open_broker(BrokerSettings(url=place.url)) as broker:
        await workload.fill(broker, place.topic, Workload(size.records))
        cases = [_ours(place, broker, mode, size.records) for mode in ("exactly_once", "at_least_once")]
        if place.name == "kafka":
            cases += await _beside(place, broker, size)
        runs: dict[str, list[Run]] = {case.name: [] for case in cases}
        for number in range(size.rounds):
            turn = number % len(cases)
            for case in [*cases[turn:], *cases[:turn]]:
                if size is FULL:
                    await machine.at_rest()
                runs[case.name].append(await case.run(f"{place.topic}.out-{len(runs[case.name])}-{cases.index(case)}"))
        best = {name: max(done, key=lambda run: run.rate) for name, done in runs.items()}
        return [*_results(best, size), *(await _limits(place, broker, size) if place.name == "kafka" else [])]


# ---- the cases


def _ours(
    place: Place, broker: Broker, mode: str, records: int, topic: str = "", name: str = "", **settings: str | int
) -> Case:
    given: Mapping[str, str | int] = {
        "broker.url": place.url,
        "input.topic": topic or place.topic,
        "input.features": "x",
        "model.n_components": 10,
        "delivery.mode": mode,
        "http.port": 0,
    }
    more = {key.replace("__", "."): value for key, value in settings.items()}

    async def run(output: str) -> Run:
        return await service.run(broker, output, records, {**given, **more, "output.topic": output})

    return Case(name or f"{place.name}, {mode}", run)


async def _beside(place: Place, broker: Broker, size: Size) -> list[Case]:
    """Larger batches, JSON, many vectors in a record, and the peers."""
    json, many = f"{place.topic}.json", f"{place.topic}.many"
    await workload.fill(broker, json, Workload(size.json, format="json"))
    await workload.fill(broker, many, Workload(size.many, format="float32", vectors=VECTORS))
    floats: dict[str, str | int] = {
        "input__format": "float32",
        "model__n_features": 8,
        "learning__batch_size": LARGE_BATCH,
    }
    once = partial(_ours, place, broker, "exactly_once")
    return [
        once(size.records, "", f"kafka, exactly_once, batch_size {LARGE_BATCH}", learning__batch_size=LARGE_BATCH),
        once(size.json, json, "kafka, exactly_once, JSON", input__format="json"),
        *(once(size.many, many, _many(kind), output__responsibilities=kind, **floats) for kind in VECTOR_FLOORS),
        _peer(place, broker, peers.KAFKA_STREAMS, peers.kafka_streams, size.streams),
        _peer(place, broker, peers.QUIX_STREAMS, peers.quix_streams, size.quix),
    ]


def _many(responsibilities: str) -> str:
    return f"kafka, exactly_once, {VECTORS} float32 vectors a record, responsibilities {responsibilities}"


def _peer(place: Place, broker: Broker, name: str, command: Callable[[str, str, str], list[str]], records: int) -> Case:
    async def run(output: str) -> Run:
        await broker.create_topic(Topic(output, 4, 1, {}))
        address = place.url.removeprefix("kafka://")
        return await service.watched(command(address, place.topic, output), broker, output, records, endless=True)

    return Case(f"{name}, exactly_once", run)


async def _limits(place: Place, broker: Broker, size: Size) -> list[Result]:
    """Kafka's own tools on the same topic, beside our fetch alone."""
    address = place.url.removeprefix("kafka://")
    read, written, fetched = list[float](), list[float](), list[float]()
    for number in range(size.rounds):
        read.append(await asyncio.to_thread(peers.consumer_performance, address, place.topic, size.records))
        fetched.append(await _fetch_alone(broker, place.topic, size.records))
        produce = partial(peers.producer_performance, address, f"{place.topic}.written-{number}", size.streams, 84)
        written.append(await asyncio.to_thread(produce))
    rate = Result("kafka, fetch alone", "throughput", "records/s", max(fetched))
    return [
        rate.beside("ConsumerPerformance", max(read)).at_least(2 * max(read)),
        Result("Kafka's ProducerPerformance", "throughput", "records/s", max(written)),
    ]


async def _fetch_alone(broker: Broker, topic: str, records: int) -> float:
    """Records a second that our reader gives, behind the first fetch that gives any."""
    reader = await broker.reader(topic)
    await reader.assign(await broker.offsets(topic, "earliest"))
    while not (first := _count(await reader.fetch(timeout=0.5))):
        pass
    began, seen = time.monotonic(), first
    while seen < records:
        seen += _count(await reader.fetch(timeout=0.5))
    await reader.close()
    return (seen - first) / (time.monotonic() - began)


def _count(fetched: Mapping[int, RecordColumns]) -> int:
    return sum(len(columns.offsets) for columns in fetched.values())


# ---- what was found


def _results(best: Mapping[str, Run], size: Size) -> Iterator[Result]:
    for name, run in best.items():
        yield from _rates(name, run)
        if name.endswith("_once") and name.split(",")[0] in ("kafka", "local log"):
            yield from _memory(name, run, size)
    yield from _beside_peers({name: run.rate for name, run in best.items()})


def _rates(name: str, run: Run) -> Iterator[Result]:
    many, unit = (VECTORS, "vectors") if f"{VECTORS} float32" in name else (1, "records")
    rate = Result(name, "throughput, steady", f"{unit}/s", many * run.rate)
    floors = FLOORS | {_many(kind): floor for kind, floor in VECTOR_FLOORS.items()}
    yield rate.at_least(floors[name]) if name in floors else rate
    if run.ended:
        yield Result(name, "throughput, whole", f"{unit}/s", many * run.records / run.seconds)
    yield Result(name, "processor time, steady", f"µs/{unit[:-1]}", 1e6 * run.processor_per_record / many)
    everything = 1e6 * run.machine_per_record / many
    yield Result(name, "processor time of the whole machine, steady", f"µs/{unit[:-1]}", everything)


def _beside_peers(rates: Mapping[str, float]) -> Iterator[Result]:
    """What the targets say of ours in terms of a peer's."""
    ours = ("kafka, exactly_once", f"kafka, exactly_once, batch_size {LARGE_BATCH}")
    wanted = [(name, peer, times) for name in ours for peer, times in TIMES.items()]
    for name, peer, times in [*wanted, ("kafka, exactly_once, JSON", peers.KAFKA_STREAMS, 1.0)]:
        theirs = rates.get(f"{peer}, exactly_once")
        if theirs is not None:
            rate = Result(name, f"throughput, steady, {times:g} times {peer}", "records/s", rates[name])
            yield rate.beside(peer, theirs).at_least(times * theirs)


def _memory(name: str, run: Run, size: Size) -> Iterator[Result]:
    early, late = size.marks
    for mark in size.marks:
        yield Result(name, f"resident memory after {mark:,} records", "MiB", run.resident_after(mark) / 2**20)
    grown = Result(name, "growth of resident memory", "ratio", run.resident_after(late) / run.resident_after(early))
    yield grown if size.growth is None else grown.at_most(size.growth)


if __name__ == "__main__":
    main()
