"""Batches that other clients have written, as the broker stores them: columns against aiokafka's own records.

aiokafka, librdkafka and Kafka's Java producer (through its command-line tool), each with every codec.
"""

import asyncio
import subprocess
import uuid
from collections.abc import Callable, Iterator

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.memory_records import MemoryRecords
from confluent_kafka import Producer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamgmm.broker.interface import Topic
from streamgmm.broker.kafka import Kafka
from streamgmm.records import batch_run
from streamgmm.records.codecs import NAMES
from streamgmm.records.columns import Record, records_of
from streamgmm.settings import Broker
from tests.broker.traffic import now, read_to
from tests.kafka.jars import jars

Run = Callable[..., object]

some_bytes = st.binary(max_size=40)
names = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=4
)  # in C a zero ends a text
headers = st.lists(st.tuples(names, st.none() | some_bytes), max_size=3)
record = st.tuples(st.none() | some_bytes, st.none() | some_bytes, headers).filter(lambda r: r[0] or r[1])
some = st.lists(record, min_size=1, max_size=12)
lines = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=["C", "Z"]), max_size=12)
slowly = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)


@pytest.fixture
def loop() -> Iterator[Run]:
    """Runs a coroutine; what it opens lives as long as the test, over all examples."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def broker(loop: Run, kafka_url: str) -> Iterator[Kafka]:
    opened = Kafka(Broker(url=kafka_url, kafka_fast_path="on"))
    loop(opened.__aenter__())
    yield opened
    loop(opened.__aexit__())


OFTEN = ("none", "zstd")  # the other codecs with the long tests


@pytest.fixture(params=[name if name in OFTEN else pytest.param(name, marks=pytest.mark.long) for name in NAMES])
def codec(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def topic(loop: Run, broker: Kafka, codec: str) -> str:
    name = f"clients-{codec}-{uuid.uuid4().hex[:8]}"
    loop(broker.create_topic(Topic(name, 1, 1, {})))
    return name


def by_aiokafka(stored: bytes, first: int) -> list[Record]:
    memory, read = MemoryRecords(stored), []
    while memory.has_next():
        batch = memory.next_batch()
        assert batch.validate_crc()
        read += [Record(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in batch if r.offset >= first]
    return read


async def stored_and_read(broker: Kafka, topic: str, first: int) -> tuple[list[Record], list[Record], list[Record]]:
    """What is stored from an offset on: by aiokafka, by columns, and as the reader gives it."""
    stored = await broker._cluster.batches_at(topic, 0, first)
    run = batch_run.read(batch_run.scan(stored), first, None)
    assert run.damage is None
    reader = await broker.reader(topic)
    await reader.assign({0: first})
    taken = await read_to(reader, {0: run.columns.position})
    await reader.close()
    return by_aiokafka(stored, first), list(records_of(run.columns)), taken[0]


def test_aiokafkas_producer(loop: Run, broker: Kafka, topic: str, codec: str, kafka_url: str) -> None:
    async def started() -> AIOKafkaProducer:
        address, packed = kafka_url.removeprefix("kafka://"), None if codec == "none" else codec
        producer = AIOKafkaProducer(bootstrap_servers=address, compression_type=packed, linger_ms=5)
        await producer.start()
        return producer

    async def written(some_records: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]]) -> None:
        sent = [
            await producer.send(topic, value, key, partition=0, headers=headers, timestamp_ms=now())
            for key, value, headers in some_records
        ]
        first = (await asyncio.gather(*sent))[0].offset
        expected, parsed, read = await stored_and_read(broker, topic, first)
        assert parsed == read == expected
        assert [r[2:] for r in expected] == [(k, v, tuple(h)) for k, v, h in some_records]

    producer = loop(started())
    assert isinstance(producer, AIOKafkaProducer)

    @slowly
    @given(some)
    def every_example(some_records: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]]) -> None:
        loop(written(some_records))

    every_example()
    loop(producer.stop())


def test_librdkafkas_producer(loop: Run, broker: Kafka, topic: str, codec: str, kafka_url: str) -> None:
    producer = Producer(
        {"bootstrap.servers": kafka_url.removeprefix("kafka://"), "compression.type": codec, "linger.ms": 2}
    )
    offsets: list[int] = []

    @slowly
    @given(some)
    def every_example(some_records: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]]) -> None:
        offsets.clear()
        for key, value, headers in some_records:
            producer.produce(
                topic,
                value,
                key,
                partition=0,
                on_delivery=lambda _, message: offsets.append(message.offset()),
                timestamp=now(),
                headers=list(headers),
            )
        producer.flush()
        expected, parsed, read = loop(stored_and_read(broker, topic, offsets[0]))  # type: ignore[misc]
        assert parsed == read == expected
        assert [r[2:] for r in expected] == [(k, v, tuple(h)) for k, v, h in some_records]

    every_example()


@pytest.fixture
def java(kafka_url: str, topic: str, codec: str) -> Callable[[str], None]:
    """Writes lines with Kafka's own producer."""
    classpath, address = f"{jars()}/*", kafka_url.removeprefix("kafka://")
    tool = ["java", "-Xmx128m", "-cp", classpath, "org.apache.kafka.tools.ConsoleProducer"]
    where = ["--bootstrap-server", address, "--topic", topic, "--compression-codec", codec]
    parsing = ["parse.key=true", "parse.headers=true", "null.marker=NULL"]
    options = [part for each in parsing for part in ("--property", each)]

    def write(text: str) -> None:
        done = subprocess.run([*tool, *where, *options], input=text.encode(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()

    return write


@settings(max_examples=1, suppress_health_check=list(HealthCheck), deadline=None)
@given(written=st.lists(st.tuples(lines, lines, lines), min_size=300, max_size=300))
def test_javas_producer(
    loop: Run, broker: Kafka, topic: str, java: Callable[[str], None], written: list[tuple[str, str, str]]
) -> None:
    """One run of the tool with many records."""
    clean = [tuple(part.replace(",", "").replace(":", "") for part in each) for each in written]
    java("".join(f"h:{header},n:NULL\t{key}\t{value}\n" for header, key, value in clean))
    expected, parsed, read = loop(stored_and_read(broker, topic, 0))  # type: ignore[misc]
    assert parsed == read == expected
    assert len(expected) == len(clean)
    assert [(r.key, r.value) for r in expected] == [(k.encode(), v.encode()) for _, k, v in clean]
