"""Taking over a model: what a learner does before its first round, in the order that exactly-once asks for.

1. Look at the newest checkpoint, and refuse settings that contradict it: a learner that would fail must not disturb
   the one that runs.
2. Open the transactional writer: this fences a predecessor and aborts its open transaction.
3. Write a claim. 4. Read the model topic until the claim: nothing can follow it but another learner's claim.
5. Read again what a warm-up had buffered, learn again what was learnt after a large checkpoint, and go to the positions
   reached.
"""

import uuid
from collections.abc import Callable
from typing import NamedTuple

from streamgmm.broker.interface import Broker, Reader, Writer
from streamgmm.engine import plan as plans
from streamgmm.engine import step as engine
from streamgmm.engine.plan import Plan
from streamgmm.engine.values import Event, Range, State
from streamgmm.engine.watching import unwatched
from streamgmm.errors import StateLost
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service import frozen, model_topic
from streamgmm.service.buffered import read_again
from streamgmm.service.checkpoint import Origin, Partitions
from streamgmm.service.model_topic import Claim, Found, Keys
from streamgmm.service.progress import Progress
from streamgmm.service.relearn import relearn
from streamgmm.service.topics import Topics
from streamgmm.settings import Settings


class Ground(NamedTuple):
    """What a session stands on."""

    settings: Settings
    plan: Plan
    broker: Broker
    topics: Topics


class OwnClaim(NamedTuple):
    """A claim that this learner has written, and where."""

    offset: int
    claim: Claim


class Session(NamedTuple):
    """A model taken over, ready for its first round."""

    ground: Ground
    reader: Reader
    writer: Writer
    at_once: Writer | None  # at_least_once: publishes assignments as soon as they are computed
    claim: OwnClaim
    origin: Origin
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
    origin: Origin
    buffered: tuple[Range, ...] = ()
    progress: tuple[Progress, ...] = ()  # since the checkpoint
    settings: Settings | None = None  # that it was learnt by
    events: tuple[Event, ...] = ()  # of what the settings have changed since


async def take_over(ground: Ground, claimed: Callable[[], None] = lambda: None) -> Session:
    """Take the model over. Raises what `errors` says: SettingsError, StateLost, Fenced, BrokerUnavailable, ...

    `claimed` is called once the broker has taken the claim.
    """
    topic, name = ground.topics.model.name, ground.settings.model.name
    seen = await model_topic.newest(ground.broker, topic, name, open_for=0.0)  # what is open the writer ends
    _refuse(seen, ground.settings)
    if seen.checkpoint is not None or not seen.traces:
        frozen.refuse_without_model(seen.checkpoint, ground.settings)
    writer = await ground.broker.writer(
        model_topic.transactional_id(ground.settings), compression=ground.settings.output.compression
    )
    try:
        return await _claimed(ground, writer, model_topic.claimed(started=seen.traces), claimed)
    except BaseException:
        await writer.close()
        raise


async def _claimed(ground: Ground, writer: Writer, claim: Claim, told: Callable[[], None]) -> Session:
    """Write the claim, read up to it, and begin where the newest checkpoint ends."""
    topic, name = ground.topics.model.name, ground.settings.model.name
    offset = await model_topic.publish(writer, topic, [(Keys(name).claim, model_topic.claim_value(claim))])
    told()
    patience = ground.settings.broker.transaction_timeout + 10
    found = await model_topic.read_until(ground.broker, topic, name, offset, patience)
    if found.later_claim is not None:
        raise model_topic.fenced(name, found.later_claim)
    begin = _restored(found, ground.settings, topic) or await _first_start(ground, writer, claim)
    return await _ready(ground, writer, OwnClaim(offset, claim), begin)


def _refuse(found: Found, settings: Settings) -> None:
    if found.checkpoint is not None:
        checkpoints.refuse_contradictions(found.checkpoint, settings)


def _restored(found: Found, settings: Settings, topic: str) -> Start | None:
    if found.checkpoint is not None:
        _refuse(found, settings)
        held = found.checkpoint
        state = checkpoints.state_of(held)._replace(n_features=held.n_features or settings.n_features)
        learnt_by = checkpoints.settings_of(held, settings) if found.progress else None
        changed = frozen.changed(held, settings)
        return Start(state, checkpoints.origin_of(held), held.buffered, found.progress, learnt_by, changed)
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
    origin = await origin_now(settings, ground.broker, topics)
    state = engine.init(origin.start, settings.n_features)
    empty = checkpoints.of(state, settings, origin)
    keys = Keys(settings.model.name)
    parts = checkpoints.encode(empty, uuid.uuid4().hex, checkpoints.part_bytes(topics.model))
    records = [(keys.part(i), part) for i, part in enumerate(parts)]
    started = (keys.claim, model_topic.claim_value(claim._replace(started=True)))
    await model_topic.publish(writer, topics.model.name, [*records, started])
    return Start(state, origin)


async def origin_now(settings: Settings, broker: Broker, topics: Topics) -> Origin:
    """Where a model begins that is started now."""
    outputs = {"assignments": topics.assignments, "dead_letters": topics.dead_letters, "events": topics.events}
    ends = {
        role: await broker.offsets(topic.name, "latest", isolation="read_uncommitted")
        for role, topic in outputs.items()
    }
    counts = Partitions(topics.input.partitions, topics.assignments.partitions, topics.dead_letters.partitions)
    return Origin(await broker.offsets(settings.input.topic, settings.input.start), ends, counts)


async def _ready(ground: Ground, writer: Writer, claim: OwnClaim, begin: Start) -> Session:
    settings = ground.settings
    reader = await ground.broker.reader(settings.input.topic, check_crcs=settings.input.check_crcs)
    at_once = (
        await ground.broker.writer(compression=settings.output.compression)
        if settings.delivery.mode == "at_least_once"
        else None
    )
    state, events = await read_again(reader, ground.plan, begin.state, begin.buffered, settings.input)
    if begin.settings is not None:
        plan = plans.plan(begin.settings, largest_record=ground.plan.largest_record)
        state = await relearn(reader, plan, state, begin.progress, settings.input.topic)
    state, silenced = unwatched(ground.plan, state)
    state = await _with_new_partitions(state, ground.broker, settings.input.topic)
    await reader.assign(state.positions)
    return Session(ground, reader, writer, at_once, claim, begin.origin, state, (*begin.events, *events, *silenced))


async def _with_new_partitions(state: State, broker: Broker, topic: str) -> State:
    """Partitions that came after the checkpoint are read from their beginning."""
    earliest = await broker.offsets(topic, "earliest")
    new = {partition: offset for partition, offset in earliest.items() if partition not in state.positions}
    return state._replace(positions={**state.positions, **new})


async def refuse_if_claimed(broker: Broker, settings: Settings, last: OwnClaim, seconds: float) -> None:
    """Look `seconds` long for a successor to the own last claim. Raises Fenced if there is one."""
    topic, name = settings.topics["model"], settings.model.name
    await model_topic.refuse_if_claimed(broker, topic, name, (last.offset, last.claim), seconds)
