"""`streamgmm topics create`: the topics beside the input, whatever `output.create_topics` says."""

from streamgmm.broker.open import open_broker
from streamgmm.service.topics import ensure, missing
from streamgmm.settings import Settings


async def create(settings: Settings) -> list[str]:
    """Creates what is missing; a line a topic. Raises BrokerError as `service.topics.ensure`.

    An embedded log is not made: the input would not be in it.
    """
    output = settings.output.model_copy(update={"create_topics": True})
    async with open_broker(settings.broker, create=False) as broker:
        absent = await missing(broker, settings)
        source, *others = await ensure(broker, settings.model_copy(update={"output": output}))
    width = max(len(topic.name) for topic in (source, *others))
    return [
        f"{topic.name:<{width}}  {'created' if topic.name in absent else 'exists'}, {_partitions(topic.partitions)}"
        for topic in (source, *others)
    ]


def _partitions(count: int) -> str:
    return "1 partition" if count == 1 else f"{count} partitions"
