"""Input for benchmarks: vectors from a mixture, as records in a topic, written as columns.

As msgpack a value is the map `{"id": ..., "x": [...]}`, its numbers as float64, so with 8 features it has 84 bytes. The
key has 8 bytes. All values have one layout, as nearly all producers write them, so a chunk of records is one array of
fixed-size rows. As JSON it is the same map, its numbers with six digits; as float32 or float64 the rows alone.
"""

import time
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamgmm.broker.interface import Broker, Topic
from streamgmm.records.codecs import Codec
from streamgmm.records.columns import RecordColumns, Slices, bytes_of, empty_slices, frozen, slices_of

CHUNK = 50_000  # vectors to an acknowledgement
CENTRES = 10
FIRST_ID = 1 << 20  # so that every id takes four bytes


class Workload(NamedTuple):
    """How many records, of what shape."""

    records: int
    features: int = 8
    partitions: int = 4
    format: Literal["msgpack", "json", "float32", "float64"] = "msgpack"
    vectors: int = 1  # to a record; more than one not as JSON
    compression: Codec = "none"


async def fill(broker: Broker, topic: str, workload: Workload) -> None:
    """Create the topic and write the records, the same ones for the same workload, round the partitions in turn."""
    await broker.create_topic(Topic(topic, workload.partitions, 1, {}))
    writer, rng = await broker.writer(compression=workload.compression), np.random.default_rng(1)
    centres = rng.normal(0, 6, (CENTRES, workload.features))
    chunk = max(1, CHUNK // workload.vectors)
    for number, first in enumerate(range(0, workload.records, chunk)):
        rows = min(chunk, workload.records - first) * workload.vectors
        matrix = centres[rng.integers(CENTRES, size=rows)] + rng.standard_normal((rows, workload.features))
        await writer.send(topic, number % workload.partitions, records(matrix, first, workload))
        await writer.commit()
    await writer.close()


async def append(broker: Broker, topic: str, count: int) -> None:
    """So many records more, into partition 0."""
    writer, rng = await broker.writer(), np.random.default_rng(3)
    await writer.send(topic, 0, records(rng.standard_normal((count, Workload(0).features)), 0))
    await writer.commit()
    await writer.close()


def records(matrix: NDArray[np.float64], first: int, workload: Workload = Workload(0)) -> RecordColumns:  # noqa: B008
    """Records of `workload.vectors` rows each; `first` counts the ids on. Their keys are their ids."""
    vectors = matrix.reshape(-1, workload.vectors, matrix.shape[1])
    ids = FIRST_ID + first + np.arange(len(vectors))
    values = slices_of(_json(vectors, ids)) if workload.format == "json" else _of_rows(_rows(vectors, ids, workload))
    n, keys = len(vectors), ids.astype(">u8").tobytes()
    starts, lengths = np.arange(n) * 8, np.full(n, 8)
    return RecordColumns(
        frozen(np.arange(n)),
        frozen(np.full(n, time.time_ns() // 1_000_000)),
        Slices(bytes_of(keys), frozen(starts), frozen(lengths)),
        values,
        empty_slices(n),
        frozen(np.zeros(n, np.int64)),
        n,
    )


def _of_rows(rows: NDArray[np.void]) -> Slices:
    """Values of one size each."""
    n, size = len(rows), rows.itemsize
    return Slices(bytes_of(rows.tobytes()), frozen(np.arange(n) * size), frozen(np.full(n, size)))


def _rows(vectors: NDArray[np.float64], ids: NDArray[np.int64], workload: Workload) -> NDArray[np.void]:
    """Every value as a structure of its fields."""
    n, count, features = vectors.shape
    if workload.format != "msgpack":
        rows = np.zeros(n, [("x", {"float32": "<f4", "float64": "<f8"}[workload.format], (count, features))])
        rows["x"] = vectors
        return rows
    rows = np.zeros(n, _layout(count, features))
    rows["head"] = np.frombuffer(b"\x82\xa2id\xce", "V5")[0]
    rows["id"] = ids
    rows["name"] = np.frombuffer(b"\xa1x", "V2")[0]
    if count > 1:
        rows["outer"] = np.frombuffer(b"\xdc" + count.to_bytes(2, "big"), "V3")[0]
    rows["x"]["array"] = 0x90 | features
    rows["x"]["number"]["type"], rows["x"]["number"]["value"] = 0xCB, vectors
    return rows


def _layout(count: int, features: int) -> np.dtype[np.void]:
    """A msgpack value as it lies in the buffer."""
    number = [("type", "u1"), ("value", ">f8")]
    vector = np.dtype([("array", "u1"), ("number", number, (features,))])
    outer = [("outer", "V3")] if count > 1 else []
    return np.dtype([("head", "V5"), ("id", ">u4"), ("name", "V2"), *outer, ("x", vector, (count,))])


def _json(vectors: NDArray[np.float64], ids: NDArray[np.int64]) -> list[bytes]:
    rounded = vectors[:, 0].round(6).tolist()
    return [msgspec.json.encode({"id": i, "x": row}) for i, row in zip(ids.tolist(), rounded, strict=True)]
