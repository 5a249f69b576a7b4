"""How accurate the mixture is: one pass beside the true model, batch EM and streaming peers; gaps; moving streams.

Five questions, a file each in `benchmarks/quality`. Every part of an answer is kept in `accuracy.parts` as soon as it
is there; `--resume` goes on with those that a run of the same size left when it was stopped. Both sides of a comparison
get the same vectors, seeds and number of starts. The index is the adjusted Rand index: 1 where two clusterings agree,
about 0 where they have nothing in common.
"""

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from threadpoolctl import threadpool_limits

from benchmarks.harness import machine, parts, results
from benchmarks.harness.results import Result
from benchmarks.quality import gaps, large_samples, moving, peers, real_data, streams
from streamgmm.mixture import threads

Question = partial[Iterator[Result]]


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
    folder = arguments.results / "accuracy.parts"
    if not arguments.resume:
        parts.forget(folder)
    results.report("accuracy", _measured(size, folder), [machine.facts(), _method(size)], arguments.results)
    parts.forget(folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="few vectors and seeds, under two minutes")
    length.add_argument("--full", action="store_true", help="ten seeds, a quarter of an hour (the default)")
    parser.add_argument("--resume", action="store_true", help="go on where a run of the same size was stopped")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="folder for accuracy.json")
    return parser.parse_args()


def _method(size: Size) -> str:
    river = "" if peers.river else " River is not installed (make bench does that), so its peers are left out."
    return (
        f"{size.large.seeds} samples of {size.large.vectors:,} vectors; {size.seeds} seeds of real data; "
        f"{size.streams.seeds} of streams of {size.streams.vectors:,}.{river}"
    )


def _measured(size: Size, folder: Path) -> list[Result]:
    """A process a core, each with one thread: many small questions at a time."""
    asked = list(_questions(size))
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), get_context("spawn"), _one_thread) as processes:
        answers = [processes.submit(_answer, question, folder) for question in asked]
        return [result for answer in answers for result in answer.result()]


def _questions(size: Size) -> Iterator[Question]:
    yield from (partial(large_samples.results, name, size.large) for name in large_samples.SETS)
    for n_init in size.starts:
        yield from (partial(real_data.results, name, n_init, size.seeds) for name in real_data.SETS)
    yield from (partial(streams.results, *shape, size.streams) for shape in streams.SHAPES)
    for way in gaps.WAYS:
        yield from (partial(gaps.results, way, share, size.gaps) for share in gaps.SHARES)
    yield partial(moving.results, size.moving)


def _answer(question: Question, folder: Path) -> list[Result]:
    answer = parts.kept(folder, question)
    if answer is None:
        answer = list(question())
        parts.keep(folder, question, answer)
    return answer


def _one_thread() -> None:
    threads.use(1)
    threadpool_limits(1)


if __name__ == "__main__":
    main()
