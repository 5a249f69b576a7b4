"""How fast `streamgmm replay` brings a file into a topic: the whole command, from its start to its end.

A CSV and a .npy of 8 features, the CSV with a column for the key too, into four partitions of a Kafka and of the
embedded log; the median of several runs.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.harness import machine, places, results
from benchmarks.harness.places import Place
from benchmarks.harness.results import Result

FEATURES = 8
FLOOR = 200_000  # records/s


class Size(NamedTuple):
    """How much is measured."""

    records: int
    runs: int


QUICK, FULL = Size(50_000, 1), Size(1_000_000, 3)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one run of 50 000 records instead of three of a million")
    parser.add_argument("--kafka", metavar="HOST:PORT", help="a broker that is there; else one is started")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="folder for replay.json")
    arguments = parser.parse_args()
    size = QUICK if arguments.quick else FULL
    with ExitStack() as stack:
        files = _files(Path(stack.enter_context(tempfile.TemporaryDirectory())), size.records)
        kafka, log = stack.enter_context(places.kafka(arguments.kafka)), stack.enter_context(places.embedded())
        found = [result for place in (kafka, log) for result in _measured(place, files, size)]
    heading = [machine.facts(), f"kafka: {kafka.version}", f"{size.records:,} records"]
    results.report("replay", found, heading, arguments.results)


def _files(folder: Path, records: int) -> list[tuple[Path, list[str]]]:
    """Each with what the command is told of it."""
    matrix = np.random.default_rng(0).standard_normal((records, FEATURES))
    array, text = folder / "vectors.npy", folder / "vectors.csv"
    np.save(array, matrix)
    header = ",".join(["id", *(f"f{i}" for i in range(FEATURES))])
    rows = np.column_stack([np.arange(records), matrix])
    np.savetxt(text, rows, fmt=["%d", *["%.6g"] * FEATURES], delimiter=",", header=header, comments="")
    return [(text, ["--key", "id"]), (array, [])]


def _measured(place: Place, files: list[tuple[Path, list[str]]], size: Size) -> Iterator[Result]:
    for file, more in files:
        seconds = [_once(place, f"{place.topic}.{file.suffix[1:]}-{run}", file, more) for run in range(size.runs)]
        rate = size.records / statistics.median(seconds)
        results.progress(f"{place.name}, {file.suffix}: {rate:,.0f} records/s")
        yield Result(f"{place.name}, {file.suffix}", "whole command", "records/s", rate).at_least(FLOOR)


def _once(place: Place, topic: str, file: Path, more: list[str]) -> float:
    """Seconds. Raises CalledProcessError where the command fails."""
    where = ["--topic", topic, "--broker", place.url, "--partitions", "4"]
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "streamgmm", "replay", file, *where, *more], check=True, capture_output=True)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
