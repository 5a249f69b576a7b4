"""A model from a file takes the place of the one that the service has, or is where it starts.

It begins a new generation: the components get new ids, drift begins to settle anew, and what waited to be learnt in
the file's own stream is left out. Positions stay where they are, so that every record is still assigned once.
"""

import uuid
from typing import Any

import numpy as np

from streamgmm import __version__
from streamgmm.broker.interface import Broker, Writer
from streamgmm.broker.open import open_broker
from streamgmm.drift import monitor
from streamgmm.engine import step as engine
from streamgmm.engine.values import Event, Live
from streamgmm.errors import SettingsError, StateLost
from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import pending
from streamgmm.mixture.parameters import shape_of
from streamgmm.mixture.state import State
from streamgmm.records.columns import frozen
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service import model_file, model_topic, outbox, session, topics
from streamgmm.service.checkpoint import Checkpoint
from streamgmm.service.model_topic import Claim, Keys
from streamgmm.service.topics import Topics
from streamgmm.settings import Settings


async def import_model(settings: Settings, found: object) -> str:
    """Take the model over with the document's; a learner that runs is fenced. Returns what was done, in a sentence.

    Raises SettingsError for a document that is none or does not fit the settings, before anything is touched.
    """
    document = _fitting(found, settings)
    state = model_file.state_of(document)
    async with open_broker(settings.broker, create=False) as broker:
        known = await topics.ensure(broker, settings)
        seen = await model_topic.newest(broker, known.model.name, settings.model.name)
        _refuse(seen.checkpoint, settings)
        writer = await broker.writer(model_topic.transactional_id(settings))
        try:
            claim = model_topic.claimed(started=seen.traces)
            held = await _held(settings, broker, writer, claim, known)
            checkpoint = _with_model(held, state, settings)
            await write(writer, checkpoint, known, claim, _imported(checkpoint))
        finally:
            await writer.close()
    assert checkpoint.live is not None  # noqa: S101 - it has just been put there
    ids = ", ".join(map(str, checkpoint.live.ids.tolist()))
    return (
        f"model {settings.model.name!r} is the file's now: generation {checkpoint.generation}, components {ids}, "
        f"{state.steps} M-steps; it goes on at the positions that were reached"
    )


def _fitting(found: object, settings: Settings) -> dict[str, Any]:
    """The document, if the settings describe its model."""
    try:
        document = model_file.checked(found)
        n_components, n_features = shape_of(model_file.state_of(document).parameters)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    model = settings.model
    wrong = [
        f"{name} is {asked}, the file's model has {has}"
        for name, asked, has, fits in (
            ("model.covariance_type", model.covariance_type, document["covariance_type"], None),
            ("model.n_components", model.n_components, n_components, _in_range(n_components, settings)),
            ("the number of features", settings.n_features, n_features, settings.n_features in (None, n_features)),
            ("input.features", _shown(checkpoints.features(settings)), _features(document), _same(document, settings)),
        )
        if not (asked == has if fits is None else fits)
    ]
    if wrong:
        raise SettingsError(f"the file does not fit the settings: {'; '.join(wrong)}")
    return document


def _in_range(n_components: int, settings: Settings) -> bool:
    return settings.model.fewest_components <= n_components <= settings.model.most_components


def _same(document: dict[str, Any], settings: Settings) -> bool:
    """Whether named features are the same: with their transforms where a service wrote them, else by name."""
    theirs, ours = list(document.get("features") or ()), list(checkpoints.features(settings))
    if not theirs or isinstance(settings.input.features, str):
        return True
    return theirs == ours if any(":" in name for name in theirs) else theirs == [n.partition(":")[0] for n in ours]


def _features(document: dict[str, Any]) -> str:
    return _shown(document.get("features") or ())


def _shown(names: Any) -> str:  # noqa: ANN401 - any sequence of names
    return ", ".join(map(str, names))


def _refuse(held: Checkpoint | None, settings: Settings) -> None:
    """Positions must mean something, and records that wait in a warm-up are assigned by the model that it starts."""
    if held is None:
        return
    if held.input_topic != settings.input.topic:
        raise SettingsError(
            f"model {held.model!r} reads {held.input_topic}, input.topic is {settings.input.topic}: its positions mean "
            "nothing there. Name another model and output (--set model.name=... --set output.topic=...)"
        )
    waiting = sum(span.accepted for span in held.buffered)
    if waiting:
        raise SettingsError(
            f"{waiting} records wait in the warm-up of model {held.model!r}. Let it end first, or forget it "
            "(streamgmm model reset --positions forget)"
        )


async def _held(settings: Settings, broker: Broker, writer: Writer, claim: Claim, known: Topics) -> Checkpoint:
    """Claim the model, and what it holds then; a model that was never started begins at `input.start`."""
    topic, name = known.model.name, settings.model.name
    offset = await model_topic.publish(writer, topic, [(Keys(name).claim, model_topic.claim_value(claim))])
    found = await model_topic.read_until(broker, topic, name, offset, settings.broker.transaction_timeout + 10)
    if found.later_claim is not None:
        raise model_topic.fenced(name, found.later_claim)
    if found.checkpoint is None and found.traces:
        raise StateLost(
            f"model {name!r} has been started before, but topic {topic} holds no complete checkpoint of it to take the "
            "positions from. Forget it first (streamgmm model reset --positions forget)"
        )
    if (reached := found.reached) is None:
        origin = await session.origin_now(settings, broker, known)
        return checkpoints.of(engine.init(origin.start, settings.n_features), settings, origin)
    _refuse(reached, settings)
    return reached._replace(generation=reached.generation + 1)


def _with_model(held: Checkpoint, state: State, settings: Settings) -> Checkpoint:
    n_components, n_features = shape_of(state.parameters)
    kernel = covariances.by_name(settings.model.covariance_type).kernel
    nothing = pending.nothing((n_components, n_features), kernel)
    fresh = state._replace(pending=nothing, event_time=None, lookout=None)
    ids = frozen(np.arange(held.next_id, held.next_id + n_components, dtype=np.int64))
    return held._replace(
        version=__version__,
        input_format=settings.input.format,
        features=checkpoints.features(settings),
        weight=settings.input.weight,
        event_time=checkpoints.event_time(settings),
        n_components=n_components,
        covariance_type=settings.model.covariance_type,
        n_features=n_features,
        settings=settings.model_dump(mode="json", exclude=checkpoints.ELSEWHERE),
        ids_version=held.ids_version + 1,
        next_id=held.next_id + n_components,
        live=Live(fresh, ids, 0, 0.0, monitor.init()),
    )


def _imported(checkpoint: Checkpoint) -> Event:
    assert checkpoint.live is not None  # noqa: S101 - an imported model is what is written
    imported = {
        "generation": checkpoint.generation,
        "ids": checkpoint.live.ids.tolist(),
        "ids_version": checkpoint.ids_version,
        "steps": checkpoint.live.mixture.steps,
    }
    return Event("model_imported", imported)


async def write(writer: Writer, checkpoint: Checkpoint, known: Topics, claim: Claim, event: Event) -> None:
    """The checkpoint, the claim that says there is one, and the event, in one transaction."""
    keys, now = Keys(checkpoint.model), outbox.now_ms()
    values = checkpoints.encode(checkpoint, uuid.uuid4().hex, checkpoints.part_bytes(known.model))
    records = [(keys.part(i), value) for i, value in enumerate(values)]
    records.append((keys.claim, model_topic.claim_value(claim._replace(started=True))))
    events = outbox.events_send((event,), known.events, checkpoint.model, now)
    await writer.begin()
    await writer.send_all([outbox.parts_send(records, known.model, now), *events])
    await writer.commit()
