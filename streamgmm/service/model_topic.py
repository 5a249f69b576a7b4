"""The model topic: checkpoints in parts, progress since the last one, and claims that say which learner has the model.

A claim is written by every learner that takes over. What counts is the newest complete checkpoint at or before the
own claim, and whether another learner's claim follows it. The topic is read read_committed until the own claim's
offset has passed, never until `end_offsets`: that is the last stable offset, and another program's open transaction
would hide checkpoints behind it.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence

from streamgmm.broker.interface import Broker, Reader, Writer
from streamgmm.errors import BrokerUnavailable
from streamgmm.records.columns import Record, RecordColumns, of_records, records_of
from streamgmm.service.claim import Claim, claim_value, claimed, decode_claim, fenced
from streamgmm.service.collected import Collected, Found, Keys
from streamgmm.settings import Settings

__all__ = [
    "Claim",
    "Found",
    "Keys",
    "claim_value",
    "claimed",
    "fenced",
    "keys_held",
    "newest",
    "publish",
    "read_until",
    "refuse_if_claimed",
    "transactional_id",
]

_OPEN_FOR = 3.0  # seconds
_FIRST_SPAN = 128  # offsets: the newest checkpoint nearly always lies this close to the end


def transactional_id(settings: Settings) -> str:
    """What fences: the same for every learner of a model."""
    return f"{settings.delivery.prefix}.{settings.output_topic}.{settings.model.name}"


async def publish(writer: Writer, topic: str, records: Sequence[tuple[bytes, bytes | None]]) -> int:
    """Write keys with their values in a transaction of their own; returns the first record's offset."""
    now = time.time_ns() // 1_000_000
    columns = of_records([Record(i, now, key, value) for i, (key, value) in enumerate(records)], len(records))
    await writer.begin()
    sent = await writer.send(topic, 0, columns)
    await writer.commit()
    return await sent


async def read_until(broker: Broker, topic: str, model: str, offset: int, patience: float) -> Found:
    """What was committed up to and including `offset` (the own claim's), and a claim that follows it if there is one.

    Raises BrokerUnavailable when the offset does not appear within `patience` seconds.
    """
    first = (await broker.offsets(topic, "earliest"))[0]
    reader = await broker.reader(topic)
    try:
        for start in _starts(first, offset):
            found = await _read(reader, topic, model, start, offset, patience)
            if found.checkpoint is not None or start == first:
                break
    finally:
        await reader.close()
    return found


async def newest(broker: Broker, topic: str, model: str, *, open_for: float = _OPEN_FOR) -> Found:
    """What is committed now, as far as no open transaction hides it: for looking, not for taking over.

    A transaction that is being committed, or whose end Kafka has still to write, is waited for, `open_for` seconds.
    """
    if await broker.topic(topic) is None:
        return Found()
    end = await _settled_end(broker, topic, open_for)
    return await read_until(broker, topic, model, end - 1, patience=10.0) if end else Found()


async def _settled_end(broker: Broker, topic: str, open_for: float) -> int:
    """The stable end, once it has come to what is written now, or after so many seconds."""
    written = (await broker.offsets(topic, "latest", isolation="read_uncommitted"))[0]
    deadline = time.monotonic() + open_for
    while True:
        end = (await broker.offsets(topic, "latest"))[0]
        if end >= written or time.monotonic() >= deadline:
            return end
        await asyncio.sleep(0.02)


async def keys_held(broker: Broker, topic: str, model: str) -> list[bytes]:
    """The keys that the topic holds of a model, whatever their values are; claims come last."""
    first, end = (await broker.offsets(topic, "earliest"))[0], (await broker.offsets(topic, "latest"))[0]
    keys, held, position = Keys(model), dict[bytes, bool](), first
    reader = await broker.reader(topic)
    try:
        await reader.assign({0: first})
        while position < end:
            for columns in (await reader.fetch(timeout=0.1)).values():
                position = columns.position
                for record in records_of(columns):
                    if record.key is not None and record.key.startswith(f"{model}/".encode()):
                        held[record.key] = record.value is not None
    finally:
        await reader.close()
    return sorted((key for key, present in held.items() if present), key=lambda key: key == keys.claim)


def _starts(first: int, offset: int) -> Iterator[int]:
    """Where to start reading: near the end, then further back in doubling steps, at last from the first record."""
    span = _FIRST_SPAN
    while offset - span > first:
        yield offset - span
        span *= 2
    yield first


async def _read(reader: Reader, topic: str, model: str, start: int, offset: int, patience: float) -> Found:
    await reader.assign({0: start})
    collected = Collected(topic, Keys(model), offset)
    deadline = time.monotonic() + patience
    while collected.position <= offset:
        if time.monotonic() > deadline:
            raise BrokerUnavailable(
                f"offset {offset} of {topic} could not be read within {patience:.0f} s: the reader stands at "
                f"{collected.position}. Another program's open transaction on the topic may hide it"
            )
        columns = (await reader.fetch(timeout=0.1)).get(0)
        if columns is not None:
            collected.take(columns)
    return collected.found()


async def refuse_if_claimed(broker: Broker, topic: str, model: str, claim: tuple[int, Claim], seconds: float) -> None:
    """Look `seconds` long for another learner's claim behind the own one; raise Fenced if there is one.

    Uncommitted records are read too: another program's open transaction would hide a successor.
    """
    offset, own = claim
    reader = await broker.reader(topic, isolation="read_uncommitted")
    deadline = time.monotonic() + seconds
    try:
        await reader.assign({0: offset + 1})
        while time.monotonic() < deadline:
            for columns in (await reader.fetch(timeout=0.1)).values():
                _refuse(columns, Keys(model), own, topic)
    finally:
        await reader.close()


def _refuse(columns: RecordColumns, keys: Keys, own: Claim, topic: str) -> None:
    for record in records_of(columns):
        if record.key != keys.claim or record.value is None:
            continue
        other = decode_claim(record, topic)
        if other.instance != own.instance:
            raise fenced(keys.model, other)
