"""How accurate the mixture is: one pass beside the true model, batch EM and streaming peers; gaps; moving streams.

Six questions, a file each in `benchmarks/quality`. Both sides of a comparison get the same vectors, seeds and number of
starts. The index is the adjusted Rand index: 1 where two clusterings agree, about 0 where they have nothing in common.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from threadpoolctl import threadpool_limits

from benchmarks.harness import machine, results
from benchmarks.harness.results import Result
from benchmarks.quality import gaps, large_samples, moving, peers, real_data, streams
from streamgmm.mixture import threads

Question = Callable[[], Iterator[Result]]


class Size(NamedTuple):
    """How much is measured."""

    large: large_samples.Size
    seeds: int  # of real data
    starts: tuple[int, ...]
    streams: streams.Size
    gaps: gaps.Size
    moving: moving.Size


QUICK = Size(
    large_samples.Size(100_000, 1, 50),
    3,
    (1,),
    streams.Size(20_000, 2_000, 1, 500, 200),
    gaps.Size(20_000, 50_000, 1, 3),
    moving.Size(20_000, 1),
)
FULL = Size(
    large_samples.FULL,
    10,
    (1, 10),
    streams.Size(100_000, 5_000, 3, 10_000, 2_000),
    gaps.Size(100_000, 400_000, 3, 10),
    moving.Size(40_000, 3),
)


def main() -> None:
    """Measure, print, write."""
    arguments = _arguments()
    size = QUICK if arguments.quick else FULL
    results.report("accuracy", _measured(size), [machine.facts(), _method(size)], arguments.results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="few vectors and seeds, within 40 s")
    length.add_argument("--full", action="store_true", help="ten seeds, a quarter of an hour (the default)")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="folder for accuracy.json")
    return parser.parse_args()


def _method(size: Size) -> str:
    river = "" if peers.river else " River is not installed (make bench does that), so its peers are left out."
    return (
        f"{size.large.seeds} samples of {size.large.vectors:,} vectors; {size.seeds} seeds of real data; "
        f"{size.streams.seeds} of streams of {size.streams.vectors:,}.{river}"
    )


def _measured(size: Size) -> list[Result]:
    """A process a core, each with one thread: many small questions at a time."""
    asked = list(_questions(size))
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), get_context("spawn"), _one_thread) as processes:
        answers = [processes.submit(_answer, question) for question in asked]
        return [result for answer in answers for result in answer.result()]


def _questions(size: Size) -> Iterator[Question]:
    yield from (partial(large_samples.results, name, size.large) for name in large_samples.SETS)
    for n_init in size.starts:
        yield from (partial(real_data.results, name, n_init, size.seeds) for name in real_data.SETS)
    yield from (partial(streams.results, *shape, size.streams) for shape in streams.SHAPES)
    for way in gaps.WAYS:
        yield from (partial(gaps.results, way, share, size.gaps) for share in gaps.SHARES)
    yield partial(moving.results, size.moving)


def _answer(question: Question) -> list[Result]:
    return list(question())


def _one_thread() -> None:
    threads.use(1)
    threadpool_limits(1)


if __name__ == "__main__":
    main()
