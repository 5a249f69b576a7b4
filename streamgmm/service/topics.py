"""The topics beside the input: made as exactly-once and compaction need them, or refused with the command that mends.

Assignments and dead letters carry their input's timestamps and values, so they inherit what the input's topic allows
and how long it keeps it: a record that the input holds is not refused by the output, nor deleted from it earlier. The
model topic has one partition, because a checkpoint's parts and the claims need one order, and compaction with small
segments: at ten to twenty checkpoints a second of up to 900 KB a segment is full after one or two seconds, and the
cleaner, which wakes every 15 s and leaves the open segment alone, keeps the topic at a few hundred megabytes.
"""

from collections.abc import Mapping
from typing import NamedTuple

from streamgmm.broker.interface import DEFAULT_MESSAGE_BYTES, Broker, Topic
from streamgmm.errors import BrokerError
from streamgmm.settings import Settings

LARGEST = 2**31 - 1
HEADERS_BYTES = 64 * 1024  # more than the headers of a dead letter take
_INHERITED = ("retention.ms", "retention.bytes", "message.timestamp.after.max.ms", "message.timestamp.before.max.ms")
_MODEL = {
    "cleanup.policy": "compact",
    "segment.bytes": str(16 * 1024 * 1024),
    "segment.ms": "60000",  # a closed segment can be compacted
    "min.cleanable.dirty.ratio": "0.1",
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "60000",
    "delete.retention.ms": "600000",  # what a reader may take from the start of the topic to its end
    "max.message.bytes": str(DEFAULT_MESSAGE_BYTES),
    "message.timestamp.type": "CreateTime",
}


class Topics(NamedTuple):
    """The topics of a model as they are."""

    input: Topic
    assignments: Topic
    dead_letters: Topic
    events: Topic
    model: Topic


async def ensure(broker: Broker, settings: Settings) -> Topics:
    """The topics of these settings; missing ones but the input are created (`output.create_topics`).

    Raises BrokerError where the input is missing, where a topic is missing and must not be created, and where the
    model topic is not compacted or has several partitions.
    """
    source = await _input(broker, settings)
    found = {role: await _one(broker, settings, topic) for role, topic in wanted(settings, source).items()}
    _refuse(found["model"], broker.url)
    return Topics(source, **found)


async def missing(broker: Broker, settings: Settings) -> list[str]:
    """The names of the output's topics that do not exist, in the order of `wanted`."""
    return [name for name in settings.topics.values() if await broker.topic(name) is None]


def wanted(settings: Settings, source: Topic) -> Mapping[str, Topic]:
    """The topics by role as they are to be created for this input."""
    names, replication = settings.topics, settings.output.replication
    durable = {"min.insync.replicas": "2" if replication >= 3 else "1"}
    copies = durable | _of_input(source.config)
    events = durable | {"cleanup.policy": "delete", "message.timestamp.type": "CreateTime"}
    return {
        "assignments": Topic(names["assignments"], source.partitions, replication, copies),
        "dead_letters": Topic(names["dead_letters"], source.partitions, replication, copies),
        "events": Topic(names["events"], 1, replication, events),
        "model": Topic(names["model"], 1, replication, durable | _MODEL),
    }


def _of_input(config: Mapping[str, str]) -> dict[str, str]:
    inherited = {key: config[key] for key in _INHERITED if key in config}
    if "delete" not in config.get("cleanup.policy", "delete"):
        inherited |= {"retention.ms": "-1", "retention.bytes": "-1"}  # a compacted input keeps its newest for ever
    limit = int(config.get("max.message.bytes", DEFAULT_MESSAGE_BYTES))
    ours = {
        "cleanup.policy": "delete",
        "message.timestamp.type": "CreateTime",
        "max.message.bytes": str(min(2 * limit + HEADERS_BYTES, LARGEST)),  # twice: the input may be compressed
    }
    return inherited | ours


async def _input(broker: Broker, settings: Settings) -> Topic:
    name = settings.input.topic
    if (topic := await broker.topic(name)) is not None:
        return topic
    raise BrokerError(
        f"the input topic {name} (input.topic) does not exist on {broker.url}, and streamgmm never creates it. Create "
        f"it where its records come from, or fill it from a file: streamgmm replay FILE --topic {name} "
        f"--broker {broker.url}"
    )


async def _one(broker: Broker, settings: Settings, topic: Topic) -> Topic:
    if (found := await broker.topic(topic.name)) is not None:
        return found
    if not settings.output.create_topics:
        raise BrokerError(
            f"topic {topic.name} does not exist on {broker.url} and output.create_topics is false: run "
            "`streamgmm topics create --config FILE` once, or create it by hand as the README says"
        )
    await broker.create_topic(topic)
    return await broker.topic(topic.name) or topic


def _refuse(model: Topic, url: str) -> None:
    policy = model.config.get("cleanup.policy", "compact").strip()
    if model.partitions != 1:
        delete = f"kafka-topics.sh --bootstrap-server {{}} --delete --topic {model.name}"
        raise BrokerError(
            f"the model topic {model.name} has {model.partitions} partitions and must have one, which no command can "
            "change. "
            + _mend(url, f"If it holds no model that you need, delete it: {delete}; the next start creates it anew. ")
        )
    if policy != "compact":
        alter = "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics"
        raise BrokerError(
            f"the model topic {model.name} has cleanup.policy={policy} and must be compacted, or its checkpoint will "
            "be deleted in time. "
            + _mend(url, f"Mend it: {alter} --entity-name {model.name} --add-config cleanup.policy=compact. ")
        )


def _mend(url: str, command: str) -> str:
    """What to do: Kafka's `command`, which takes the address at `{}`, or what helps on every broker."""
    scheme, _, address = url.partition("://")
    if scheme == "kafka":
        return f"{command.format(address)}Or name another output: --set output.topic=NAME"
    return "The embedded log changes no topic: name another output (--set output.topic=NAME) or another broker.url"
