"""From a report to records on topics: which partition, and what the output would refuse.

Assignments and dead letters keep their input's partition where the topics have the same number of partitions, else
they go by their key. A timestamp that the topic refuses is clamped, and the original kept in a header.
"""

import time
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from streamgmm.broker.interface import DEFAULT_MESSAGE_BYTES, Send, Topic
from streamgmm.engine.values import Event, Outgoing
from streamgmm.errors import InputUnusable
from streamgmm.records import columns, headers
from streamgmm.records.columns import Record, RecordColumns
from streamgmm.records.partition import route

EVENTS_SCHEMA = 1  # of `events.schema.json`: raised when a field goes, or means something else
ORIGINAL_TIMESTAMP = b"streamgmm-timestamp"  # header: milliseconds as text
TOGETHER_BYTES = 1 << 20  # that are copied so as to leave in one batch
_OVERHEAD = 256  # bytes of a record and its batch besides key, value and headers; a clamped timestamp's header too


def sends(outgoing: Sequence[Outgoing], target: Topic, source_count: int, count: int) -> Iterator[Send]:
    """Where records go that came from the input's partitions.

    `source_count` and `count` are the partitions of input and target at the first start. A partition that the input
    got later goes by key: the target has none of its number.
    """
    now, by_partition = now_ms(), dict[int, list[RecordColumns]]()
    for part in (out for out in outgoing if len(out.columns.offsets)):
        accepted, known = clamped(part.columns, target, now), part.partition < source_count
        for partition, routed in route(accepted, part.partition, source_count if known else 0, count).items():
            by_partition.setdefault(partition, []).append(routed)
    for partition, parts in by_partition.items():
        for together in _few(parts):
            yield Send(target.name, partition, together)


def _few(parts: Sequence[RecordColumns]) -> Iterator[RecordColumns]:
    """Small neighbours joined: each that leaves by itself is a batch, and takes a round trip."""
    waiting, size = list[RecordColumns](), 0
    for part in parts:
        if waiting and size + columns.nbytes(part) > TOGETHER_BYTES:
            yield columns.concatenate(waiting)
            waiting, size = [], 0
        waiting.append(part)
        size += columns.nbytes(part)
    yield columns.concatenate(waiting)


def events_send(events: tuple[Event, ...], target: Topic, model: str, now: int) -> Iterator[Send]:
    """Events as JSON, each with its type, model and time, and the version of the schema that describes it."""
    if events:
        common = {"model": model, "time": now, "schema": EVENTS_SCHEMA}
        values = [msgspec.json.encode({**e.fields, "type": e.type, **common}) for e in events]
        records = [Record(i, now, model.encode(), value) for i, value in enumerate(values)]
        yield Send(target.name, 0, columns.of_records(records, len(records)))


def parts_send(parts: list[tuple[bytes, bytes]], target: Topic, now: int) -> Send:
    """A checkpoint's parts, by their keys."""
    records = [Record(i, now, key, value) for i, (key, value) in enumerate(parts)]
    return Send(target.name, 0, columns.of_records(records, len(records)))


def clamped(records: RecordColumns, target: Topic, now: int) -> RecordColumns:
    """Timestamps brought within what the topic accepts of its clock; the original goes into a header."""
    lowest, highest = _accepted(target, now)
    within = (records.timestamps >= lowest) & (records.timestamps <= highest)
    if within.all():
        return records
    inside, outside = np.flatnonzero(within), np.flatnonzero(~within)
    originals = columns.slices_of([str(time).encode() for time in records.timestamps[outside].tolist()])
    marked = headers.append(columns.take(records, outside), ORIGINAL_TIMESTAMP, originals)
    both = columns.concatenate([columns.take(records, inside), marked])
    ordered = columns.take(both, np.argsort(np.concatenate([inside, outside])))
    times = columns.frozen(np.clip(records.timestamps, lowest, max(lowest, highest)))
    return ordered._replace(timestamps=times, position=records.position)


def _accepted(target: Topic, now: int) -> tuple[int, int]:
    before = int(target.config.get("message.timestamp.before.max.ms", 2**63 - 1))
    after = int(target.config.get("message.timestamp.after.max.ms", 3_600_000))
    margin = 10_000  # the broker's clock may differ from ours
    return max(now - before + margin, 0), min(now + after - margin, 2**63 - 1)


def largest_record(target: Topic) -> int:
    """Bytes that a record's key, value and headers may have together."""
    return int(target.config.get("max.message.bytes", DEFAULT_MESSAGE_BYTES)) - _OVERHEAD


def refuse_too_large(letters: Sequence[Outgoing], target: Topic, source: str) -> None:
    """Raise InputUnusable, naming the offset, for a dead letter above the topic's message size."""
    limit = largest_record(target)
    for part in letters:
        for row in np.flatnonzero(columns.sizes(part.columns) > limit):
            raise InputUnusable(
                f"the record at {source}/{part.partition} offset {part.columns.offsets[row]} has to be set aside, but "
                f"topic {target.name} takes at most {limit} bytes. Raise its max.message.bytes above the input's"
            )


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
