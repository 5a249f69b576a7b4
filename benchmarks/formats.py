"""What a record costs to parse, decode, encode and write, and to read from a file, in processor time, without a broker.

One vector of 8 features a record, keys of 8 bytes, assignments of 10 components; one thread, the best of several runs.
"""

import argparse
import json
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.harness import machine, results
from benchmarks.harness.results import Result
from streamgmm.commands.rows import Choice, rows_of
from streamgmm.records import batch_run, record_batch
from streamgmm.records.assignments import Assignments, encoder
from streamgmm.records.columns import Record, of_records
from streamgmm.records.vectors import decoder
from streamgmm.settings import Input, Output

RECORDS, FEATURES, COMPONENTS = 10_000, 8, 10
NAMES = [f"f{i}" for i in range(FEATURES)]
WAYS: dict[str, tuple[dict[str, object], Callable[[list[float]], bytes]]] = {
    "msgpack, an array": ({"features": "x"}, lambda x: msgspec.msgpack.encode({"x": x})),
    "msgpack, named fields": ({"features": NAMES}, lambda x: msgspec.msgpack.encode(dict(zip(NAMES, x, strict=True)))),
    "json, an array": ({"features": "x", "format": "json"}, lambda x: json.dumps({"x": x}).encode()),
    "json, named fields": (
        {"features": NAMES, "format": "json"},
        lambda x: json.dumps(dict(zip(NAMES, x, strict=True))).encode(),
    ),
    "float32": ({"format": "float32"}, lambda x: struct.pack(f"<{FEATURES}f", *x)),
    "float64": ({"format": "float64"}, lambda x: struct.pack(f"<{FEATURES}d", *x)),
}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the best of 3 runs instead of 15")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="folder for formats.json")
    arguments = parser.parse_args()
    runs = 3 if arguments.quick else 15
    found = [*(_decoding(name, runs) for name in WAYS), *(_not_alike(name, runs) for name in list(WAYS)[:2])]
    found += [*(_encoding(name, runs) for name in ("msgpack", "json")), *_batches(runs), *_files(runs)]
    results.report("formats", found, [machine.facts()], arguments.results)


def _best(runs: int, work: Callable[[], object]) -> float:
    """Nanoseconds a record."""
    work()
    taken = []
    for _ in range(runs):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return 1e9 * min(taken) / RECORDS


def _records(write: Callable[[list[float]], bytes]) -> list[Record]:
    vectors = np.random.default_rng(0).normal(size=(RECORDS, FEATURES))
    return [Record(i, 10**12, b"%08d" % i, write(vector)) for i, vector in enumerate(vectors.tolist())]


def _decoding(name: str, runs: int) -> Result:
    return _decoded(name, WAYS[name][0], _records(WAYS[name][1]), runs)


def _not_alike(name: str, runs: int) -> Result:
    """The first record has a field more, so that no other lies as it does."""
    first, *others = _records(WAYS[name][1])
    value = first.value or b""
    more = first._replace(value=bytes([value[0] + 1]) + b"\xa1y\x00" + value[1:])
    return _decoded(f"{name}, not alike", WAYS[name][0], [more, *others], runs)


def _decoded(name: str, how: dict[str, object], records: list[Record], runs: int) -> Result:
    columns, ways = of_records(records, RECORDS), decoder(Input.model_validate({"topic": "t", **how}))
    return Result(f"decode {name}", "processor time", "ns/record", _best(runs, lambda: ways.decode(columns, FEATURES)))


def _encoding(name: str, runs: int) -> Result:
    shares = np.random.default_rng(0).dirichlet(np.ones(COMPONENTS), RECORDS)
    ones, zeros = np.ones(RECORDS, np.int64), np.zeros(RECORDS, np.int64)
    given = Assignments(
        zeros, shares, np.zeros(RECORDS), np.zeros(RECORDS, np.int8), np.arange(COMPONENTS), zeros, 0, 0, ones
    )
    writes = encoder(Output.model_validate({"format": name}))
    return Result(f"encode {name}", "processor time", "ns/record", _best(runs, lambda: writes.encode(given, None)))


def _batches(runs: int) -> list[Result]:
    columns = of_records(_records(WAYS["msgpack, an array"][1]), RECORDS)
    (batch,) = record_batch.write(columns, max_bytes=1 << 21)
    data = bytes(batch.data)
    return [
        Result("parse a batch", "processor time", "ns/record", _best(runs, lambda: _parsed(data))),
        Result(
            "write a batch",
            "processor time",
            "ns/record",
            _best(runs, lambda: record_batch.write(columns, max_bytes=1 << 21)),
        ),
    ]


def _files(runs: int) -> list[Result]:
    """What `replay` does before it sends; numbers with all their digits."""
    vectors = np.random.default_rng(0).normal(size=(RECORDS, FEATURES))
    with tempfile.TemporaryDirectory() as folder:
        table, array = Path(folder) / "a.csv", Path(folder) / "a.npy"
        rows = (",".join(map(repr, vector)) for vector in vectors.tolist())
        table.write_text("\n".join([",".join(NAMES), *rows]) + "\n")
        np.save(array, vectors)
        return [
            Result(f"read a row of {file.suffix}", "processor time", "ns/record", _best(runs, lambda f=file: _read(f)))
            for file in (table, array)
        ]


def _read(file: Path) -> int:
    return sum(rows.size for rows in rows_of(file, Choice("msgpack"), RECORDS))


def _parsed(data: bytes) -> batch_run.Run:
    return batch_run.read(batch_run.scan(data), 0, ())


if __name__ == "__main__":
    main()
