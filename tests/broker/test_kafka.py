"""What only Kafka, or aiokafka, does to a broker's promises: on a real one, each trap sprung."""

import asyncio
import time

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from confluent_kafka import Producer

from streamgmm import settings
from streamgmm.broker.interface import Broker, Topic
from streamgmm.broker.kafka import Kafka
from streamgmm.broker.kafka_columns import KafkaColumnReader
from streamgmm.broker.kafka_reader import KafkaReader, columns_of
from streamgmm.errors import BrokerError, BrokerUnavailable, InputUnusable, TransactionFailed
from streamgmm.records import record_batch
from streamgmm.records.codecs import NAMES, Codec
from streamgmm.records.columns import Record, of_records
from tests.broker.conftest import KAFKA_WAYS
from tests.broker.traffic import (
    PATIENCE,
    create,
    everything,
    now,
    publish,
    read_to,
    records,
    settled_ends,
    take,
    values,
)
from tests.kafka.server import free_port


@pytest.fixture(params=KAFKA_WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def other_program(broker: Broker, **config: object) -> Producer:
    """A producer of another client library."""
    return Producer({"bootstrap.servers": broker.url.removeprefix("kafka://"), "linger.ms": 50, **config})


async def test_a_marker_alone_moves_the_position(broker: Broker, name: str) -> None:
    await create(broker, name)
    writer = await broker.writer(name)
    await writer.begin()
    await writer.send(name, 0, records("a"))
    await writer.commit()
    assert await settled_ends(broker, name) == {0: 2}
    reader = await broker.reader(name)
    await reader.assign({0: 1})
    assert (await read_to(reader, {0: 2})) == {0: []}


async def test_aborted_records_move_the_position(broker: Broker, name: str) -> None:
    await create(broker, name)
    writer = await broker.writer(name)
    await writer.begin()
    await (await writer.send(name, 0, records("a", "b")))
    await writer.close()
    await broker.writer(name)
    assert await settled_ends(broker, name) == {0: 3}
    reader = await broker.reader(name)
    await reader.assign({0: 0})
    assert (await read_to(reader, {0: 3})) == {0: []}


async def test_markers_alone_do_not_hold_a_fetch(broker: Broker, name: str) -> None:
    await create(broker, name)
    writer = await broker.writer(name)
    await writer.begin()
    await writer.send(name, 0, records("a"))
    await writer.commit()
    reader = await broker.reader(name)
    await reader.assign({0: 1})
    began = time.monotonic()
    assert (await reader.fetch(timeout=PATIENCE))[0].position == 2
    assert time.monotonic() - began < PATIENCE / 2


async def test_a_position_that_came_into_range_is_no_loss(broker: Broker, name: str) -> None:
    """A client holds an answer that is no longer true, as after an election."""
    await create(broker, name)
    reader = await broker.reader(name)
    await reader.assign({0: 1})
    assert isinstance(reader, KafkaReader | KafkaColumnReader)
    held = (lambda: reader._feed.refused) if broker.fast_path else (lambda: reader._consumer._fetcher._records)
    async with asyncio.timeout(PATIENCE):
        while not held():
            await asyncio.sleep(0.01)
    await publish(broker, name, "a", "b")
    with pytest.raises(BrokerUnavailable, match=f"{name}/0 offset 1 is out of range, and has it"):
        await reader.fetch(timeout=1)
    assert values((await take(reader, 1))[0]) == ["b"]


async def test_an_open_transaction_of_another_program_hides_the_end_and_no_more(broker: Broker, name: str) -> None:
    """Who waits for a known offset gets there; who reads up to the end misses what is behind the open transaction."""
    await create(broker, name)
    await publish(broker, name, "before")
    other = other_program(broker, **{"transactional.id": f"{name}-other"})
    other.init_transactions()
    other.begin_transaction()
    other.produce(name, b"open", partition=0)
    other.flush()
    offset = await publish(broker, name, "behind")
    assert await broker.offsets(name, "latest") == {0: 1}
    assert await broker.offsets(name, "latest", isolation="read_uncommitted") == {0: offset + 1}
    reader = await broker.reader(name)
    await reader.assign({0: 0})
    assert values((await take(reader, 1))[0]) == ["before"]
    other.abort_transaction()
    assert values((await read_to(reader, {0: offset + 1}))[0]) == ["behind"]


async def test_a_refused_send_is_named_by_the_commit(broker: Broker, name: str) -> None:
    await create(broker, name, message_timestamp_after_max_ms="60000")
    writer = await broker.writer(name)
    await writer.begin()
    await writer.send(name, 0, of_records([Record(0, now() + 7_200_000, None, b"in two hours")], 1))
    with pytest.raises(TransactionFailed, match=f"topic {name} refused a write: .*Timestamp"):
        await writer.commit()
    with pytest.raises(TransactionFailed, match="cannot go on"):
        await writer.begin()


async def test_an_expired_transaction_fails(broker: Broker, name: str) -> None:
    await create(broker, name)
    async with Kafka(settings.Broker(url=broker.url, transaction_timeout=2, request_timeout=1)) as impatient:
        writer = await impatient.writer(name)
        await writer.begin()
        await (await writer.send(name, 0, records("late")))
        await settled_ends(broker, name, grace=30)
        with pytest.raises(TransactionFailed):
            await writer.commit()
    assert (await everything(broker, name))[0] == []


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_batches_of_another_client_are_read(broker: Broker, name: str, codec: str) -> None:
    await create(broker, name)
    other = other_program(broker, **{"compression.type": codec})
    for i in range(500):
        headers: list[tuple[str, str | bytes | None]] = [("n", str(i).encode()), ("null", None)]
        other.produce(name, f"value {i}", key=f"key {i}", partition=0, timestamp=now(), headers=headers)
    other.flush()
    taken = (await everything(broker, name))[0]
    assert [(r.offset, r.key, r.value, r.headers) for r in taken] == [
        (i, f"key {i}".encode(), f"value {i}".encode(), (("n", str(i).encode()), ("null", None))) for i in range(500)
    ]


@pytest.mark.parametrize("codec", NAMES)
async def test_what_is_written_is_packed_as_asked(broker: Broker, name: str, codec: Codec) -> None:
    await create(broker, name)
    sent = [Record(i, now(), b"key", b"value" * 100) for i in range(20)]
    writer = await broker.writer(name, compression=codec)
    await writer.begin()
    await writer.send(name, 0, of_records(sent, 20))
    await writer.commit()
    assert isinstance(broker, Kafka)
    stored = await broker._cluster.batches_at(name, 0, 0)
    assert NAMES[record_batch.read_header(stored).codec] == codec
    assert (await everything(broker, name))[0] == sent


async def test_times_that_the_broker_sets_are_the_records(broker: Broker, name: str) -> None:
    await create(broker, name, message_timestamp_type="LogAppendTime")
    began, writer = now(), await broker.writer()
    await writer.send(name, 0, of_records([Record(i, began - 5000 * i, None, b"x") for i in range(3)], 3))
    await writer.commit()
    times = {record.timestamp for record in (await everything(broker, name))[0]}
    assert len(times) == 1
    assert began - 1000 <= times.pop() <= now() + 1000


async def test_gaps_of_compaction_count_as_passed(broker: Broker, name: str) -> None:
    await create(broker, name, cleanup_policy="compact", segment_ms="10", min_cleanable_dirty_ratio="0.01")
    writer = await broker.writer()
    for i in range(20):
        await writer.send(name, 0, of_records([Record(0, now(), b"same key", str(i).encode())], 1))
        await writer.commit()
        await asyncio.sleep(0.02)  # a segment of its own: the broker rolls by its clock
    reader = await broker.reader(name)
    async with asyncio.timeout(PATIENCE):
        while True:
            await reader.assign({0: 0})
            taken = (await read_to(reader, {0: 20}))[0]
            if len(taken) < 10:
                break
    assert values(taken)[-1] == "19"
    assert taken[-1].offset == 19
    await reader.assign({0: 1})
    assert (await read_to(reader, {0: 20}))[0][-1] == taken[-1]


async def test_asking_for_a_topic_does_not_create_it(broker: Broker, name: str) -> None:
    assert await broker.topic(name) is None
    with pytest.raises(BrokerError, match=f"no topic {name}"):
        await broker.reader(name)
    with pytest.raises(BrokerError, match=f"no topic {name}"):
        await broker.offsets(name, "latest")
    writer = await broker.writer()
    with pytest.raises(BrokerError, match=f"no topic {name}"):
        await writer.send(name, 0, records("a"))
    assert await broker.topic(name) is None


async def test_a_partition_that_is_not_there(broker: Broker, name: str) -> None:
    await create(broker, name, partitions=2)
    reader = await broker.reader(name)
    with pytest.raises(BrokerError, match="there is no 2"):
        await reader.assign({0: 0, 2: 0})


async def test_an_impossible_replication_is_refused(broker: Broker, name: str) -> None:
    with pytest.raises(BrokerError, match="creating topic"):
        await broker.create_topic((await topic_like(broker, name))._replace(replication=3))


async def topic_like(broker: Broker, name: str) -> Topic:
    await create(broker, f"{name}-model")
    topic = await broker.topic(f"{name}-model")
    assert topic is not None
    return topic._replace(name=name, config={})


async def test_an_absent_broker_is_named(name: str) -> None:
    port = free_port()
    with pytest.raises(BrokerUnavailable, match=f"127.0.0.1:{port}"):
        async with Kafka(settings.Broker(url=f"kafka://127.0.0.1:{port}", request_timeout=1)):
            pass


async def test_leaving_stops_every_task(broker: Broker, name: str) -> None:
    await create(broker, name)
    before = asyncio.all_tasks()
    async with Kafka(settings.Broker(url=broker.url)) as other:
        reader, writer = await other.reader(name), await other.writer(name)
        await reader.assign({0: 0})
        await writer.begin()
        await writer.send(name, 0, records("left open"))
        await reader.fetch(timeout=0.1)
        assert asyncio.all_tasks() > before
    assert asyncio.all_tasks() == before


async def test_a_cancelled_commit_spoils_the_writer(broker: Broker, name: str) -> None:
    await create(broker, name)
    writer = await broker.writer(name)
    await writer.begin()
    await writer.send(name, 0, records("a"))
    commit = asyncio.ensure_future(writer.commit())
    await asyncio.sleep(0)
    commit.cancel()
    with pytest.raises(asyncio.CancelledError):
        await commit
    with pytest.raises(TransactionFailed, match="cannot go on"):
        await writer.begin()


@pytest.mark.parametrize("magic", [0, 1])
def test_old_message_formats_are_refused(magic: int) -> None:
    builder = LegacyRecordBatchBuilder(magic, 0, 1000)
    builder.append(0, timestamp=int(time.time() * 1000), key=b"k", value=b"v")
    stored = MemoryRecords(bytes(builder.build()))
    tp = TopicPartition("old", 3)
    fetched = list(PartitionRecords(tp, stored, [], 0, None, None, check_crcs=True, isolation_level=READ_COMMITTED))
    assert len(fetched) == 1
    with pytest.raises(InputUnusable, match="old/3 offset 0 is stored in a message format before v2"):
        columns_of(fetched, 1)
