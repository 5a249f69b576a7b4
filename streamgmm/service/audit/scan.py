"""Reading stretches of a topic's partitions once. Damage and loss on the way are said and passed over."""

import time
from collections.abc import Callable, Mapping

from streamgmm.broker.interface import Broker, Reader
from streamgmm.errors import CorruptBatch, RecordsLost
from streamgmm.records.columns import RecordColumns

Take = Callable[[int, RecordColumns], None]


async def scan(
    broker: Broker, topic: str, begin: Mapping[int, int], end: Mapping[int, int], take: Take, *, patience: float
) -> list[str]:
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
) -> list[str]:
    notes: list[str] = []
    news = time.monotonic()
    while behind := [partition for partition, position in positions.items() if position < end[partition]]:
        try:
            fetched = await reader.fetch(timeout=0.5)
        except (RecordsLost, CorruptBatch) as error:
            positions[error.partition] = _behind(error)
            notes.append(_note(error))
            await reader.assign(positions)
            continue
        for partition, columns in fetched.items():
            take(partition, columns)
            positions[partition] = columns.position
        news = time.monotonic() if fetched else news
        if time.monotonic() - news > patience:
            stuck = ", ".join(f"{topic}/{p} from offset {positions[p]} to {end[p] - 1}" for p in behind)
            return [*notes, f"not readable: {stuck}: a transaction that is still open hides what follows"]
    return notes


def _behind(error: RecordsLost | CorruptBatch) -> int:
    """The offset to go on at. Raises the error where that is not further on."""
    further = error.next_offset if isinstance(error, CorruptBatch) else error.available
    if isinstance(error, RecordsLost) and further <= error.position:
        raise error
    return further


def _note(error: RecordsLost | CorruptBatch) -> str:
    if isinstance(error, CorruptBatch):
        return f"not readable: damaged at {error.topic}/{error.partition} offset {error.offset}: {error.why}"
    return (
        f"not readable: retention took {error.topic}/{error.partition} offsets {error.position} to "
        f"{error.available - 1} while the audit was reading"
    )
