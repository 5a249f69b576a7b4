"""Kafka as a broker, through aiokafka. The parts: `kafka_connection` (how it is reached), `kafka_cluster` (topics and
offsets), `kafka_writer`, two readers, `kafka_damage` (what cannot be read), `kafka_close` (leaving at once), and
`kafka_internals` (all that is used of aiokafka beyond its documented calls). `kafka_columns` with `kafka_feed` is the
fast reader; `kafka_reader` stands in for it where aiokafka's internals are not the known ones.

Every reader and writer has connections of its own, so that a long poll never stands in a commit's way.
"""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streamgmm.broker.interface import Isolation, Topic, Where
from streamgmm.broker.kafka_cluster import EARLIEST, ISOLATION, LATEST, KafkaCluster
from streamgmm.broker.kafka_columns import KafkaColumnReader
from streamgmm.broker.kafka_connection import bounded, connection
from streamgmm.broker.kafka_feed import Feed
from streamgmm.broker.kafka_internals import AIOKafkaClient, Fetch, lacking, never_create
from streamgmm.broker.kafka_reader import KafkaReader
from streamgmm.broker.kafka_writer import Batching, KafkaWriter, TransactionalWriter
from streamgmm.errors import BrokerError, SettingsError
from streamgmm.records.codecs import Codec
from streamgmm.settings import Broker

FETCH_WAIT_MS = 50  # after a pause, drained partitions wait behind the long poll of the others
RETRY_MS = 5  # a transaction waits for the last one's markers; aiokafka asks again after this
PARTITION_BYTES = 1 << 20  # fetched from a partition at once
FETCH_BYTES = 4 << 20  # fetched at once

AnyReader = KafkaReader | KafkaColumnReader

log = logging.getLogger(__name__)


class Kafka:
    """See `interface.Broker`."""

    def __init__(self, settings: Broker) -> None:
        self.url, self._settings = settings.url, settings
        self.fast_path: bool | None = fast_path(settings)
        self._cluster = KafkaCluster(settings)
        self._opened: list[AnyReader | KafkaWriter] = []

    async def __aenter__(self) -> Self:
        await self._cluster.open()
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Closes readers and writers too."""
        await asyncio.gather(self._cluster.close(), *(opened.close() for opened in self._opened))

    async def topic(self, name: str) -> Topic | None:
        """See `interface.Broker`. Never creates it."""
        return await self._cluster.topic(name)

    async def create_topic(self, topic: Topic) -> None:
        """See `interface.Broker`. Returns when every partition has a leader."""
        await self._cluster.create_topic(topic)

    async def offsets(self, topic: str, at: Where | int, *, isolation: Isolation = "read_committed") -> dict[int, int]:
        """See `interface.Broker`. The read_committed end is the last stable offset.

        It hides what was committed behind another program's open transaction, until that one ends.
        """
        if isinstance(at, str):
            return await self._cluster.offsets(topic, {"earliest": EARLIEST, "latest": LATEST}[at], isolation)
        found = await self._cluster.offsets(topic, at, isolation)
        if min(found.values()) >= 0:
            return found
        ends = await self._cluster.offsets(topic, LATEST, isolation)
        return {partition: ends[partition] if offset < 0 else offset for partition, offset in found.items()}

    async def reader(
        self, topic: str, *, isolation: Isolation = "read_committed", check_crcs: bool = True
    ) -> AnyReader:
        """See `interface.Broker`. Raises BrokerError where there is no such topic."""
        if not await self._cluster.leaders(topic):
            raise BrokerError(f"there is no topic {topic} on Kafka at {self._cluster.address}")
        if self.fast_path:
            return await self._column_reader(topic, isolation, check_crcs)
        consumer = AIOKafkaConsumer(
            **connection(self._settings),
            isolation_level=isolation,
            enable_auto_commit=False,
            auto_offset_reset="none",
            check_crcs=check_crcs,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_partition_fetch_bytes=PARTITION_BYTES,
            fetch_max_bytes=FETCH_BYTES,
        )
        never_create(consumer)
        reader = KafkaReader(consumer, topic, self._cluster, self._settings.request_timeout, check_crcs=check_crcs)
        await self._started(consumer.start(), reader, f"opening a reader of topic {topic}")
        return reader

    async def _column_reader(self, topic: str, isolation: Isolation, check_crcs: bool) -> KafkaColumnReader:
        client = AIOKafkaClient(**connection(self._settings))
        never_create(client)
        feed = Feed(client, Fetch(topic, ISOLATION[isolation], FETCH_WAIT_MS, PARTITION_BYTES, FETCH_BYTES))
        checks = {"committed": isolation == "read_committed", "check_crcs": check_crcs}
        reader = KafkaColumnReader(client, feed, topic, self._cluster, self._settings.request_timeout, **checks)

        async def start() -> None:
            await client.bootstrap()
            await client.set_topics([topic])

        await self._started(start(), reader, f"opening a reader of topic {topic}")
        return reader

    async def writer(self, transactional_id: str | None = None, *, compression: Codec = "none") -> KafkaWriter:
        """See `interface.Broker`."""
        producer = AIOKafkaProducer(
            **connection(self._settings),
            transactional_id=transactional_id,
            transaction_timeout_ms=int(self._settings.transaction_timeout * 1000),
            enable_idempotence=True,
            compression_type=None if compression == "none" else compression,
            retry_backoff_ms=RETRY_MS,
        )
        never_create(producer)
        kind, patience = (
            (KafkaWriter, self._settings.request_timeout)
            if transactional_id is None
            else (TransactionalWriter, self._settings.transaction_timeout)
        )
        writer = kind(producer, self._cluster, patience, Batching(bool(self.fast_path), compression))
        await self._started(producer.start(), writer, "opening a writer")
        return writer

    async def _started(self, start: Awaitable[Any], opened: AnyReader | KafkaWriter, what: str) -> None:
        try:
            async with bounded(self._settings.request_timeout, what, self._cluster.address):
                await start
        except BaseException:
            await opened.close()
            raise
        self._opened = [*(other for other in self._opened if not other.closed), opened]


def fast_path(settings: Broker) -> bool:
    """Whether records travel as whole batches.

    Raises SettingsError where that is wanted and this aiokafka's internals are not the known ones.
    """
    lacks = lacking()
    if settings.kafka_fast_path == "off" or lacks is None:
        return settings.kafka_fast_path != "off"
    what = f"this aiokafka is not one that streamgmm knows (0.14): it lacks {lacks}"
    if settings.kafka_fast_path == "on":
        raise SettingsError(f"broker.kafka_fast_path: on, but {what}; auto reads and writes record by record instead")
    if lacks not in _said:
        _said.add(lacks)
        log.warning("%s; records go to and from Kafka one by one, several times as slowly", what)
    return False


_said: set[str] = set()  # what was warned of
