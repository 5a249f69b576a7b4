"""A topic that is deleted while it is read and written: on a Kafka that creates topics for whoever asks for them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from streamgmm import settings
from streamgmm.broker.kafka import AnyReader, Kafka
from streamgmm.broker.kafka_columns import KafkaColumnReader
from streamgmm.broker.kafka_reader import KafkaReader
from streamgmm.broker.kafka_writer import KafkaWriter
from streamgmm.errors import BrokerError, BrokerUnavailable, TransactionFailed
from tests.broker.conftest import KAFKA_WAYS
from tests.broker.traffic import PATIENCE, create, records, take

REQUEST_SECONDS = 3


@pytest.fixture(params=KAFKA_WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def hasty(given: settings.Broker) -> AsyncIterator[Kafka]:
    limits = {"request_timeout": REQUEST_SECONDS, "transaction_timeout": REQUEST_SECONDS + 1}
    async with Kafka(given.model_copy(update=limits)) as broker:
        yield broker


def client_of(entry: KafkaReader | KafkaWriter) -> Any:
    return entry._consumer._client if isinstance(entry, KafkaReader) else entry._producer.client


async def delete(broker: Kafka, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker.url.removeprefix("kafka://"), "log_level": 0})
    await asyncio.wrap_future(admin.delete_topics([topic])[topic])


async def refresh(*opened: AnyReader | KafkaWriter) -> None:
    """What aiokafka does every few minutes, and as often as it can while a partition has no leader."""
    for each in opened:
        client = each._client if isinstance(each, KafkaColumnReader) else client_of(each)
        for _ in range(5):
            await client.force_metadata_update()


async def test_it_does_not_come_back(hasty: Kafka, name: str) -> None:
    await create(hasty, name, partitions=2)
    reader, writer, plain = await hasty.reader(name), await hasty.writer(name), await hasty.writer()
    await reader.assign({0: 0, 1: 0})
    await writer.begin()
    for each in (writer, plain):
        await each.send(name, 0, records("a"))
        await each.commit()
    await take(reader, 2)
    await delete(hasty, name)
    await refresh(reader, writer, plain)
    async with asyncio.timeout(REQUEST_SECONDS):
        with pytest.raises(BrokerError, match=f"topic {name} on Kafka at .* was deleted") as gone:
            await take(reader, 1)
    assert not isinstance(gone.value, BrokerUnavailable)
    await refresh(reader, writer, plain)
    assert await hasty.topic(name) is None


@pytest.mark.parametrize("transactional", [False, True])
async def test_who_writes_to_it_is_told(hasty: Kafka, name: str, transactional: bool) -> None:
    await create(hasty, name)
    writer = await hasty.writer(name if transactional else None)
    await writer.begin()
    await writer.send(name, 0, records("a"))
    await writer.commit()
    await delete(hasty, name)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(TransactionFailed, match=f"topic {name} was deleted"):
            await writer.begin()
            await writer.send(name, 0, records("b"))
            await writer.commit()
    assert await hasty.topic(name) is None


async def test_a_missing_leader_is_not_asked_for_in_a_storm(hasty: Kafka, name: str) -> None:
    await create(hasty, name)
    reader = await hasty.reader(name)
    await reader.assign({0: 0})
    await delete(hasty, name)
    await refresh(reader)
    loop, begun = asyncio.get_running_loop(), asyncio.get_running_loop().time()
    await refresh(reader, reader)
    assert loop.time() - begun > 0.1
