"""Models as they were before an alarm's action changed them, from their own keys in the model topic."""

from streamgmm.broker.interface import Broker
from streamgmm.broker.open import open_broker
from streamgmm.errors import BrokerError
from streamgmm.records.columns import RecordColumns, records_of
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service.audit.scan import scan
from streamgmm.service.checkpoint import Checkpoint, Part
from streamgmm.service.model_topic import Keys
from streamgmm.settings import Settings


async def before(settings: Settings, action: str) -> Checkpoint:
    """The model before the newest such action. Raises BrokerError where there was none."""
    async with open_broker(settings.broker, create=False) as broker:
        topic = settings.topics["model"]
        parts = await _parts(broker, settings, action) if await broker.topic(topic) is not None else []
        if not parts:
            raise BrokerError(f"topic {topic} keeps no model {settings.model.name!r} of before an action {action!r}")
        return checkpoints.decode(parts, f"{topic}, before {action}")


async def _parts(broker: Broker, settings: Settings, action: str) -> list[Part]:
    """The newest complete set of parts; a set of fewer parts leaves some of an older one behind."""
    topic, keys = settings.topics["model"], Keys(settings.model.name)
    prefix = keys.before(action, 0).removesuffix(b"0")
    found: dict[bytes, Part] = {}

    def take(_partition: int, columns: RecordColumns) -> None:
        for record in records_of(columns):
            if record.key == keys.claim and record.value is None:
                found.clear()  # all of the model was removed
            elif record.key is not None and record.key.startswith(prefix):
                found.pop(record.key, None)  # the newest comes last
                if record.value is not None:
                    found[record.key] = checkpoints.decode_part(record.value, f"{topic} offset {record.offset}")

    first, end = await broker.offsets(topic, "earliest"), await broker.offsets(topic, "latest")
    await scan(broker, topic, first, end, take, patience=settings.broker.request_timeout)
    if not found:
        return []
    newest = list(found.values())[-1].checkpoint
    return [part for part in found.values() if part.checkpoint == newest]
