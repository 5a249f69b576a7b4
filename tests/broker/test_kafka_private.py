"""aiokafka's undocumented parts: all there in the one that is known, and what happens without them."""

import asyncio
import logging
from types import SimpleNamespace

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.metadata import MetadataRequest

from streamgmm import settings
from streamgmm.broker import kafka_private
from streamgmm.broker.interface import Broker
from streamgmm.broker.kafka import Kafka
from streamgmm.broker.kafka_reader import KafkaReader
from streamgmm.broker.kafka_writer import KafkaWriter
from tests.broker.traffic import create, everything, records, take, values


@pytest.fixture
def broker_url(kafka_url: str) -> str:
    return kafka_url


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_private, "missing", set())


async def use(broker: Kafka, name: str) -> None:
    """Everything that touches a part: open, read, write, close."""
    reader, writer = await broker.reader(name), await broker.writer(name)
    await reader.assign({0: 0})
    await writer.begin()
    await writer.send(name, 0, records("a"))
    await writer.commit()
    await take(reader, 1)
    await writer.begin()
    await writer.send(name, 0, records("left open"))
    await writer.close()
    await reader.close()


async def test_this_aiokafka_is_the_one_that_is_known(broker: Broker, name: str) -> None:
    await create(broker, name)
    async with Kafka(settings.Broker(url=broker.url)) as kafka:
        await use(kafka, name)
        reader, writer = await kafka.reader(name), await kafka.writer(name)
        assert isinstance(reader, KafkaReader)
        assert isinstance(writer, KafkaWriter)
        assert isinstance(kafka_private.fetch_task(reader._consumer), asyncio.Task)
        await writer.begin()
        assert [future.done() for future in kafka_private.unasked(writer._producer)] == [False]
        assert len(kafka_private.transports(writer._producer)) == 2
    assert kafka_private.missing == set()


async def test_another_aiokafka_reads_and_writes_all_the_same(
    broker: Broker, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One whose undocumented parts have other names: said once, and left as its documentation says."""

    def unknown(thing: object, *path: str) -> None:
        kafka_private._miss(f"{type(thing).__name__}.{path[0]}", "as told")

    monkeypatch.setattr(kafka_private, "part", unknown)
    monkeypatch.setattr(kafka_private, "asks_as_known", lambda *_: False)
    await create(broker, name)
    with caplog.at_level(logging.WARNING, logger=kafka_private.__name__):
        async with Kafka(settings.Broker(url=broker.url)) as kafka:
            await use(kafka, name)
            await use(kafka, name)
    assert values((await everything(broker, name))[0]) == ["a", "a"]
    said = [record.getMessage() for record in caplog.records]
    assert sorted(said) == sorted(set(said))
    assert sum("auto.create.topics.enable" in line for line in said) == 1


def test_a_part_that_is_not_there_is_none(caplog: pytest.LogCaptureFixture) -> None:
    thing = SimpleNamespace(a=SimpleNamespace(b=1), none=None)
    assert kafka_private.part(thing, "a", "b") == 1
    assert kafka_private.part(thing, "none", "b") is None
    assert kafka_private.missing == set()
    for _ in range(2):
        assert kafka_private.part(thing, "a", "c", "d") is None
    assert kafka_private.missing == {"SimpleNamespace.c"}
    assert len(caplog.records) == 1


def test_another_client_is_told_apart() -> None:
    assert kafka_private.asks_as_known(AIOKafkaClient, MetadataRequest([]))

    class Other(AIOKafkaClient):  # type: ignore[misc]
        async def _metadata_update(self, *_: object) -> None: ...

    assert not kafka_private.asks_as_known(Other, MetadataRequest([]))
    assert not kafka_private.asks_as_known(object, MetadataRequest([]))
    assert not kafka_private.asks_as_known(AIOKafkaClient, object())
