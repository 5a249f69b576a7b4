"""aiokafka's undocumented parts: all there in the one that is known, and what happens without them."""

import asyncio
import logging
from types import SimpleNamespace

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.protocol.fetch import FetchRequest, FetchResponse_v11
from aiokafka.protocol.metadata import MetadataRequest

from streamgmm import settings
from streamgmm.broker import kafka, kafka_internals
from streamgmm.broker.interface import Broker
from streamgmm.broker.kafka import Kafka, fast_path
from streamgmm.broker.kafka_reader import KafkaReader
from streamgmm.broker.kafka_writer import KafkaWriter
from streamgmm.errors import SettingsError
from tests.broker.conftest import KAFKA_WAYS
from tests.broker.traffic import create, everything, records, take, values


@pytest.fixture(params=KAFKA_WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_internals, "missing", set())


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


async def test_this_aiokafka_is_the_one_that_is_known(broker: Broker, given: settings.Broker, name: str) -> None:
    await create(broker, name)
    async with Kafka(given) as opened:
        await use(opened, name)
        reader, writer = await opened.reader(name), await opened.writer(name)
        assert isinstance(writer, KafkaWriter)
        if isinstance(reader, KafkaReader):
            assert isinstance(kafka_internals.fetch_task(reader._consumer), asyncio.Task)
        await writer.begin()
        assert [future.done() for future in kafka_internals.unasked(writer._producer)] == [False]
        assert len(kafka_internals.transports(writer._producer)) == 2
    assert kafka_internals.missing == set()


async def test_another_aiokafka_reads_and_writes_all_the_same(
    broker: Broker, given: settings.Broker, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One whose undocumented parts have other names: said once, and left as its documentation says."""

    def unknown(thing: object, *path: str) -> None:
        kafka_internals._miss(f"{type(thing).__name__}.{path[0]}", "as told")

    monkeypatch.setattr(kafka_internals, "part", unknown)
    monkeypatch.setattr(kafka_internals, "asks_as_known", lambda *_: False)
    await create(broker, name)
    with caplog.at_level(logging.WARNING, logger=kafka_internals.__name__):
        async with Kafka(given) as opened:
            await use(opened, name)
            await use(opened, name)
    assert values((await everything(broker, name))[0]) == ["a", "a"]
    said = [record.getMessage() for record in caplog.records]
    assert sorted(said) == sorted(set(said))
    assert sum("auto.create.topics.enable" in line for line in said) == 1


def test_a_part_that_is_not_there_is_none(caplog: pytest.LogCaptureFixture) -> None:
    thing = SimpleNamespace(a=SimpleNamespace(b=1), none=None)
    assert kafka_internals.part(thing, "a", "b") == 1
    assert kafka_internals.part(thing, "none", "b") is None
    assert kafka_internals.missing == set()
    for _ in range(2):
        assert kafka_internals.part(thing, "a", "c", "d") is None
    assert kafka_internals.missing == {"SimpleNamespace.c"}
    assert len(caplog.records) == 1


def test_another_client_is_told_apart() -> None:
    assert kafka_internals.asks_as_known(AIOKafkaClient, MetadataRequest([]))

    class Other(AIOKafkaClient):  # type: ignore[misc]
        async def _metadata_update(self, *_: object) -> None: ...

    assert not kafka_internals.asks_as_known(Other, MetadataRequest([]))
    assert not kafka_internals.asks_as_known(object, MetadataRequest([]))
    assert not kafka_internals.asks_as_known(AIOKafkaClient, object())


def test_the_fast_path_knows_this_aiokafka() -> None:
    assert kafka_internals.lacking() is None


def test_the_fast_path_knows_what_another_aiokafka_lacks() -> None:
    class OtherBuilder(BatchBuilder):  # type: ignore[misc]
        def _seal(self) -> None: ...

    class OtherStamp(BatchBuilder):  # type: ignore[misc]
        def _set_producer_state(self, producer: object) -> None: ...

    class OtherRequest(FetchRequest):  # type: ignore[misc]
        def __init__(self, topics: object) -> None: ...

    class OtherAnswer(FetchResponse_v11):  # type: ignore[misc]
        SCHEMA = None

    class LaterVersion:
        API_VERSION, RESPONSE_TYPE = 12, OtherAnswer

    class LaterRequest(FetchRequest):  # type: ignore[misc]
        """One that speaks a version more."""

    LaterRequest._CLASSES = (*FetchRequest._CLASSES, LaterVersion)

    whole = {name: member for name, member in vars(BatchBuilder).items() if callable(member)}
    assert "BatchBuilder with the methods" in str(kafka_internals.lacking(builder=OtherBuilder))
    stamp = type("Stamp", (), whole | {"_set_producer_state": OtherStamp._set_producer_state})
    assert "_set_producer_state" in str(kafka_internals.lacking(builder=stamp))
    assert "FetchRequest(max_wait_time" in str(kafka_internals.lacking(request=OtherRequest))
    assert "an answer to FetchRequest" in str(kafka_internals.lacking(request=LaterRequest))
    assert kafka_internals.lacking(client=object) == "AIOKafkaClient.bootstrap"


async def test_where_internals_differ_the_public_calls_do_it(
    kafka_url: str, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With one warning, and as the setting says."""
    monkeypatch.setattr(kafka, "lacking", lambda: f"part {name}")
    with caplog.at_level(logging.WARNING, logger=kafka.__name__):
        for _ in range(2):
            async with Kafka(settings.Broker(url=kafka_url)) as opened:
                assert opened.fast_path is False
                await create(opened, name)
                assert isinstance(await opened.reader(name), KafkaReader)
                await use(opened, name)
    said = [record.getMessage() for record in caplog.records]
    assert [f"it lacks part {name}" in line for line in said] == [True]
    with pytest.raises(SettingsError, match=f"broker.kafka_fast_path: on, but this aiokafka .* lacks part {name}"):
        fast_path(settings.Broker(url=kafka_url, kafka_fast_path="on"))


@pytest.mark.parametrize(
    ("given_as", "fast"), [("auto", True), ("on", True), (True, True), ("off", False), (False, False)]
)
def test_the_setting_forces_either(given_as: str | bool, fast: bool) -> None:
    assert fast_path(settings.Broker.model_validate({"url": "kafka://a:1", "kafka_fast_path": given_as})) == fast
