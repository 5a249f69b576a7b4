"""Compiles all of this package's kernels, or loads them from numba's cache, before the first record comes.

By use: a few records go once through everything. Compiling takes seconds, loading a fraction of one.
"""

import struct

import numpy as np

from streamgmm.records import batch_run, headers, partition, record_batch
from streamgmm.records.assignments import Assignments, encoder
from streamgmm.records.columns import Record, RecordColumns, of_records, take
from streamgmm.records.event_times import clock
from streamgmm.records.vectors import decoder
from streamgmm.settings import Input, Output

_MSGPACK = b"\x81\xa1x\x92\x01\x02"
_VALUES = {"msgpack": _MSGPACK, "json": b'{"x": [1, 2]}', "float32": struct.pack("<2f", 1, 2), "float64": bytes(16)}


def warm_kernels() -> None:
    """Compile or load everything; takes about as long as one start from the cache, or several seconds without one."""
    for name, value in _VALUES.items():
        columns = _columns(value)
        ways = decoder(Input.model_validate({"topic": "t", "format": name, "features": "x"}))
        ways.decode(take(columns, slice(1, None)), 2)  # records that are all alike
        vectors = ways.decode(columns, 2)
        if name in ("msgpack", "json"):
            clock(Input.model_validate({"topic": "t", "format": name, "event_time": "x"})).read(columns, vectors)
    named = [{"name": "x", "transform": "sqrt"}]
    for name, value in (("msgpack", b"\x81\xa1x\x01"), ("json", b'{"x": 1}')):
        decoder(Input.model_validate({"topic": "t", "format": name, "features": named})).decode(_columns(value), 1)
    assignments = _assignments()
    encoder(Output(responsibilities=1)).encode(assignments, None)
    values = encoder(Output()).encode(assignments, None)
    columns = headers.source_headers(take(_columns(_MSGPACK), slice(2))._replace(values=values), "t", 0)
    columns = headers.append(columns, headers.SOURCE, values)
    headers.parse_source(columns, "t")
    partition.route(columns, 0, 1, 2)
    for batch in record_batch.write(columns, max_bytes=10_000):
        record_batch.parse(batch.data)
        batch_run.read(batch_run.scan(batch.data), 0, ())


def _columns(value: bytes) -> RecordColumns:
    """One for the general decoder and two good ones, not one behind the other, so that raw values are gathered."""
    records = [Record(i, 0, b"key", text) for i, text in enumerate((value, value, b"\xc1"))]
    return take(of_records(records, 3), np.array([2, 1, 0]))


def _assignments() -> Assignments:
    ones, zeros = np.ones(2, np.int64), np.zeros(2, np.int64)
    return Assignments(zeros, np.ones((2, 1)), np.zeros(2), np.zeros(2, np.int8), zeros[:1], zeros, 0, 0, ones)
