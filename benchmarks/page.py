"""What open pages cost: the learner's rate with twenty of them open, over its rate with none.

The embedded log, exactly-once; one vector of 8 features a record, 10 components with full covariances. Pairs of runs
over the same topic, one with pages and one without, in turn; the figure is the median of the pairs' ratios. A run takes
some 30 s at full speed, since a service begins to serve only when its first records are out. A page is a reader of
`/api/v1/live` that takes every frame; all of them are served, and read, on the same two cores, so what the readers take
is in the figure too. Each has to get its frames, or the benchmark fails.
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
from streamgmm.broker.interface import Topic
from streamgmm.broker.open import open_broker
from streamgmm.settings import Broker
from tests.kafka.server import free_port

PAGES = 20
FLOOR = 0.95  # of the rate without pages
FEWEST = 1.0  # frames a second that each page has to get while the service runs; it sends up to 4
STARTING = 3.0  # seconds of a run in which none is asked for
PIECE = 1 << 16
FRAME = b"event: frame\n"
KEPT = {"retention.bytes": str(64 << 20)}  # of a run's assignments, so that 18 runs fill no disk


class Size(NamedTuple):
    """How much is measured."""

    records: int
    pairs: int


QUICK = Size(3_000_000, 1)
FULL = Size(9_000_000, 9)


class Pairs(NamedTuple):
    """What runs with pages and runs without them gave, pair by pair in that order."""

    rates: list[tuple[float, float]]
    processor: list[tuple[float, float]]  # seconds a record
    seconds: list[float]  # that runs with pages took
    taken: list[int]  # bytes that the pages of a run took
    frames: list[int]  # that each page of each run got


class Page(asyncio.BufferedProtocol):
    """A connection that takes what it is sent and does nothing else, as a browser elsewhere costs nothing here."""

    def __init__(self) -> None:
        self.taken, self.frames = 0, 0  # bytes; whole frames begun
        self._piece, self._kept = bytearray(PIECE), 0  # the end of what came last is kept at its beginning

    async def read(self, port: int) -> None:
        """Connect as soon as the service listens, and go on until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(OSError):
                transport, _ = await loop.create_connection(lambda: self, "127.0.0.1", port)
                with contextlib.closing(transport):
                    transport.write(b"GET /api/v1/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
                    await loop.create_future()
            await asyncio.sleep(0.02)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next piece goes: behind the end of the last one."""
        return memoryview(self._piece)[self._kept :]

    def buffer_updated(self, nbytes: int) -> None:
        """Count what came, wherever it was cut."""
        end = self._kept + nbytes
        self.taken += nbytes
        self.frames += self._piece.count(FRAME, 0, end)
        rest = self._piece[max(0, end + 1 - len(FRAME)) : end]
        self._piece[: len(rest)], self._kept = rest, len(rest)


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
    per_page = statistics.median(pairs.frames)
    found = [
        Result(case, "rate with pages / without", "ratio", rate),
        Result(case, "processor time a record with pages / without", "ratio", cost),
        Result(case, "rate", "records/s", with_pages),
        Result("no open page", "rate", "records/s", without),
        Result(case, "a run", "s", statistics.median(pairs.seconds)),
        Result(case, "frames a page in a run", "frames", per_page),
        Result(case, "frames of the page with the fewest", "frames", min(pairs.frames)),
        Result(case, "sent to pages in a run", "MiB", statistics.median(pairs.taken) / 2**20),
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
    pairs = Pairs([], [], [], [], [])
    async with open_broker(Broker(url=place.url)) as broker:
        await workload.fill(broker, place.topic, workload.Workload(size.records))
        for number in range(size.pairs):
            runs = {}
            for pages in (PAGES, 0) if number % 2 else (0, PAGES):
                port, output = free_port(), f"{place.topic}.{pages}.{number}"
                await broker.create_topic(Topic(output, workload.Workload(0).partitions, 1, KEPT))
                async with _open(pages, port) as readers:
                    runs[pages] = await service.run(broker, output, size.records, _settings(place, output, port))
                if readers:
                    checked(readers, runs[pages].seconds)
                    pairs.seconds.append(runs[pages].seconds)
                    pairs.taken.append(sum(reader.taken for reader in readers))
                    pairs.frames.extend(reader.frames for reader in readers)
            results.progress(f"pair {number + 1} of {size.pairs}: {runs[PAGES].rate / runs[0].rate:.3f}")
            pairs.rates.append((runs[PAGES].rate, runs[0].rate))
            pairs.processor.append((runs[PAGES].processor_per_record, runs[0].processor_per_record))
    return pairs


def checked(readers: list[Page], seconds: float) -> None:
    """Raise RuntimeError where a page got too few frames in a run of so many seconds: it would cost nothing then."""
    fewest, wanted = min(reader.frames for reader in readers), FEWEST * (seconds - STARTING)
    if fewest < max(wanted, 1):
        raise RuntimeError(f"a page got {fewest} frames in a run of {seconds:.1f} s, fewer than {wanted:.0f}")


@contextlib.asynccontextmanager
async def _open(pages: int, port: int) -> AsyncIterator[list[Page]]:
    readers = [Page() for _ in range(pages)]
    tasks = [asyncio.create_task(reader.read(port)) for reader in readers]
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
