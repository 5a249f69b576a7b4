"""Reading stretches of a topic's partitions once. Damage and loss on the way are said and passed over."""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from streamgmm.broker.interface import Broker, Reader
from streamgmm.errors import CorruptBatch, RecordsLost
from streamgmm.records.columns import RecordColumns

Take = Callable[[int, RecordColumns], None]


class Gap(NamedTuple):
    """Offsets `start` to `stop` (exclusive) that could not be read, and a line that says why."""

    partition: int
    start: int
    stop: int
    line: str


async def scan(
    broker: Broker, topic: str, begin: Mapping[int, int], end: Mapping[int, int], take: Take, *, patience: float
) -> list[Gap]:
    """Hand what is committed from `begin` to `end` (offsets by partition) to `take`; return what could not be read.

    `end` may lie behind an open transaction: it is given up when nothing has come for `patience` seconds. Raises
    RecordsLost where a partition ends before its `begin`.
    """
    positions = {partition: start for partition, start in begin.items() if start < end[partition]}
    reader = await broker.reader(topic)
    try:
        await reader.assign(positions)
        return await _read(reader, topic, positions, end, take, patience)
    finally:
        await reader.close()


async def _read(
    reader: Reader, topic: str, positions: dict[int, int], end: Mapping[int, int], take: Take, patience: float
) -> list[Gap]:
    gaps: list[Gap] = []
    news = time.monotonic()
    while behind := [partition for partition, position in positions.items() if position < end[partition]]:
        try:
            fetched = await reader.fetch(timeout=0.5)
        except (RecordsLost, CorruptBatch) as error:
            gaps.append(_gap(error, positions[error.partition], end[error.partition]))
            positions[error.partition] = _behind(error)
            await reader.assign(positions)
            continue
        for partition, columns in fetched.items():
            take(partition, columns)
            positions[partition] = columns.position
        news = time.monotonic() if fetched else news
        if time.monotonic() - news > patience:
            return [*gaps, *(_hidden(topic, p, positions[p], end[p]) for p in behind)]
    return gaps


def _behind(error: RecordsLost | CorruptBatch) -> int:
    """The offset to go on at. Raises the error where that is not further on."""
    further = error.next_offset if isinstance(error, CorruptBatch) else error.available
    if isinstance(error, RecordsLost) and further <= error.position:
        raise error
    return further


def _gap(error: RecordsLost | CorruptBatch, position: int, end: int) -> Gap:
    where = f"{error.topic}/{error.partition}"
    if isinstance(error, CorruptBatch):
        start, stop = max(error.offset, position), min(error.next_offset, end)
        return Gap(error.partition, start, stop, f"damaged at {where} offset {error.offset}: {error.why}")
    taken = f"retention took {where} offsets {error.position} to {error.available - 1} while the audit was reading"
    return Gap(error.partition, position, min(error.available, end), taken)


def _hidden(topic: str, partition: int, start: int, stop: int) -> Gap:
    line = f"{topic}/{partition} from offset {start} to {stop - 1}: a transaction that is still open hides what follows"
    return Gap(partition, start, stop, line)
