"""The model as it is becomes the reference for drift, on command.

As with `model import` a learner that runs is fenced; started again it goes on with the new reference. Nothing else of
the model changes.
"""

from streamgmm.broker.open import open_broker
from streamgmm.engine import plan as plans
from streamgmm.engine.react import frozen_reference
from streamgmm.engine.values import Event
from streamgmm.errors import SettingsError
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service import model_topic, topics
from streamgmm.service.checkpoint import Checkpoint
from streamgmm.service.model_import import write
from streamgmm.service.model_topic import Found, Keys
from streamgmm.settings import Settings


async def take_reference(settings: Settings) -> str:
    """Freeze the newest checkpoint's model as the next reference. Returns what was done, in a sentence.

    Raises SettingsError where drift is off, or there is no model that it could be, before anything is touched.
    """
    if not settings.drift.enabled:
        raise SettingsError("drift.enabled is false: nothing is held against a reference")
    async with open_broker(settings.broker, create=False) as broker:
        known = await topics.ensure(broker, settings)
        _held(await model_topic.newest(broker, known.model.name, settings.model.name), settings)
        writer = await broker.writer(model_topic.transactional_id(settings))
        try:
            claim, topic, name = model_topic.claimed(started=True), known.model.name, settings.model.name
            offset = await model_topic.publish(writer, topic, [(Keys(name).claim, model_topic.claim_value(claim))])
            found = await model_topic.read_until(broker, topic, name, offset, settings.broker.transaction_timeout + 10)
            if found.later_claim is not None:
                raise model_topic.fenced(name, found.later_claim)
            checkpoint, event = _with_reference(_held(found, settings), settings)
            await write(writer, checkpoint, known, claim, event)
        finally:
            await writer.close()
    return (
        f"the model of {event.fields['steps']} M-steps is reference {event.fields['reference']} of {name!r} now; the "
        f"next {settings.drift.reference_size:,} vectors say what is usual"
    )


def _held(found: Found, settings: Settings) -> Checkpoint:
    """A checkpoint with a model that nothing was learnt after. Raises SettingsError where there is none."""
    name, held = settings.model.name, found.checkpoint
    if held is None or held.live is None:
        raise SettingsError(f"model {name!r} has not started: there is nothing to freeze yet")
    checkpoints.refuse_contradictions(held, settings)
    if found.progress:
        raise SettingsError(
            f"model {name!r} has learnt since its newest whole checkpoint. Stop its learner cleanly, which writes one, "
            "then take the reference"
        )
    return held


def _with_reference(held: Checkpoint, settings: Settings) -> tuple[Checkpoint, Event]:
    assert held.live is not None  # noqa: S101 - `_held` has looked
    live, (event,) = frozen_reference(plans.plan(settings, largest_record=0), held.live)
    return held._replace(live=live._replace(alarmed=False, recent=None, began=None)), event
