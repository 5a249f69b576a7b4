"""What a broker's operator can do and a streamgmm broker cannot: needed to bring about what the suite is to see."""

import asyncio
from pathlib import Path
from typing import Protocol

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from streamgmm.broker.local_log_append import group_positions
from streamgmm.broker.local_log_cleanup import retain
from streamgmm.broker.local_log_database import Database


class Operator(Protocol):
    async def delete_records(self, topic: str, before: int) -> None:
        """Let partition 0 start at `before`, which is a batch's first offset."""

    async def group_offsets(self, group: str, topic: str) -> dict[int, int]:
        """A consumer group's positions."""


class KafkaOperator:
    def __init__(self, url: str) -> None:
        self.admin = AdminClient({"bootstrap.servers": url.removeprefix("kafka://"), "log_level": 0})

    async def delete_records(self, topic: str, before: int) -> None:
        for future in self.admin.delete_records([TopicPartition(topic, 0, before)]).values():
            await asyncio.wrap_future(future)

    async def group_offsets(self, group: str, topic: str) -> dict[int, int]:
        """Once no transaction hides them: its markers are written after its commit was answered."""
        while True:
            offsets = await self._group_offsets(group)
            if not any(offset.error for offset in offsets):
                break
            await asyncio.sleep(0.01)
        return {offset.partition: offset.offset for offset in offsets if offset.topic == topic}

    async def _group_offsets(self, group: str) -> list[TopicPartition]:
        asked = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)], require_stable=True)
        (future,) = asked.values()
        return (await asyncio.wrap_future(future)).topic_partitions


class LocalOperator:
    def __init__(self, url: str) -> None:
        self.database = Database(Path(url.removeprefix("sqlite:///")), 5)

    async def delete_records(self, topic: str, before: int) -> None:
        query = """SELECT partition_id, sum(size) FROM batches JOIN partitions ON partitions.id = partition_id
                   JOIN topics ON topics.id = topic_id WHERE name = ? AND number = 0 AND last_offset < ?"""
        with self.database.writing() as connection:
            partition_id, surplus = connection.execute(query, (topic, before)).fetchone()
            retain(connection, partition_id, surplus, surplus)

    async def group_offsets(self, group: str, topic: str) -> dict[int, int]:
        return group_positions(self.database, group, topic)
