"""What people do with a model from the command line: look at it, and forget it."""

import uuid
from collections.abc import Iterator
from typing import Literal

from streamgmm import __version__
from streamgmm.broker.interface import Broker, Writer
from streamgmm.broker.open import open_broker
from streamgmm.engine import plan as plans
from streamgmm.engine.values import Live, Totals
from streamgmm.errors import BrokerError, SettingsError, StateLost
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service import frozen, model_topic, session, topics
from streamgmm.service.audit.models import models_held
from streamgmm.service.checkpoint import Checkpoint
from streamgmm.service.model_topic import Keys, publish
from streamgmm.service.snapshot import Snapshot
from streamgmm.service.topics import Topics
from streamgmm.service.view import View
from streamgmm.settings import Settings


async def show(settings: Settings) -> Iterator[str]:
    """The newest checkpoint as lines for people. Raises BrokerError where there is none."""
    return _lines(await newest(settings), settings)


async def newest(settings: Settings) -> Checkpoint:
    """The newest checkpoint. Raises BrokerError where there is none."""
    async with open_broker(settings.broker, create=False) as broker:
        topic = settings.topics["model"]
        found = await model_topic.newest(broker, topic, settings.model.name)
        if found.checkpoint is None:
            held = await models_held(broker, topic, patience=settings.broker.request_timeout)
            others = f"it holds {', '.join(held)}" if held else "no model was started there"
            raise BrokerError(f"topic {topic} holds no checkpoint of model {settings.model.name!r}: {others}")
    return found.reached or found.checkpoint


def _lines(checkpoint: Checkpoint, settings: Settings) -> Iterator[str]:
    seen = _seen(checkpoint, settings)
    yield f"model {checkpoint.model}, written by streamgmm {checkpoint.version}, schema {checkpoint.schema}"
    yield f"input {checkpoint.input_topic}, positions {_positions(checkpoint)}"
    components = checkpoint.n_components or "a number to be chosen of"
    yield (
        f"{components} components, {checkpoint.n_features or 'unknown number of'} features, "
        f"{checkpoint.covariance_type} covariance, generation {checkpoint.generation}"
    )
    totals = checkpoint.totals
    yield f"{totals.records} records, {totals.published} assigned, {sum(totals.rejected.values())} dead-lettered"
    if not seen.components:
        yield seen.detail
    else:
        yield f"{seen.steps} M-steps, {totals.vectors} vectors learnt, drift state {seen.drift.state}"
        yield from _table(seen)


def _seen(checkpoint: Checkpoint, settings: Settings) -> Snapshot:
    plan = plans.plan(settings, largest_record=0)
    return View(settings, plan).of(checkpoints.state_of(checkpoint), None, {}, None)


def _positions(checkpoint: Checkpoint) -> str:
    return ", ".join(f"{partition}: {offset}" for partition, offset in sorted(checkpoint.positions.items())) or "none"


def _table(seen: Snapshot) -> Iterator[str]:
    names = [f"{name} ({unit})" if unit else name for name, unit in zip(seen.features, seen.units, strict=True)]
    widths = [max(len(name), 9) for name in names]
    titles = [f"{name:>{width}}" for name, width in zip(names, widths, strict=True)]
    yield "  ".join(["component", "weight", *titles])
    for component in seen.components:
        mean = [f"{value:{width}.5g}" for value, width in zip(component.mean, widths, strict=True)]
        yield "  ".join([f"C{component.id:<8d}", f"{component.weight:6.3f}", *mean])


async def reset(settings: Settings, *, positions: Literal["keep", "forget"] = "keep") -> str:
    """Forget what was learnt; a learner that runs is fenced. Returns a sentence that says what was done.

    `keep` goes on where the learner stands, so that every record is still assigned once; with `forget` the next start
    reads from `input.start` again. Raises StateLost when `keep` cannot be done because the checkpoint is damaged or
    missing, SettingsError where `learning.frozen` would keep another model from starting.
    """
    frozen.refuse_to_forget(settings)
    async with open_broker(settings.broker, create=False) as broker:
        topic = settings.topics["model"]
        if await broker.topic(topic) is None:
            raise BrokerError(f"topic {topic} does not exist: model {settings.model.name!r} has not been started")
        writer = await broker.writer(model_topic.transactional_id(settings))
        try:
            act = _forget if positions == "forget" else _keep
            return await act(settings, broker, writer)
        finally:
            await writer.close()


async def _keep(settings: Settings, broker: Broker, writer: Writer) -> str:
    topic, name = settings.topics["model"], settings.model.name
    offset = await _claim(writer, topic, name)
    found = await model_topic.read_until(broker, topic, name, offset, settings.broker.transaction_timeout + 10)
    if found.checkpoint is None:
        raise StateLost(
            f"topic {topic} holds no complete checkpoint of model {name!r} to take the positions from. "
            "To start it anew from input.start: streamgmm model reset --positions forget"
        )
    if found.checkpoint.input_topic != settings.input.topic:
        raise SettingsError(
            f"model {name!r} reads {found.checkpoint.input_topic}, input.topic is {settings.input.topic}: its "
            "positions mean nothing there. Name another model (--set model.name=...), or use --positions forget"
        )
    _refuse_to_read_otherwise(found.checkpoint, settings)
    emptied = _emptied(found.reached or found.checkpoint, settings)
    await _write(writer, emptied, await topics.ensure(broker, settings))
    learnt = emptied.totals.vectors if isinstance(found.checkpoint.live, Live) else 0
    return f"model {name!r} has forgotten {learnt} vectors; it will warm up again at {_positions(emptied)}"


def _refuse_to_read_otherwise(checkpoint: Checkpoint, settings: Settings) -> None:
    """The records that a warm-up waits with must be read again as they were."""
    waiting = sum(span.accepted for span in checkpoint.buffered)
    if not waiting:
        return
    try:
        checkpoints.refuse_contradictions(checkpoint._replace(live=None), settings)
    except SettingsError as error:
        raise SettingsError(
            f"{waiting} records wait in the warm-up of model {settings.model.name!r} and have to be read again as they "
            f"were ({error}). Let the warm-up end first, or use --positions forget"
        ) from error


def _emptied(checkpoint: Checkpoint, settings: Settings) -> Checkpoint:
    return checkpoint._replace(
        version=__version__,
        input_format=settings.input.format,
        features=checkpoints.features(settings),
        weight=settings.input.weight,
        event_time=checkpoints.event_time(settings),
        n_components=checkpoints.n_components(None, settings),
        covariance_type=settings.model.covariance_type,
        n_features=checkpoint.n_features if checkpoint.buffered else settings.n_features,
        settings=settings.model_dump(mode="json", exclude=checkpoints.ELSEWHERE),
        generation=checkpoint.generation + 1,
        ids_version=checkpoint.ids_version + 1,
        live=None,
    )


async def _claim(writer: Writer, topic: str, name: str) -> int:
    """So that a learner that runs finds out who has fenced it, and ends; returns the claim's offset."""
    claim = model_topic.claimed(started=True)
    return await publish(writer, topic, [(Keys(name).claim, model_topic.claim_value(claim))])


async def _forget(settings: Settings, broker: Broker, writer: Writer) -> str:
    """Ids and generation go on where the checkpoint can still be read: consumers may have stored them."""
    topic, name = settings.topics["model"], settings.model.name
    if not await model_topic.keys_held(broker, topic, name):
        return f"topic {topic} holds nothing of model {name!r}"
    offset = await _claim(writer, topic, name)
    try:
        patience = settings.broker.transaction_timeout + 10
        held = (await model_topic.read_until(broker, topic, name, offset, patience)).checkpoint
    except StateLost:
        held = None
    if held is None:
        await publish(writer, topic, [(key, None) for key in await model_topic.keys_held(broker, topic, name)])
        return f"all that topic {topic} held of model {name!r} is removed, ids start at 0 again; {_again(settings)}"
    found = await topics.ensure(broker, settings)
    origin = await session.origin_now(settings, broker, found)
    emptied = _emptied(held._replace(buffered=()), settings)
    anew = emptied._replace(input_topic=settings.input.topic, positions=origin.start, totals=Totals())
    await _write(writer, anew._replace(**origin._asdict()), found)
    return f"model {name!r} has forgotten what it learnt and where it stood; {_again(settings)}"


def _again(settings: Settings) -> str:
    return f"the next start reads from {settings.input.start} and publishes again what was published"


async def _write(writer: Writer, checkpoint: Checkpoint, found: Topics) -> None:
    parts = checkpoints.encode(checkpoint, uuid.uuid4().hex, checkpoints.part_bytes(found.model))
    keys = Keys(checkpoint.model)
    await publish(writer, found.model.name, [(keys.part(i), part) for i, part in enumerate(parts)])
