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
from collections.abc import Mapping
from typing import NamedTuple

from streamgmm import __version__
from streamgmm.broker.interface import Broker, Reader, Writer
from streamgmm.engine import step as engine
from streamgmm.engine import warm_up
from streamgmm.engine.plan import Plan
from streamgmm.engine.values import Event, Range, Report, State
from streamgmm.errors import RecordsLost, StateLost
from streamgmm.records.columns import Record, of_records
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service import model_topic
from streamgmm.service.checkpoint import Checkpoint, Partitions
from streamgmm.service.model_topic import Claim, Found, Keys
from streamgmm.service.topics import Topics
from streamgmm.settings import Settings


class Session(NamedTuple):
    """A model taken over, ready for its first round."""

    broker: Broker
    topics: Topics
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


async def take_over(settings: Settings, plan: Plan, broker: Broker, topics: Topics) -> Session:
    """Take the model over. Raises what `errors` says: SettingsError, StateLost, Fenced, BrokerUnavailable, ..."""
    topic, name = topics.model.name, settings.model.name
    seen = await model_topic.newest(broker, topic, name)
    _refuse(seen, settings)
    writer = await broker.writer(transactional_id(settings))
    try:
        claim = _claim(started=seen.traces)
        offset = await _publish(writer, topic, [(Keys(name).claim, model_topic.claim_value(claim))])
        found = await model_topic.read_until(broker, topic, name, offset, settings.broker.transaction_timeout + 10)
        if found.later_claim is not None:
            raise model_topic.fenced(name, found.later_claim)
        begin = _restored(found, settings, topic) or await _first_start(settings, broker, topics, writer, claim)
        return await _ready(settings, plan, broker, topics, writer, (offset, claim), begin)
    except BaseException:
        await writer.close()
        raise


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


async def _first_start(settings: Settings, broker: Broker, topics: Topics, writer: Writer, claim: Claim) -> Start:
    """Commit an empty checkpoint with the resolved start before the first fetch: a crash then skips nothing."""
    at = settings.input.start
    positions = await broker.offsets(settings.input.topic, at)
    partitions = Partitions(topics.assignments.partitions, topics.dead_letters.partitions)
    state = engine.init(positions, n_features(settings))
    empty = checkpoints.of(state, settings, positions, partitions)
    keys = Keys(settings.model.name)
    parts = checkpoints.encode(empty, uuid.uuid4().hex, part_bytes(topics))
    records = [(keys.part(i), part) for i, part in enumerate(parts)]
    started = (keys.claim, model_topic.claim_value(claim._replace(started=True)))
    await _publish(writer, topics.model.name, [*records, started])
    return Start(state, positions, partitions, ())


def n_features(settings: Settings) -> int | None:
    """The number of features where the settings say it."""
    declared = settings.input.features
    return settings.model.n_features if isinstance(declared, str) else len(declared)


def part_bytes(topics: Topics) -> int:
    """How large a part of a checkpoint may be: its record carries a key and a header besides."""
    return int(topics.model.config.get("max.message.bytes", 1_048_588)) - 1024


async def _publish(writer: Writer, topic: str, records: list[tuple[bytes, bytes]]) -> int:
    """One transaction of its own; returns the first record's offset."""
    now = time.time_ns() // 1_000_000
    columns = of_records([Record(i, now, key, value) for i, (key, value) in enumerate(records)], len(records))
    await writer.begin()
    sent = await writer.send(topic, 0, columns)
    await writer.commit()
    return await sent


async def _ready(  # noqa: PLR0913 - it gathers what the session is made of
    settings: Settings,
    plan: Plan,
    broker: Broker,
    topics: Topics,
    writer: Writer,
    claim: tuple[int, Claim],
    begin: Start,
) -> Session:
    reader = await broker.reader(settings.input.topic)
    at_once = await broker.writer() if settings.delivery.mode == "at_least_once" else None
    state, report = begin.state, Report()
    for span in begin.buffered:
        state, more = await _buffer_again(settings, plan, reader, state, span)
        report = report._replace(events=report.events + more)
    state = await _with_new_partitions(state, broker, settings.input.topic)
    await reader.assign(state.positions)
    return Session(broker, topics, reader, writer, at_once, claim, begin.start, begin.partitions, state, report.events)


async def _with_new_partitions(state: State, broker: Broker, topic: str) -> State:
    """Partitions that came after the checkpoint are read from their beginning."""
    earliest = await broker.offsets(topic, "earliest")
    new = {partition: offset for partition, offset in earliest.items() if partition not in state.positions}
    return state._replace(positions={**state.positions, **new})


async def _buffer_again(
    settings: Settings, plan: Plan, reader: Reader, state: State, span: Range
) -> tuple[State, tuple[Event, ...]]:
    """Read again a range that the warm-up had buffered; what retention took of it is lost input."""
    events: tuple[Event, ...] = ()
    position = span.start
    await reader.assign({span.partition: position})
    while position < span.stop:
        try:
            fetched = await reader.fetch(timeout=0.5)
        except RecordsLost as lost:
            if settings.input.on_lost_records == "stop" or lost.available < position:
                raise
            position = min(lost.available, span.stop)
            fields = {"partition": span.partition, "start": span.start, "stop": position, "reason": "lost"}
            events = (*events, Event("records_skipped", fields))
            await reader.assign({span.partition: position})
            continue
        for columns in fetched.values():
            state = warm_up.buffer_again(plan, state, span.partition, columns, span.stop)
            position = columns.position
    return state, events


async def refuse_if_claimed(session: Session, settings: Settings) -> None:
    """After a failed transaction: look 5 s for a successor. Raises Fenced if there is one."""
    topic = session.topics.model.name
    await asyncio.wait_for(
        model_topic.refuse_if_claimed(session.broker, topic, settings.model.name, session.claim, seconds=5.0), 30
    )
