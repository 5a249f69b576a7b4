"""Taking over a model: what a learner does before its first round, in the order that exactly-once asks for.

1. Look at the newest checkpoint, and refuse settings that contradict it: a learner that would fail must not disturb
   the one that runs.
2. Open the transactional writer: this fences a predecessor and aborts its open transaction.
3. Write a claim. 4. Read the model topic until the claim: nothing can follow it but another learner's claim.
5. Read again what a warm-up had buffered, and go to the positions of the checkpoint.
"""

import asyncio
import os
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streamgmm import __version__
from streamgmm.broker.interface import Broker, Reader, Writer
from streamgmm.engine import step as engine
from streamgmm.engine import warm_up
from streamgmm.engine.plan import Plan
from streamgmm.engine.values import Event, Range, State
from streamgmm.errors import RecordsLost, StateLost
from streamgmm.records.columns import Record, of_records
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service import model_topic
from streamgmm.service.checkpoint import Checkpoint, Partitions
from streamgmm.service.model_topic import Claim, Found, Keys
from streamgmm.service.topics import Topics
from streamgmm.settings import Settings


class Ground(NamedTuple):
    """What a session stands on."""

    settings: Settings
    plan: Plan
    broker: Broker
    topics: Topics


class Session(NamedTuple):
    """A model taken over, ready for its first round."""

    ground: Ground
    reader: Reader
    writer: Writer
    at_once: Writer | None  # at_least_once: publishes assignments as soon as they are computed
    claim: tuple[int, Claim]  # with its offset
    start: Mapping[int, int]
    partitions: Partitions
    state: State
    events: tuple[Event, ...]  # of the restore, to be published with the first transaction

    async def close(self) -> None:
        """Give everything up; an open transaction is left to be aborted."""
        for part in (self.reader, self.writer, self.at_once):
            if part is not None:
                await part.close()


class Start(NamedTuple):
    """Where to begin: a checkpoint's state or a fresh one."""

    state: State
    start: Mapping[int, int]
    partitions: Partitions
    buffered: tuple[Range, ...]


async def take_over(ground: Ground) -> Session:
    """Take the model over. Raises what `errors` says: SettingsError, StateLost, Fenced, BrokerUnavailable, ..."""
    seen = await model_topic.newest(ground.broker, ground.topics.model.name, ground.settings.model.name)
    _refuse(seen, ground.settings)
    writer = await ground.broker.writer(transactional_id(ground.settings))
    try:
        return await _claimed(ground, writer, _claim(started=seen.traces))
    except BaseException:
        await writer.close()
        raise


async def _claimed(ground: Ground, writer: Writer, claim: Claim) -> Session:
    """Write the claim, read up to it, and begin where the newest checkpoint ends."""
    topic, name = ground.topics.model.name, ground.settings.model.name
    offset = await publish(writer, topic, [(Keys(name).claim, model_topic.claim_value(claim))])
    patience = ground.settings.broker.transaction_timeout + 10
    found = await model_topic.read_until(ground.broker, topic, name, offset, patience)
    if found.later_claim is not None:
        raise model_topic.fenced(name, found.later_claim)
    begin = _restored(found, ground.settings, topic) or await _first_start(ground, writer, claim)
    return await _ready(ground, writer, (offset, claim), begin)


def transactional_id(settings: Settings) -> str:
    """What fences: the same for every learner of this model."""
    return f"{settings.delivery.prefix}.{settings.output_topic}.{settings.model.name}"


def _claim(*, started: bool) -> Claim:
    return Claim(uuid.uuid4().hex, os.getpid(), __version__, time.time_ns() // 1_000_000, started)


def _refuse(found: Found, settings: Settings) -> None:
    if found.checkpoint is not None:
        checkpoints.refuse_contradictions(found.checkpoint, settings)


def _restored(found: Found, settings: Settings, topic: str) -> Start | None:
    if found.checkpoint is not None:
        _refuse(found, settings)
        held: Checkpoint = found.checkpoint
        return Start(checkpoints.state_of(held), held.start, held.output_partitions, held.buffered)
    if found.traces:
        raise StateLost(
            f"model {settings.model.name!r} has been started before, but topic {topic} holds no complete checkpoint of "
            "it. Bring the topic back from a backup, or start anew and publish again what was published "
            "(streamgmm model reset --positions forget)"
        )
    return None


async def _first_start(ground: Ground, writer: Writer, claim: Claim) -> Start:
    """Commit an empty checkpoint with the resolved start before the first fetch: a crash then skips nothing."""
    settings, topics = ground.settings, ground.topics
    positions = await ground.broker.offsets(settings.input.topic, settings.input.start)
    partitions = Partitions(topics.assignments.partitions, topics.dead_letters.partitions)
    state = engine.init(positions, n_features(settings))
    empty = checkpoints.of(state, settings, positions, partitions)
    keys = Keys(settings.model.name)
    parts = checkpoints.encode(empty, uuid.uuid4().hex, part_bytes(topics))
    records = [(keys.part(i), part) for i, part in enumerate(parts)]
    started = (keys.claim, model_topic.claim_value(claim._replace(started=True)))
    await publish(writer, topics.model.name, [*records, started])
    return Start(state, positions, partitions, ())


def n_features(settings: Settings) -> int | None:
    """The number of features where the settings say it."""
    declared = settings.input.features
    return settings.model.n_features if isinstance(declared, str) else len(declared)


def part_bytes(topics: Topics) -> int:
    """How large a part of a checkpoint may be: its record carries a key and a header besides."""
    return int(topics.model.config.get("max.message.bytes", 1_048_588)) - 1024


async def publish(writer: Writer, topic: str, records: Sequence[tuple[bytes, bytes | None]]) -> int:
    """One transaction of its own; returns the first record's offset."""
    now = time.time_ns() // 1_000_000
    columns = of_records([Record(i, now, key, value) for i, (key, value) in enumerate(records)], len(records))
    await writer.begin()
    sent = await writer.send(topic, 0, columns)
    await writer.commit()
    return await sent


async def _ready(ground: Ground, writer: Writer, claim: tuple[int, Claim], begin: Start) -> Session:
    topic = ground.settings.input.topic
    reader = await ground.broker.reader(topic)
    at_once = await ground.broker.writer() if ground.settings.delivery.mode == "at_least_once" else None
    state = begin.state
    events: tuple[Event, ...] = ()
    for span in begin.buffered:
        state, more = await _buffer_again(ground, reader, state, span)
        events += more
    state = await _with_new_partitions(state, ground.broker, topic)
    await reader.assign(state.positions)
    return Session(ground, reader, writer, at_once, claim, begin.start, begin.partitions, state, events)


async def _with_new_partitions(state: State, broker: Broker, topic: str) -> State:
    """Partitions that came after the checkpoint are read from their beginning."""
    earliest = await broker.offsets(topic, "earliest")
    new = {partition: offset for partition, offset in earliest.items() if partition not in state.positions}
    return state._replace(positions={**state.positions, **new})


async def _buffer_again(ground: Ground, reader: Reader, state: State, span: Range) -> tuple[State, tuple[Event, ...]]:
    """Read again a range that the warm-up had buffered; what retention took of it is lost input."""
    events: tuple[Event, ...] = ()
    position = span.start
    await reader.assign({span.partition: position})
    while position < span.stop:
        try:
            fetched = await reader.fetch(timeout=0.5)
        except RecordsLost as lost:
            if ground.settings.input.on_lost_records == "stop" or lost.available < position:
                raise
            position = min(lost.available, span.stop)
            fields = {"partition": span.partition, "start": span.start, "stop": position, "reason": "lost"}
            events = (*events, Event("records_skipped", fields))
            await reader.assign({span.partition: position})
            continue
        for columns in fetched.values():
            state = warm_up.buffer_again(ground.plan, state, span.partition, columns, span.stop)
            position = columns.position
    return state, events


async def refuse_if_claimed(session: Session, seconds: float) -> None:
    """After a failed transaction: look `seconds` long for a successor. Raises Fenced if there is one."""
    ground = session.ground
    name, topic = ground.settings.model.name, ground.topics.model.name
    looking = model_topic.refuse_if_claimed(ground.broker, topic, name, session.claim, seconds)
    await asyncio.wait_for(looking, seconds + 15)
