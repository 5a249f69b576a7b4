"""A broker as the crash tests see it: filled and read by other libraries than the one under test.

Kafka through confluent-kafka; the embedded log through sqlite3 and aiokafka's own parser of record batches.
"""

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from aiokafka.record.default_records import DefaultRecordBatch
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from streamgmm import settings
from streamgmm.broker.interface import Topic
from streamgmm.broker.open import open_broker
from streamgmm.records.columns import Record, of_records


class Seen(NamedTuple):
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]


class Log(Protocol):
    url: str

    def create(self, topic: str, partitions: int) -> None: ...

    def fill(self, topic: str, records: Iterable[tuple[int, bytes | None, bytes | None]]) -> None:
        """Append (partition, key, value) with a header each."""

    def read(self, topic: str) -> Iterator[Seen]:
        """All committed records."""


class Kafka:
    def __init__(self, url: str) -> None:
        self.url, self.bootstrap = url, url.removeprefix("kafka://")

    def create(self, topic: str, partitions: int) -> None:
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for future in admin.create_topics([NewTopic(topic, partitions, 1)]).values():
            future.result(30)

    def fill(self, topic: str, records: Iterable[tuple[int, bytes | None, bytes | None]]) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 5, "enable.idempotence": True})
        for i, (partition, key, value) in enumerate(records):
            producer.produce(topic, value, key, partition, headers=[("n", str(i))])
            producer.poll(0)
        assert producer.flush(60) == 0

    def read(self, topic: str) -> Iterator[Seen]:
        settings = {"group.id": "reader", "isolation.level": "read_committed", "enable.auto.commit": False}
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "enable.partition.eof": True, **settings})
        try:
            partitions = consumer.list_topics(topic, 30).topics[topic].partitions
            consumer.assign([TopicPartition(topic, p, 0) for p in partitions])
            left = set(partitions)
            while left:
                for message in consumer.consume(5000, 1.0):
                    if message.error() is None:
                        at = (message.partition(), message.offset(), message.timestamp()[1])
                        yield Seen(*at, message.key(), message.value(), dict(message.headers() or []))
                    else:
                        left.discard(message.partition())
        finally:
            consumer.close()


class Embedded:
    def __init__(self, path: Path) -> None:
        self.path, self.url = path, f"sqlite:///{path}"

    def create(self, topic: str, partitions: int) -> None:
        _in_our_broker(self.url, lambda broker: broker.create_topic(_topic(topic, partitions)))

    def fill(self, topic: str, records: Iterable[tuple[int, bytes | None, bytes | None]]) -> None:
        _in_our_broker(self.url, lambda broker: _write(broker, topic, list(records)))

    def read(self, topic: str) -> Iterator[Seen]:
        with sqlite3.connect(self.path) as connection:
            rows = connection.execute(
                "SELECT number, data FROM batches JOIN partitions ON partition_id = partitions.id "
                "JOIN topics ON topic_id = topics.id WHERE name = ? ORDER BY number, base_offset",
                (topic,),
            ).fetchall()
        connection.close()
        for partition, data in rows:
            for record in DefaultRecordBatch(bytes(data)):
                at = (partition, record.offset, record.timestamp)
                yield Seen(*at, record.key, record.value, dict(record.headers))


def _topic(name: str, partitions: int):
    return Topic(name, partitions, 1, {})


def _in_our_broker(url: str, act) -> None:
    async def work() -> None:
        async with open_broker(settings.Broker(url=url)) as broker:
            await act(broker)

    asyncio.run(work())


async def _write(broker, topic: str, records: list[tuple[int, bytes | None, bytes | None]]) -> None:
    writer, now = await broker.writer(), int(time.time() * 1000)
    for partition in sorted({partition for partition, _, _ in records}):
        chosen = [(i, k, v) for i, (p, k, v) in enumerate(records) if p == partition]
        columns = [Record(j, now, k, v, (("n", str(i).encode()),)) for j, (i, k, v) in enumerate(chosen)]
        await writer.send(topic, partition, of_records(columns, len(columns)))
    await writer.commit()
    await writer.close()
