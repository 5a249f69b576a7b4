"""What throughput and memory do while one thing grows: the stream, K, D, partitions, vectors in a record; and what
codecs and formats cost. Exactly-once on Kafka, learning included. The curves are drawn to `docs/growth.svg`.
"""

import argparse
import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness import curves, machine, places, results, service, workload
from benchmarks.harness.curves import Curve
from benchmarks.harness.places import Place
from benchmarks.harness.results import Result
from benchmarks.harness.service import Run
from benchmarks.harness.workload import Workload
from streamgmm.broker.interface import Broker
from streamgmm.broker.open import open_broker
from streamgmm.settings import Broker as BrokerSettings

PICTURE = Path(__file__).parents[1] / "docs" / "growth.svg"
FLAT = 1.05  # of resident memory, from the first mark to the end
COMPONENTS = 10
CALIBRATED = 60_000  # vectors after which the drift alarm is calibrated, which takes seconds with many components


class Point(NamedTuple):
    """One measurement: what grows, its value, the records, and the settings beside the usual ones."""

    series: str
    value: str
    work: Workload
    settings: Mapping[str, str | int] = {}


class Size(NamedTuple):
    """How much is measured."""

    records: int  # a point
    stream: int  # vectors of the long stream, ten to a record
    mark: int  # vectors after which its memory must be flat
    largest: int  # K and D


QUICK = Size(150_000, 1_000_000, 200_000, 10)
FULL = Size(300_000, 20_000_000, 1_000_000, 100)


def main() -> None:
    """Measure, print, draw, write."""
    arguments = _arguments()
    size = QUICK if arguments.quick else FULL
    with places.kafka(arguments.kafka) as place:
        long, runs = asyncio.run(_measured(place, size))
    found = [*_long(long, size), *(result for point, run in runs for result in _short(point, run))]
    results.report("growth", found, [machine.facts(), f"kafka: {place.version}", _method(size)], arguments.results)
    curves.draw(list(_curves(long, found)), arguments.picture)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="few and short points, some two minutes")
    length.add_argument("--full", action="store_true", help="all points, to 2e7 vectors (the default)")
    parser.add_argument("--kafka", metavar="HOST:PORT", help="a broker that is there; else one is started")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="folder for growth.json")
    parser.add_argument("--picture", type=Path, help="where the curves go (default: docs, quick: beside the results)")
    given = parser.parse_args()
    given.picture = given.picture or (given.results / "growth.svg" if given.quick else PICTURE)
    return given


def _method(size: Size) -> str:
    return (
        f"{size.records:,} records a point unless it says otherwise; one vector of 8 features a record, "
        f"{COMPONENTS} components, full covariance, 4 partitions. One run of each, counted from the first commit after "
        f"{CALIBRATED:,} vectors."
    )


def _points(size: Size) -> Iterator[Point]:
    """Everything that grows, one thing at a time."""
    n = size.records
    for k in _up_to(size.largest, 1, 3, 10, 30, 100):
        yield Point("components K", str(k), Workload(n), {"model.n_components": k})
    for d in _up_to(size.largest, 2, 8, 16, 32, 64):
        yield Point("features D", str(d), Workload(n, features=d, format="float64"), _floats(d))
    for partitions in _up_to(size.largest, 1, 4, 16, 64):
        yield Point("partitions", str(partitions), Workload(n, partitions=partitions))
    for vectors in (1, 10, 100):
        work = Workload(n if vectors == 1 else 4 * n // vectors, format="float32", vectors=vectors)
        yield Point("vectors a record", str(vectors), work, _floats(8, "float32"))
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        yield Point("codec, in and out", codec, Workload(n, compression=codec), {"output.compression": codec})
    for kind in ("msgpack", "json", "float32", "float64"):
        floats = _floats(8, kind) if kind.startswith("float") else {"input.format": kind}
        yield Point("format", kind, Workload(n, format=kind), floats)


def _up_to(largest: int, *values: int) -> Sequence[int]:
    return [value for value in values if value <= largest]


def _floats(features: int, kind: str = "float64") -> Mapping[str, str | int]:
    return {"input.format": kind, "model.n_features": features}


async def _measured(place: Place, size: Size) -> tuple[Run, list[tuple[Point, Run]]]:
    async with open_broker(BrokerSettings(url=place.url)) as broker:
        floats = {**_floats(8, "float32"), "output.responsibilities": "none"}
        work = Workload(size.stream // 10, format="float32", vectors=10)
        long = await _run(place, broker, Point("stream", "", work, floats), "stream")
        points = list(_points(size))
        runs = [(point, await _run(place, broker, point, str(i))) for i, point in enumerate(points)]
    return long, runs


async def _run(place: Place, broker: Broker, point: Point, name: str) -> Run:
    topic, output = f"{place.topic}.{name}", f"{place.topic}.{name}.out"
    results.progress(f"{point.series} {point.value}")
    await workload.fill(broker, topic, point.work)
    usual: dict[str, str | int] = {
        "broker.url": place.url,
        "input.topic": topic,
        "input.features": "x",
        "output.topic": output,
        "model.n_components": COMPONENTS,
        "http.port": 0,
    }
    run = await service.run(broker, output, point.work.records, {**usual, **point.settings})
    return run._replace(begin=CALIBRATED // point.work.vectors)


def _short(point: Point, run: Run) -> Iterator[Result]:
    case = f"{point.series} {point.value}"
    yield Result(case, "throughput", "vectors/s", point.work.vectors * run.rate)
    yield Result(case, "resident memory at the end", "MiB", run.samples[-1].resident / 2**20)


def _long(run: Run, size: Size) -> Iterator[Result]:
    case = f"stream of {size.stream:,} vectors, ten to a record"
    yield Result(case, "throughput", "vectors/s", 10 * run.rate)
    early, late = run.resident_after(size.mark // 10), run.samples[-1].resident
    yield Result(case, f"resident memory after {size.mark:,} vectors", "MiB", early / 2**20)
    yield Result(case, "resident memory at the end", "MiB", late / 2**20)
    grown = Result(case, "growth of resident memory", "ratio", late / early)
    yield grown.at_most(FLAT) if size is FULL else grown


def _curves(long: Run, found: Sequence[Result]) -> Iterator[Curve]:
    samples = long.samples[:: max(1, len(long.samples) // 400)]
    memory = [(10 * sample.records, sample.resident / 2**20) for sample in samples]
    yield Curve("vectors of the stream", "resident memory, MiB", [str(x) for x, _ in memory], [y for _, y in memory])
    rates = {result.case: result.ours for result in found if result.metric == "throughput"}
    for series in dict.fromkeys(case.rpartition(" ")[0] for case in list(rates)[1:]):
        values = {case.rpartition(" ")[2]: rate for case, rate in rates.items() if case.rpartition(" ")[0] == series}
        yield Curve(series, "vectors/s", list(values), list(values.values()))


if __name__ == "__main__":
    main()
