"""Which input records the records of the output topics stand for."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from streamgmm.records.columns import Int64, RecordColumns, headers_of, string
from streamgmm.records.dead_letters import PREFIX
from streamgmm.records.headers import SOURCE, parse_source

_PLACE = re.compile(rb"(.+)/[0-9]{1,19}/[0-9]{1,19}")
_LARGEST = 2**63 - 1


class Sources(NamedTuple):
    """What some records stand for: s of them for records of the input, the others for none that can be told."""

    partition: Int64  # (s,) of the input
    offset: Int64  # (s,)
    absent: int = 0  # records that do not say what they stand for
    garbled: int = 0  # records that say it in a way nobody can read


SourcesOf = Callable[[RecordColumns, str], Sources]


class Skip(NamedTuple):
    """Offsets `start` to `stop` (exclusive) that an event says were left out; `stop` is lower if the log began anew."""

    partition: int
    start: int
    stop: int


class _Event(msgspec.Struct):
    type: str
    model: str
    partition: int = -1
    start: int = 0
    stop: int = 0


_decode_event = msgspec.json.Decoder(_Event).decode


def of_assignments(columns: RecordColumns, topic: str) -> Sources:
    """Records of `topic` that have these assignments, by the header streamgmm-source."""
    found = parse_source(columns, topic)
    others = [_value_of(columns, i) for i in np.flatnonzero(~found.found).tolist()]
    return Sources(
        found.partition[found.found],
        found.offset[found.found],
        absent=others.count(None),
        garbled=sum(value is not None and not _names_another(value, topic) for value in others),
    )


def of_dead_letters(columns: RecordColumns, topic: str) -> Sources:
    """Records of `topic` that have these dead letters, by the headers streamgmm-error-*."""
    places, absent, garbled = [], 0, 0
    for i in range(columns.offsets.size):
        headers = dict(headers_of(columns, i))  # where a header comes twice the last counts
        source, partition, offset = (headers.get(PREFIX + name) for name in ("topic", "partition", "offset"))
        if source == topic.encode() and (place := _numbers(partition, offset)) is not None:
            places.append(place)
        absent += source is None
        garbled += source is not None and _numbers(partition, offset) is None
    numbers = np.array(places, np.int64).reshape(-1, 2)
    return Sources(numbers[:, 0], numbers[:, 1], absent, garbled)


def by_partition(sources: Sources) -> Iterator[tuple[int, Int64]]:
    """Each input partition with the offsets in it."""
    for partition in np.unique(sources.partition).tolist():
        yield partition, sources.offset[sources.partition == partition]


def skips_of(columns: RecordColumns, model: str) -> Iterator[Skip]:
    """What these events say that a model has left out; what is no event is passed over."""
    for i in range(columns.offsets.size):
        value = string(columns.values, i)
        if value is None or b"records_skipped" not in value:
            continue
        try:
            event = _decode_event(value)
        except msgspec.MsgspecError:
            continue
        if event.type == "records_skipped" and event.model == model:
            yield Skip(event.partition, event.start, event.stop)


def _value_of(columns: RecordColumns, i: int) -> bytes | None:
    headers: Mapping[str, bytes | None] = dict(headers_of(columns, i))
    return (headers[SOURCE.decode()] or b"") if SOURCE.decode() in headers else None


def _names_another(value: bytes, topic: str) -> bool:
    """Whether it is the place of a record of another topic."""
    found = _PLACE.fullmatch(value)
    return found is not None and found[1] != topic.encode()


def _numbers(partition: bytes | None, offset: bytes | None) -> tuple[int, int] | None:
    """Both where both are numbers that an offset can have."""
    if not (partition or b"").isdigit() or not (offset or b"").isdigit():
        return None
    found = int(partition or b""), int(offset or b"")
    return found if max(found) <= _LARGEST else None
