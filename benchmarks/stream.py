"""How fast and how large the service is: records a second, processor time a record, resident memory.

Kafka and the embedded log, exactly-once and at-least-once; one vector of 8 features a record, 10 components with full
covariances, learning included. A topic of 4 partitions is filled; then `streamgmm run --until-end` works through it as
a process of its own, on a machine that also runs the broker. Each figure is the median of the runs.
"""

import argparse
import asyncio
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness import machine, places, results, service, workload
from benchmarks.harness.places import Place
from benchmarks.harness.results import Result
from benchmarks.harness.service import Run
from streamgmm.broker.open import open_broker
from streamgmm.settings import Broker

MODES = ("exactly_once", "at_least_once")
FLOORS = {("kafka", "exactly_once"): 60_000, ("local log", "exactly_once"): 150_000}  # records/s
GROWTH = 1.10  # of resident memory, at most


class Size(NamedTuple):
    """How much is measured. Memory is compared between the two marks, in records."""

    records: int
    runs: int
    marks: tuple[int, int]
    growth: float | None  # None: too short to judge memory by


QUICK = Size(500_000, 1, (100_000, 450_000), None)
FULL = Size(2_200_000, 3, (200_000, 2_000_000), GROWTH)


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
    length.add_argument("--quick", action="store_true", help="one short run of each case, within 40 s")
    length.add_argument("--full", action="store_true", help="three long runs of each case, some minutes (the default)")
    parser.add_argument("--kafka", metavar="HOST:PORT", help="a broker that is there; else one is started")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="folder for stream.json")
    return parser.parse_args()


def _method(size: Size) -> str:
    return (
        f"{size.records:,} records of 84 bytes, 8 features, 4 partitions; 10 components, full covariance; "
        f"{'median of ' + str(size.runs) + ' runs' if size.runs > 1 else 'one run'}. "
        "Steady: from the first commit behind a tenth of them to the last; whole: from the process's start to its end."
    )


async def _measured(place: Place, size: Size) -> list[Result]:
    """All runs of a broker's cases, the modes in turn."""
    runs: dict[str, list[Run]] = {mode: [] for mode in MODES}
    async with open_broker(Broker(url=place.url)) as broker:
        await workload.fill(broker, place.topic, workload.Workload(size.records))
        for number in range(size.runs):
            for mode in MODES:
                output = f"{place.topic}.{mode}.{number}"
                settings = _settings(place, mode, output)
                runs[mode].append(await service.run(broker, output, size.records, settings))
    return [result for mode in MODES for result in _results(place.name, mode, runs[mode], size)]


def _settings(place: Place, mode: str, output: str) -> dict[str, str | int]:
    return {
        "broker.url": place.url,
        "input.topic": place.topic,
        "input.features": "x",
        "output.topic": output,
        "model.n_components": 10,
        "delivery.mode": mode,
        "http.port": 0,
    }


def _results(place: str, mode: str, runs: Sequence[Run], size: Size) -> Iterator[Result]:
    def median(figure: Callable[[Run], float]) -> float:
        return statistics.median(map(figure, runs))

    case, (early, late) = f"{place}, {mode}", size.marks
    rate = Result(case, "throughput, steady", "records/s", median(lambda run: run.rate))
    floor = FLOORS.get((place, mode))
    yield rate if floor is None else rate.at_least(floor)
    yield Result(case, "throughput, whole", "records/s", median(lambda run: run.records / run.seconds))
    yield Result(case, "processor time, steady", "µs/record", median(lambda run: 1e6 * run.processor_per_record))
    yield Result(case, "processor time, whole", "µs/record", median(lambda run: 1e6 * run.processor / run.records))
    for mark in size.marks:
        resident = median(partial(_mebibytes_after, mark))
        yield Result(case, f"resident memory after {mark:,} records", "MiB", resident)
    growth = median(lambda run: run.resident_after(late) / run.resident_after(early))
    grown = Result(case, "growth of resident memory", "ratio", growth)
    yield grown if size.growth is None else grown.at_most(size.growth)


def _mebibytes_after(records: int, run: Run) -> float:
    return run.resident_after(records) / 2**20


if __name__ == "__main__":
    main()
