"""The model topic: checkpoints in parts, progress since the last one, and claims that say which learner has the model.

A claim is written by every learner that takes over. What counts is the newest complete checkpoint at or before the
own claim, and whether another learner's claim follows it. The topic is read read_committed until the own claim's
offset has passed, never until `end_offsets`: that is the last stable offset, and another program's open transaction
would hide checkpoints behind it.
"""

import asyncio
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from streamgmm import __version__
from streamgmm.broker.interface import Broker, Reader, Writer
from streamgmm.errors import BrokerUnavailable, Fenced, StateLost
from streamgmm.records.columns import Record, RecordColumns, of_records, records_of
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service import progress as progress_records
from streamgmm.service.checkpoint import Checkpoint, Part
from streamgmm.service.plain import from_plain, to_plain
from streamgmm.service.progress import Progress
from streamgmm.settings import Settings

_OPEN_FOR = 3.0  # seconds
_FIRST_SPAN = 128  # offsets: the newest checkpoint nearly always lies this close to the end


class Claim(NamedTuple):
    """A learner's word that it has the model. `started`: a checkpoint of this model has been committed."""

    instance: str
    process: int
    version: str
    time: int  # milliseconds, for people
    started: bool


def claimed(*, started: bool) -> Claim:
    """A claim of a new instance in this process."""
    return Claim(uuid.uuid4().hex, os.getpid(), __version__, time.time_ns() // 1_000_000, started)


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


class Found(NamedTuple):
    """What the model topic holds of one model."""

    checkpoint: Checkpoint | None = None
    progress: tuple[Progress, ...] = ()  # since the checkpoint
    traces: bool = False  # of an earlier start: a part, a progress record, or a claim with `started`
    later_claim: Claim | None = None  # behind the offset that was read until

    @property
    def reached(self) -> Checkpoint | None:
        """The checkpoint with the positions and totals that its progress has come to; its model is not."""
        if self.checkpoint is None or not self.progress:
            return self.checkpoint
        behind = {span.partition: span.stop for record in self.progress for span in record.learnt}
        positions = {**self.checkpoint.positions, **behind}
        return self.checkpoint._replace(positions=positions, totals=self.progress[-1].totals)


class Keys(NamedTuple):
    """The keys of one model's records."""

    model: str

    @property
    def claim(self) -> bytes:
        """Key of the claims."""
        return f"{self.model}/claim".encode()

    def part(self, index: int) -> bytes:
        """Key of the index-th part of a checkpoint."""
        return f"{self.model}/{index}".encode()

    def progress(self, number: int) -> bytes:
        """Key of the number-th progress record since a checkpoint."""
        return f"{self.model}/progress/{number}".encode()

    def before(self, action: str, index: int) -> bytes:
        """Key of the index-th part of the model as it was before an action last changed it."""
        return f"{self.model}/before/{action}/{index}".encode()

    def is_part(self, key: bytes | None) -> bool:
        """Whether a record is part of a checkpoint."""
        prefix = f"{self.model}/".encode()
        return key is not None and key.startswith(prefix) and key[len(prefix) :].isdigit()

    def is_progress(self, key: bytes | None) -> bool:
        """Whether a record is progress since a large checkpoint."""
        return key is not None and key.startswith(f"{self.model}/progress/".encode())


def claim_value(claim: Claim) -> bytes:
    """The value of a claim's record."""
    return msgspec.msgpack.encode(to_plain(claim))


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
    collected = _Collected(topic, Keys(model), offset)
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


class _Collected:
    """The parts and claims met on the way to an offset."""

    def __init__(self, topic: str, keys: Keys, offset: int) -> None:
        self.topic, self.keys, self.offset = topic, keys, offset
        self.position = -1
        self.later: Claim | None = None
        self.forget()

    def forget(self) -> None:
        """`model reset` has removed the model: what came before does not count."""
        self.open: dict[int, Part] = {}  # of the checkpoint that is being read
        self.complete: tuple[list[Part], int] | None = None
        self.progress: list[Progress] = []  # since the complete one
        self.traces = False
        self.damage: StateLost | None = None  # met behind the last complete checkpoint

    def take(self, columns: RecordColumns) -> None:
        """Take in what was read."""
        for record in records_of(columns):
            try:
                self._record(record)
            except StateLost as error:
                self.damage = error
        self.position = columns.position

    def _record(self, record: Record) -> None:
        if self.keys.is_part(record.key):
            self._part(record)
        elif self.keys.is_progress(record.key):
            self._progress(record)
        elif record.key == self.keys.claim:
            self._claim(record)

    def _part(self, record: Record) -> None:
        if record.value is None or record.offset > self.offset:
            return
        self.traces = True
        part = checkpoints.decode_part(record.value, f"{self.topic} offset {record.offset}")
        if self.open and next(iter(self.open.values())).checkpoint != part.checkpoint:
            self.open = {}
        self.open[part.part] = part
        if len(self.open) == part.parts:
            self.complete, self.open, self.damage = (list(self.open.values()), record.offset), {}, None
            self.progress = []

    def _progress(self, record: Record) -> None:
        if record.value is None or record.offset > self.offset:
            return
        self.traces = True
        progress = progress_records.decode(record.value, f"{self.topic} offset {record.offset}")
        if self.complete is None or self.complete[0][0].checkpoint != progress.checkpoint:
            return
        if progress.number != len(self.progress):
            raise StateLost(
                f"{self.topic} offset {record.offset} is progress record {progress.number} of a checkpoint, and number "
                f"{len(self.progress)} is missing. {checkpoints.MEND}"
            )
        self.progress.append(progress)

    def _claim(self, record: Record) -> None:
        if record.value is None:
            self.forget()
            return
        claim = decode_claim(record, self.topic)
        if record.offset > self.offset:
            self.later = claim
        self.traces = self.traces or claim.started

    def found(self) -> Found:
        """What it comes to. Raises StateLost where what is newest is damaged."""
        if self.damage is not None:
            raise self.damage
        if self.complete is None:
            return Found(traces=self.traces, later_claim=self.later)
        parts, offset = self.complete
        checkpoint = checkpoints.decode(parts, f"{self.topic} offset {offset}")
        return Found(checkpoint, tuple(self.progress), self.traces, self.later)


def decode_claim(record: Record, topic: str) -> Claim:
    """The claim in a record. Raises StateLost if it is none."""
    try:
        claim: Claim = from_plain(Claim, msgspec.msgpack.decode(record.value or b""))
    except (ValueError, TypeError, msgspec.DecodeError) as error:
        raise StateLost(f"{topic} offset {record.offset} is not a claim: {error}. {checkpoints.MEND}") from error
    return claim


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


def fenced(model: str, other: Claim) -> Fenced:
    """The error that names who has taken over."""
    since = time.strftime("%H:%M:%S", time.localtime(other.time / 1000))
    return Fenced(
        f"model {model!r} has been taken over by learner {other.instance} (process {other.process}, version "
        f"{other.version}, at {since}). One model has one learner: this one stops, and must not be restarted while "
        "the other runs"
    )
