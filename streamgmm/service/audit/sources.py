"""Which input records the records of the output topics stand for."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from streamgmm.records.columns import Int64, RecordColumns, headers_of, string
from streamgmm.records.dead_letters import PREFIX
from streamgmm.records.headers import parse_source

Sources = Iterator[tuple[int, Int64]]  # input partition, offsets in it


class Skip(NamedTuple):
    """Offsets `start` to `stop` (exclusive) that an event says were left out; `stop` is lower if the log began anew."""

    partition: int
    start: int
    stop: int


def of_assignments(columns: RecordColumns, topic: str) -> Sources:
    """Records of `topic` that have these assignments, by the header streamgmm-source."""
    sources = parse_source(columns, topic)
    return _by_partition(sources.partition[sources.found], sources.offset[sources.found])


def of_dead_letters(columns: RecordColumns, topic: str) -> Sources:
    """Records of `topic` that have these dead letters, by the headers streamgmm-error-*."""
    places = np.array(list(_dead_letters(columns, topic)), np.int64).reshape(-1, 2)
    return _by_partition(places[:, 0], places[:, 1])


def skips_of(columns: RecordColumns, model: str) -> Iterator[Skip]:
    """What these events say that a model has left out."""
    for i in range(columns.offsets.size):
        value = string(columns.values, i)
        if value is not None and b"records_skipped" in value:
            event = msgspec.json.decode(value)
            if event["type"] == "records_skipped" and event["model"] == model:
                yield Skip(event["partition"], event["start"], event["stop"])


def _by_partition(partitions: Int64, offsets: Int64) -> Sources:
    for partition in np.unique(partitions).tolist():
        yield partition, offsets[partitions == partition]


def _dead_letters(columns: RecordColumns, topic: str) -> Iterator[tuple[int, int]]:
    """Partition and offset of each that names this topic; where a header comes twice the last counts."""
    for i in range(columns.offsets.size):
        headers = dict(headers_of(columns, i))
        source, partition, offset = (headers.get(PREFIX + name) or b"" for name in ("topic", "partition", "offset"))
        if source == topic.encode() and partition.isdigit() and offset.isdigit():
            yield int(partition), int(offset)
