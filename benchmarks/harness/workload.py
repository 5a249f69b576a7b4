"""Input for benchmarks: vectors from a mixture, as records in a topic, written as columns.

A value is the msgpack map `{"id": ..., "x": [...]}`, its numbers as float64, so with 8 features it has 84 bytes. The
key has 8 bytes. All values have one layout, as nearly all producers write them, so a chunk of records is one array of
fixed-size rows.
"""

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.broker.interface import Broker, Topic
from streamgmm.records.columns import RecordColumns, Slices, bytes_of, empty_slices, frozen

CHUNK = 50_000  # records to an acknowledgement
CENTRES = 10
FIRST_ID = 1 << 20  # so that every id takes four bytes


class Workload(NamedTuple):
    """How many records, of what shape."""

    records: int
    features: int = 8
    partitions: int = 4


async def fill(broker: Broker, topic: str, workload: Workload) -> None:
    """Create the topic and write the records, the same ones for the same workload, round the partitions in turn."""
    await broker.create_topic(Topic(topic, workload.partitions, 1, {}))
    writer, rng = await broker.writer(), np.random.default_rng(1)
    centres = rng.normal(0, 6, (CENTRES, workload.features))
    for number, first in enumerate(range(0, workload.records, CHUNK)):
        n = min(CHUNK, workload.records - first)
        matrix = centres[rng.integers(CENTRES, size=n)] + rng.standard_normal((n, workload.features))
        await writer.send(topic, number % workload.partitions, records(matrix, first))
        await writer.commit()
    await writer.close()


def records(matrix: NDArray[np.float64], first: int) -> RecordColumns:
    """One vector a record; `first` counts the ids on."""
    n, features = matrix.shape
    rows = np.zeros(n, _layout(features))
    rows["head"] = np.frombuffer(b"\x82\xa2id\xce", "V5")[0]
    rows["id"] = rows["key"] = FIRST_ID + first + np.arange(n)
    rows["name"] = np.frombuffer(b"\xa1x" + bytes([0x90 | features]), "V3")[0]
    rows["x"]["type"], rows["x"]["value"] = 0xCB, matrix
    buffer = bytes_of(rows.tobytes())
    starts, offsets = np.arange(n) * rows.itemsize, frozen(np.arange(n))
    return RecordColumns(
        offsets,
        frozen(np.full(n, time.time_ns() // 1_000_000)),
        Slices(buffer, frozen(starts), frozen(np.full(n, 8))),
        Slices(buffer, frozen(starts + 8), frozen(np.full(n, rows.itemsize - 8))),
        empty_slices(n),
        frozen(np.zeros(n, np.int64)),
        n,
    )


def _layout(features: int) -> np.dtype[np.void]:
    """A record's key and value as they lie in the buffer."""
    number = [("type", "u1"), ("value", ">f8")]
    return np.dtype([("key", ">u8"), ("head", "V5"), ("id", ">u4"), ("name", "V3"), ("x", number, (features,))])
