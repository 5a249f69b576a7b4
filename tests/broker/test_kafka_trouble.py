"""A Kafka that is killed, stays away, or holds damaged files: on a broker of these tests' own."""

import asyncio
import contextlib
import os
import signal
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from streamgmm import settings
from streamgmm.broker.interface import Broker, Reader, Writer
from streamgmm.broker.kafka import Kafka
from streamgmm.errors import BrokerUnavailable, CorruptBatch, TransactionFailed
from streamgmm.records import record_batch
from streamgmm.records.columns import Record, records_of
from tests.broker.conftest import KAFKA_WAYS
from tests.broker.traffic import PATIENCE, create, everything, now, publish, records, take, values
from tests.kafka.server import KafkaServer

PARTITIONS = 16
Damage = Callable[[bytearray, int, int], None]


FAST, PUBLIC = KAFKA_WAYS


@pytest.fixture(params=[FAST, pytest.param(PUBLIC, marks=pytest.mark.long)])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def broker_url(own_kafka: KafkaServer) -> str:
    return own_kafka.url


@pytest.fixture
def running(own_kafka: KafkaServer) -> Iterator[KafkaServer]:
    """Runs again after a test that stopped it, however that ended."""
    yield own_kafka
    if own_kafka.process is None:
        own_kafka.restart()


@pytest.fixture
async def patient(running: KafkaServer, given: settings.Broker) -> AsyncIterator[Kafka]:
    async with Kafka(given.model_copy(update={"transaction_timeout": 60})) as broker:
        yield broker


@pytest.fixture
async def hasty(running: KafkaServer, given: settings.Broker) -> AsyncIterator[Kafka]:
    async with Kafka(given.model_copy(update={"transaction_timeout": 2, "request_timeout": 1})) as broker:
        yield broker


async def test_a_broker_killed_inside_a_transaction(running: KafkaServer, patient: Kafka, name: str) -> None:
    """The transaction commits when the broker is back, and writer and reader go on."""
    await create(patient, name)
    reader, writer = await patient.reader(name), await patient.writer(name)
    await reader.assign({0: 0})
    await writer.begin()
    await (await writer.send(name, 0, records("acknowledged")))
    running.kill()
    unsent = await writer.send(name, 0, records("on its way"))
    commit = asyncio.ensure_future(writer.commit())
    await asyncio.to_thread(running.restart)
    await commit
    assert values((await take(reader, 2))[0]) == ["acknowledged", "on its way"]
    assert await unsent == 1
    await writer.begin()
    await writer.send(name, 0, records("after"))
    await writer.commit()
    assert values((await take(reader, 1))[0]) == ["after"]


async def test_a_broker_that_stays_away(running: KafkaServer, hasty: Kafka, name: str) -> None:
    """Every call ends in its time, and leaving takes none."""
    await create(hasty, name)
    reader, writer, plain = await hasty.reader(name), await hasty.writer(name), await hasty.writer()
    await reader.assign({0: 0})
    await writer.begin()
    await (await writer.send(name, 0, records("acknowledged")))
    await plain.send(name, 0, records("plain"))
    await plain.commit()
    running.kill()
    await plain.send(name, 0, records("perhaps"))
    with pytest.raises(TransactionFailed, match="no answer within 2 s"):
        await writer.commit()
    with pytest.raises(TransactionFailed, match="no answer within 1 s"):
        await plain.commit()
    with pytest.raises(BrokerUnavailable, match=f"{running.bootstrap} has not answered"):
        await take(reader, 1)
    with pytest.raises(BrokerUnavailable, match=running.bootstrap):
        await hasty.topic(name)
    with pytest.raises(BrokerUnavailable, match=running.bootstrap):
        await hasty.writer(name)
    begun = time.monotonic()
    await asyncio.gather(reader.close(), writer.close(), plain.close())
    assert time.monotonic() - begun < 1
    await asyncio.to_thread(running.restart)
    async with Kafka(settings.Broker(url=running.url)) as again:
        await again.writer(name)
        assert values((await everything(again, name))[0]) in (["plain"], ["plain", "perhaps"])


@pytest.fixture
def freeze(running: KafkaServer) -> Iterator[Callable[[], None]]:
    """The broker's process stands still; its sockets stay open and are not read."""
    assert running.process is not None
    group = running.process.pid
    yield lambda: os.killpg(group, signal.SIGSTOP)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGCONT)


@pytest.mark.parametrize("trouble", ["frozen", "dead"])
async def test_leaving_does_not_wait_for_a_broker(
    running: KafkaServer, given: settings.Broker, freeze: Callable[[], None], name: str, trouble: str
) -> None:
    """One after the other, with more on its way than the sockets take."""
    broker = Kafka(given.model_copy(update={"transaction_timeout": 60}))
    async with broker:
        await create(broker, name, partitions=PARTITIONS)
        reader, writer, plain = await broker.reader(name), await broker.writer(name), await broker.writer()
        await reader.assign(dict.fromkeys(range(PARTITIONS), 0))
        await writer.begin()
        for each in (writer, plain):
            await (await each.send(name, 0, records("acknowledged")))
        {"frozen": freeze, "dead": running.kill}[trouble]()
        busy = asyncio.gather(reader.fetch(timeout=60), write(writer, name), write(plain, name))
        await asyncio.wait([busy], timeout=0.5)
        busy.cancel()
        await asyncio.wait([busy])
        begun = time.monotonic()
        for closing in (reader, writer, plain):
            await closing.close()
    assert time.monotonic() - begun < 1


async def write(writer: Writer, name: str) -> None:
    for partition in range(PARTITIONS):
        await writer.send(name, partition, records(*["x" * 1000] * 1000))
    await writer.commit()


def checksum(log: bytearray, start: int, size: int) -> None:
    log[start + size - 1] ^= 0xFF


def inner_length(log: bytearray, start: int, size: int) -> None:
    """The checksum is right, the third record's length is not."""
    log[start + 61 + 2 * (log[start + 61] // 2 + 1)] = 0x7E
    stamped = record_batch.Batch(log[start : start + size], 0, 0)
    header = record_batch.read_header(stamped.data)
    record_batch.stamp(
        stamped,
        producer_id=header.producer_id,
        producer_epoch=header.producer_epoch,
        base_sequence=header.base_sequence,
    )
    log[start : start + size] = stamped.data


def last_offset_delta(log: bytearray, start: int, size: int) -> None:
    struct.pack_into(">i", log, start + 23, 1_000_000)


SMALL = {
    "checksum": (checksum, 5),
    "inner-length": (inner_length, 7),
    "last-offset": (last_offset_delta, 5),
}
FETCHES = 7000  # records to a batch: more than one fetch returns


@pytest.fixture(scope="module")
def damaged(own_kafka: KafkaServer) -> str:
    """The first part of the names of topics whose partition 0 has a damaged batch between two good ones."""
    prefix = f"damaged-{now()}"
    asyncio.run(fill(own_kafka.url, prefix))
    own_kafka.pause()
    for name, (damage, _) in {**SMALL, "large": (checksum, FETCHES)}.items():
        spoil(own_kafka.data / f"{prefix}-{name}-0" / "00000000000000000000.log", damage)
    own_kafka.restart()
    return prefix


async def fill(url: str, prefix: str) -> None:
    async with Kafka(settings.Broker(url=url)) as broker:
        for name in SMALL:
            await create(broker, f"{prefix}-{name}", partitions=2)
            for batch in ("abcde", "fghij", "klmno"):
                await publish(broker, f"{prefix}-{name}", *batch)
            await publish(broker, f"{prefix}-{name}", *"xyz", partition=1)
        await create(broker, f"{prefix}-large")
        for _ in range(3):
            await publish(broker, f"{prefix}-large", *map(str, range(FETCHES)))


@pytest.mark.parametrize("kind", SMALL)
async def test_a_damaged_batch(damaged: str, patient: Kafka, kind: str) -> None:
    """Good records before it are returned, then an error that says from where to where; behind it reading goes on.

    Record by record what lies before the damage inside a batch is returned too; else a batch is good or damaged.
    """
    good = 5 if patient.fast_path else SMALL[kind][1]
    reader = await patient.reader(f"{damaged}-{kind}")
    await reader.assign({0: 0, 1: 0})
    taken, corrupt = await until_damage(reader)
    assert values(taken[0]) == list("abcdefghij"[:good])
    assert (corrupt.topic, corrupt.partition) == (f"{damaged}-{kind}", 0)
    assert (corrupt.offset, corrupt.next_offset) == (good, 10)
    with pytest.raises(CorruptBatch):
        await reader.fetch(timeout=1)
    of_other = taken.get(1, [])
    await reader.assign({0: corrupt.next_offset, 1: len(of_other)})
    rest = await take(reader, 5 + 3 - len(of_other))
    assert values(rest[0]) == list("klmno")
    assert values([*of_other, *rest.get(1, [])]) == list("xyz")


async def test_many_records_before_the_damage_are_kept(damaged: str, patient: Kafka) -> None:
    reader = await patient.reader(f"{damaged}-large")
    await reader.assign({0: 0})
    taken, corrupt = await until_damage(reader)
    assert [record.offset for record in taken[0]] == list(range(FETCHES))
    assert (corrupt.offset, corrupt.next_offset) == (FETCHES, 2 * FETCHES)
    await reader.assign({0: corrupt.next_offset})
    assert values((await take(reader, FETCHES))[0]) == [str(i) for i in range(FETCHES)]


def spoil(segment: Path, damage: Damage) -> None:
    """Damage the second of three batches in a partition's file."""
    log = bytearray(segment.read_bytes())
    start, size = list(sizes(log))[1]
    damage(log, start, size)
    segment.write_bytes(log)


def sizes(log: bytearray) -> Iterator[tuple[int, int]]:
    at = 0
    for batch in record_batch.batches(log):
        yield at, len(batch)
        at += len(batch)


async def until_damage(reader: Reader) -> tuple[dict[int, list[Record]], CorruptBatch]:
    taken: dict[int, list[Record]] = {}
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                fetched = await reader.fetch(timeout=0.2)
            except CorruptBatch as error:
                return taken, error
            for partition, columns in fetched.items():
                taken.setdefault(partition, []).extend(records_of(columns))


async def test_what_was_open_when_the_broker_was_lost_is_aborted_by_the_next(
    running: KafkaServer, patient: Kafka, name: str
) -> None:
    await create(patient, name)
    writer = await patient.writer(name)
    await writer.begin()
    await (await writer.send(name, 0, records("left open")))
    running.kill()
    await writer.close()
    await asyncio.to_thread(running.restart)
    successor: Broker
    async with Kafka(settings.Broker(url=running.url)) as successor:
        writer = await successor.writer(name)
        await writer.begin()
        await writer.send(name, 0, records("committed"))
        await writer.commit()
        assert values((await everything(successor, name))[0]) == ["committed"]
