"""Writing and reading a few records, as the broker tests do it."""

import asyncio
import time
from collections.abc import Iterable, Mapping

from streamgmm.broker.interface import Broker, Isolation, Reader, Topic
from streamgmm.records.columns import Record, RecordColumns, of_records, records_of

PATIENCE = 20.0  # s until a record that should come counts as missing


def now() -> int:
    """Milliseconds since the epoch."""
    return int(time.time() * 1000)


def records(*values: str) -> RecordColumns:
    """Records with these values and no key."""
    return of_records([Record(0, now(), None, value.encode()) for value in values], 0)


async def create(broker: Broker, name: str, *, partitions: int = 1, **config: str) -> None:
    """A topic; `max_message_bytes="1"` stands for `max.message.bytes`."""
    named = {key.replace("_", "."): value for key, value in config.items()}
    await broker.create_topic(Topic(name, partitions, 1, named))


async def publish(broker: Broker, topic: str, *values: str, partition: int = 0) -> int:
    """The offset of the first record."""
    writer = await broker.writer()
    sent = await writer.send(topic, partition, records(*values))
    await writer.commit()
    await writer.close()
    return await sent


async def take(reader: Reader, n: int) -> dict[int, list[Record]]:
    """At least n records, by partition; fails when they do not come."""
    taken: dict[int, list[Record]] = {}
    async with asyncio.timeout(PATIENCE):
        while sum(map(len, taken.values())) < n:
            for partition, columns in (await reader.fetch(timeout=1)).items():
                taken.setdefault(partition, []).extend(records_of(columns))
    return taken


async def read_to(reader: Reader, ends: Mapping[int, int]) -> dict[int, list[Record]]:
    """The records up to these positions, from assigned positions below them; fails when they are not reached."""
    taken: dict[int, list[Record]] = {partition: [] for partition in ends}
    positions = dict.fromkeys(ends, -1)
    async with asyncio.timeout(PATIENCE):
        while any(positions[partition] < end for partition, end in ends.items()):
            for partition, columns in (await reader.fetch(timeout=1)).items():
                taken[partition].extend(records_of(columns))
                positions[partition] = columns.position
    return taken


async def settled_ends(broker: Broker, topic: str, *, grace: float = 2.0) -> dict[int, int]:
    """The read_committed ends once no transaction is open, or after `grace` seconds.

    Kafka writes a transaction's markers after it has answered the commit.
    """
    deadline = time.monotonic() + grace
    while True:
        ends = await broker.offsets(topic, "latest")
        if ends == await broker.offsets(topic, "latest", isolation="read_uncommitted") or time.monotonic() > deadline:
            return ends
        await asyncio.sleep(0.01)


async def everything(broker: Broker, topic: str, *, isolation: Isolation = "read_committed") -> dict[int, list[Record]]:
    """All records from the topic's beginning to the end that it has now."""
    starts = await broker.offsets(topic, "earliest")
    ends = (
        await settled_ends(broker, topic)
        if isolation == "read_committed"
        else await broker.offsets(topic, "latest", isolation=isolation)
    )
    reader = await broker.reader(topic, isolation=isolation)
    await reader.assign({partition: start for partition, start in starts.items() if start < ends[partition]})
    taken = await read_to(reader, {partition: end for partition, end in ends.items() if starts[partition] < end})
    await reader.close()
    return {partition: taken.get(partition, []) for partition in ends}


def values(taken: Iterable[Record]) -> list[str]:
    """What the records say."""
    return [(record.value or b"").decode() for record in taken]
