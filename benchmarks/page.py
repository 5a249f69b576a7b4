"""What open pages cost: the learner's rate with twenty of them open, over its rate with none.

The embedded log, exactly-once; one vector of 8 features a record, 10 components with full covariances. Pairs of runs
over the same topic, one with pages and one without, in turn; the figure is the median of the pairs' ratios. A page is
a reader of `/api/v1/live` that takes every frame; all of them are served, and read, on the same two cores.
"""

import argparse
import asyncio
import contextlib
import statistics
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness import machine, places, results, service, workload
from benchmarks.harness.places import Place
from benchmarks.harness.results import Result
from streamgmm.broker.open import open_broker
from streamgmm.settings import Broker
from tests.kafka.server import free_port

PAGES = 20
FLOOR = 0.95  # of the rate without pages
PIECE = 1 << 16


class Size(NamedTuple):
    """How much is measured."""

    records: int
    pairs: int


QUICK = Size(400_000, 1)
FULL = Size(1_000_000, 9)


class Pairs(NamedTuple):
    """What runs with pages and runs without them gave, pair by pair in that order."""

    rates: list[tuple[float, float]]
    processor: list[tuple[float, float]]  # seconds a record
    taken: float  # bytes that the pages of a run took


class Readers:
    """Pages: connections that take what they are sent."""

    def __init__(self, port: int) -> None:
        self.taken = 0  # bytes
        self._port = port

    async def read(self) -> None:
        """Connect as soon as the service listens, and read until it ends."""
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.write(b"GET /api/v1/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
                while piece := await reader.read(PIECE):
                    self.taken += len(piece)
                return
            await asyncio.sleep(0.02)


def main() -> None:
    """Measure, print, write."""
    arguments = _arguments()
    size = QUICK if arguments.quick else FULL
    with places.embedded() as place:
        pairs = asyncio.run(measured(place, size))
    report(pairs, size, arguments.results)


def report(pairs: Pairs, size: Size, folder: Path) -> None:
    """Print and write what the pairs gave."""
    rate, cost = (statistics.median(a / b for a, b in each) for each in (pairs.rates, pairs.processor))
    case = f"{PAGES} open pages"
    with_pages, without = (statistics.median(each) for each in zip(*pairs.rates, strict=True))
    found = [
        Result(case, "rate with pages / without", "ratio", rate),
        Result(case, "processor time a record with pages / without", "ratio", cost),
        Result(case, "rate", "records/s", with_pages),
        Result("no open page", "rate", "records/s", without),
        Result(case, "sent to pages in a run", "MiB", pairs.taken / 2**20),
    ]
    if size == FULL:
        found[0] = found[0].at_least(FLOOR)
    method = f"{size.records:,} records, {size.pairs} pair{'s' if size.pairs > 1 else ''} of runs in turn"
    results.report("page", found, [machine.facts(), method], folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short pair")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="folder for page.json")
    return parser.parse_args()


async def measured(place: Place, size: Size) -> Pairs:
    """Run the pairs."""
    pairs = Pairs([], [], 0.0)
    async with open_broker(Broker(url=place.url)) as broker:
        await workload.fill(broker, place.topic, workload.Workload(size.records))
        for number in range(size.pairs):
            runs = {}
            for pages in (PAGES, 0) if number % 2 else (0, PAGES):
                port, output = free_port(), f"{place.topic}.{pages}.{number}"
                async with _open(pages, port) as readers:
                    runs[pages] = await service.run(broker, output, size.records, _settings(place, output, port))
                pairs = pairs._replace(taken=pairs.taken + readers.taken / size.pairs)
            pairs.rates.append((runs[PAGES].rate, runs[0].rate))
            pairs.processor.append((runs[PAGES].processor_per_record, runs[0].processor_per_record))
    return pairs


@contextlib.asynccontextmanager
async def _open(pages: int, port: int) -> AsyncIterator[Readers]:
    readers = Readers(port)
    tasks = [asyncio.create_task(readers.read()) for _ in range(pages)]
    yield readers
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _settings(place: Place, output: str, port: int) -> dict[str, str | int]:
    return {
        "broker.url": place.url,
        "input.topic": place.topic,
        "input.features": "x",
        "output.topic": output,
        "model.n_components": 10,
        "http.port": port,
    }


if __name__ == "__main__":
    main()
