"""The learner as a process of its own, started from a settings file, killed, and judged by what it published."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgpack
import numpy as np
import yaml

from tests.crash.logs import Log, Seen

FEATURES = 3


def settings(log: Log, topic: str, output: str, /, **sections) -> dict:
    given = {
        "broker": {"url": log.url, "transaction_timeout": 12},
        "input": {"topic": topic},
        "output": {"topic": output},
        "model": {"name": "m", "n_components": 3},
        "learning": {"batch_size": 64, "warm_up": 500},
        "drift": {"settle": 2000, "reference_size": 2000, "window": 50, "expected_run_length": 20000},
        "http": {"port": 0},
    }
    return {name: {**given.get(name, {}), **sections.get(name, {})} for name in given | sections}


def records(n: int, partitions: int, seed: int) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Vectors round four centres, one record in thirty garbage or null."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 6, (4, FEATURES))
    for i in range(n):
        value: bytes | None = msgpack.packb((centres[rng.integers(4)] + rng.standard_normal(FEATURES)).tolist())
        if rng.random() < 1 / 30:
            value = [b"\xc1", None, msgpack.packb([1.0]), msgpack.packb("text")][int(rng.integers(4))]
        yield int(rng.integers(partitions)), b"key %d" % i if i % 7 else None, value


def wide_records(n: int, features: int) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """Vectors round ten centres, all in partition 0."""
    rng = np.random.default_rng(7)
    rows = rng.normal(0, 6, (10, features))[rng.integers(10, size=n)] + rng.standard_normal((n, features))
    for i, row in enumerate(rows.tolist()):
        yield 0, b"key %d" % i, msgpack.packb(row)


RICH = {
    "input": {"format": "json", "weight": "w", "event_time": "t"},
    "learning": {
        "half_life": {"value": 5, "unit": "seconds"},
        "max_gap": 20,
        "averaging": True,
        "averaged_scoring": True,
        "dead_components": "respawn",
    },
}


def rich_records(n: int, partitions: int, seed: int) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    """As `records`, with weights, event times, and a feature in five missing."""
    rng = np.random.default_rng([seed, 1])
    for i, (partition, key, value) in enumerate(records(n, partitions, seed)):
        if value is not None and value[0] == 0x90 + FEATURES:
            vector = [None if rng.random() < 0.2 else x for x in msgpack.unpackb(value)]
            weight, time_ = float(rng.choice([0, 0.5, 1, 2])), 1e9 + n * seed * 0.01 + i * 0.01 + rng.normal()
            value = json.dumps({"features": vector, "w": weight, "t": time_}).encode()  # noqa: PLW2901 - what is sent
        yield partition, key, value


class Learner:
    """`streamgmm run` on a settings file; its log lines go to a file beside it."""

    def __init__(self, folder: Path, given: dict, name: str = "learner") -> None:
        self.config, self.lines = folder / f"{name}.yaml", folder / f"{name}.log"
        self.config.write_text(yaml.safe_dump(given))

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        with self.lines.open("ab") as out:
            return subprocess.Popen([*COMMAND, "run", "--config", str(self.config), *more], stdout=out, stderr=out)

    def finish(self, *more: str, timeout: float = 240) -> int:
        return self.start("--until-end", *more).wait(timeout)

    def check_audit(self, timeout: float = 200) -> None:
        """The delivery is proven; what was said where it is not."""
        command = [*COMMAND, "audit", "--config", str(self.config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def wait_for(self, words: str, seconds: float = 30) -> None:
        """Until the log says so."""
        deadline = time.monotonic() + seconds
        while words not in self.said():
            assert time.monotonic() < deadline, f"never said {words!r}: {self.said()[-2000:]}"
            time.sleep(0.05)

    def said(self) -> str:
        return self.lines.read_text()


COMMAND = [sys.executable, "-m", "streamgmm"]


@contextlib.contextmanager
def feeding(log: Log, topic: str, partitions: int, *, rate: int, made=records) -> Iterator[None]:
    """Keep appending records while the block runs."""
    stop = threading.Event()

    def feed() -> None:
        seed = 1
        while not stop.is_set():
            began = time.monotonic()
            log.fill(topic, made(rate // 4, partitions, seed))
            seed += 1
            stop.wait(max(0.0, 0.25 - (time.monotonic() - began)))

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield
    finally:
        stop.set()
        feeder.join()


@contextlib.contextmanager
def flooding(log: Log, topic: str, output: str, partitions: int, most: int) -> Iterator[None]:
    """Append as fast as one process can while the block runs, ahead of the output: see `flood`.

    Fails where `most` records were written before the block has ended: then nothing was left to read.
    """
    command = [sys.executable, "-m", "tests.crash.flood", log.url, topic, output, str(partitions), str(most)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline(), "the producer has failed"
        drained = threading.Thread(target=process.stdout.read)
        drained.start()
        try:
            yield
            assert process.poll() is None, "the producer has failed, or come to its end"
        finally:
            process.terminate()
            drained.join()


def disturbed(
    learner: Learner, kills: int, seed: int, number: signal.Signals, *, shortest: float = 0.2, longest: float = 3.0
) -> list[int]:
    """Start and stop the learner at random moments of its life; returns the exit codes."""
    rng, codes = np.random.default_rng(seed), []
    for _ in range(kills):
        process = learner.start()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(float(rng.uniform(shortest, longest)))
        process.send_signal(number)
        codes.append(process.wait(10))
    return codes


def check_every_record_once(log: Log, topic: str, output: str) -> None:
    """Every input is found exactly once among assignments and dead letters, with key and headers untouched."""
    inputs = {(r.partition, r.offset): r for r in log.read(topic)}
    assigned = [(_source(r), r) for r in log.read(output)]
    letters = [(_origin(r), r) for r in log.read(f"{output}.dead-letters")]
    counts = Counter(place for place, _ in assigned + letters)
    missing, twice = inputs.keys() - counts.keys(), [place for place, count in counts.items() if count > 1]
    assert (sorted(missing)[:5], twice[:5], counts.keys() - inputs.keys()) == ([], [], set())
    for place, r in assigned + letters:
        source = inputs[place]
        assert (r.key, r.headers["n"], r.timestamp) == (source.key, source.headers["n"], source.timestamp)
    assert all(r.value == inputs[place].value for place, r in letters)


def _source(record: Seen) -> tuple[int, int]:
    _, partition, offset = record.headers["streamgmm-source"].rsplit(b"/", 2)
    return int(partition), int(offset)


def _origin(record: Seen) -> tuple[int, int]:
    return int(record.headers["streamgmm-error-partition"]), int(record.headers["streamgmm-error-offset"])


def assignments(log: Log, output: str) -> list[tuple[bytes | None, bytes | None, dict[str, bytes]]]:
    """What was published, in order, without the places it was published at."""
    return [(r.key, r.value, r.headers) for r in log.read(output)]
