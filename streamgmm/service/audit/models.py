"""Which models a model topic holds, for those who ask for one that it does not."""

from streamgmm.broker.interface import Broker
from streamgmm.records.columns import RecordColumns, records_of
from streamgmm.service.audit.scan import scan

_CLAIM = b"/claim"


async def models_held(broker: Broker, topic: str, *, patience: float) -> list[str]:
    """The names of the models that a learner has claimed in this topic and nobody has removed, in order.

    `patience` (s) as for `scan`.
    """
    if await broker.topic(topic) is None:
        return []
    held: dict[str, bool] = {}

    def take(_partition: int, columns: RecordColumns) -> None:
        for record in records_of(columns):
            if record.key is not None and record.key.endswith(_CLAIM):
                held[record.key.removesuffix(_CLAIM).decode(errors="replace")] = record.value is not None

    first = await broker.offsets(topic, "earliest")
    await scan(broker, topic, first, await broker.offsets(topic, "latest"), take, patience=patience)
    return sorted(name for name, there in held.items() if there)
