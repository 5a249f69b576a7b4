"""Run by test_warm in a process of its own: a corpus of damaged input through every kernel, after they were warmed.

With NUMBA_BOUNDSCHECK=1 an index outside of an array is an IndexError, and this program fails.
"""

import importlib
import pkgutil
import random

import msgpack
import numpy as np
from numba.core.dispatcher import Dispatcher

from streamgmm import records
from streamgmm.records import batch_run, headers, partition, record_batch
from streamgmm.records.assignments import Assignments, encoder
from streamgmm.records.columns import Record, of_records, records_of, take
from streamgmm.records.dead_letters import dead_letters
from streamgmm.records.event_times import clock
from streamgmm.records.vectors import decoder
from streamgmm.records.warm import warm_kernels
from streamgmm.settings import Input, Output
from tests.records import fuzz

NAMED = [{"name": "a", "transform": "log"}, {"name": "b"}]
LAYOUTS = [
    {"features": "x"},
    {"features": "x", "weight": "w"},
    {"features": NAMED, "weight": "w"},
    {"features": "x", "format": "json", "weight": "w"},
    {"features": NAMED, "format": "json"},
    {"format": "float32"},
    {"format": "float64"},
]
DECODERS = [decoder(Input.model_validate({"topic": "t", **layout})) for layout in LAYOUTS]
TIMED = [layout if "float" in layout.get("format", "") else {**layout, "event_time": "x"} for layout in LAYOUTS]
CLOCKS = [clock(Input.model_validate({"topic": "t", **layout})) for layout in TIMED]


def kernels():
    """Every compiled function of the package, with how many times it was compiled."""
    for info in pkgutil.iter_modules(records.__path__):
        module = importlib.import_module(f"{records.__name__}.{info.name}")
        for name, value in vars(module).items():
            if isinstance(value, Dispatcher):
                yield f"{info.name}.{name}", len(value.signatures)


def batch_of(rng):
    def text(longest):
        return None if rng.random() < 0.1 else rng.randbytes(rng.randrange(longest))

    def value():
        x = [[rng.gauss(0, 1), rng.randrange(1000)] for _ in range(rng.randrange(3))]
        tree = {
            "id": rng.randrange(10**9),
            "x": x or [1, 2.5],
            "w": rng.random(),
            "a": 1,
            "b": 2,
            "z": [{"y": "é"}, None],
        }
        return msgpack.packb(tree)

    some = [Record(i, i, text(9), value(), tuple(("h", text(5)) for _ in range(rng.randrange(3)))) for i in range(8)]
    return record_batch.write(of_records(some, 8), max_bytes=1 << 20)[0]


def mutated(rng, data):
    data = bytearray(data)
    for _ in range(rng.randrange(4)):
        data[rng.randrange(61, len(data))] = rng.choice([0, 1, 0x7F, 0x80, 0xC6, 0xDD, 0xDF, 0xFF, rng.randrange(256)])
    return data


def through_everything(columns):
    for each, times in zip(DECODERS, CLOCKS, strict=True):
        vectors, _ = times.read(columns, each.decode(columns, 2))
        list(records_of(dead_letters(columns, vectors.rejected, "t", 0)))
    headers.parse_source(columns, "t")
    added = headers.source_headers(take(columns, slice(None, None, 2)), "t", 7)
    headers.parse_source(added, "t")
    for part in partition.route(added, 0, 1, 3).values():
        record_batch.write(part, max_bytes=1 << 20)


def encoded(rng):
    n, k = 6, rng.randrange(1, 20)
    whole = np.array([rng.randrange(-(2**63), 2**63 - 1) >> rng.randrange(64) for _ in range(n)])
    given = Assignments(
        whole,
        np.random.default_rng(1).random((n, k)),
        np.zeros(n),
        np.ones(n, np.int8),
        np.arange(k),
        whole[:3],
        1,
        1,
        np.full(3, 2),
    )
    for shares in ("all", "none", 3):
        encoder(Output(responsibilities=shares)).encode(given, np.zeros(3, np.bool_))


def main():
    rng = random.Random(0)
    warm_kernels()
    before = dict(kernels())
    assert all(before.values()), [name for name, count in before.items() if not count]
    accepted = 0
    for _ in range(600):
        damaged = mutated(rng, batch_of(rng).data)
        batch_run.read(batch_run.scan(damaged * 2), 3, ((-1, 5),), check_crcs=False)
        try:
            columns = record_batch.parse(damaged, check_crc=False)
        except record_batch.BadBatch:
            continue
        accepted += 1
        through_everything(columns)
        encoded(rng)
    assert accepted > 100, accepted
    assert dict(kernels()) == before, {name: n for name, n in kernels() if n != before[name]}
    assert fuzz.fuzz(160_000)
    print(f"{accepted} batches, {len(before)} kernels, nothing more compiled")  # noqa: T201


main()
