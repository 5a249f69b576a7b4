"""What leaves the embedded log: retention by size, compaction."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streamgmm.broker.local_log import LocalLog
from streamgmm.broker.local_log_cleanup import COMPACT_BYTES, SLICE_BYTES, compact
from streamgmm.broker.local_log_database import Database
from streamgmm.errors import RecordsLost
from streamgmm.records.columns import Record, of_records
from tests.broker.traffic import create, everything, now, take


@pytest.fixture
async def log(local_url: str) -> AsyncIterator[LocalLog]:
    async with LocalLog(local_url, lock_timeout=5) as opened:
        yield opened


async def publish(log: LocalLog, topic: str, *sent: tuple[bytes | None, bytes | None]) -> None:
    """One transaction, and one batch, of keys and values."""
    writer = await log.writer(topic)
    await writer.begin()
    await writer.send(topic, 0, of_records([Record(0, now(), key, value) for key, value in sent], 0))
    await writer.commit()
    await writer.close()


def compact_now(url: str) -> None:
    database = Database(Path(url.removeprefix("sqlite:///")), 5)
    with database.writing() as connection:
        compact(connection, 1)
    database.close()


def lower_retention(url: str, topic: str, to: int) -> None:
    database = Database(Path(url.removeprefix("sqlite:///")), 5)
    with database.writing() as connection:
        update = """UPDATE topics SET config = json_set(config, '$."retention.bytes"', ?) WHERE name = ?"""
        connection.execute(update, (str(to), topic))
    database.close()


def stored_bytes(url: str) -> int:
    database = Database(Path(url.removeprefix("sqlite:///")), 5)
    with database.reading() as connection:
        ((stored, counted),) = connection.execute(
            "SELECT (SELECT sum(length(data)) FROM batches), sum(bytes) FROM partitions"
        )
    database.close()
    assert stored == counted
    return int(stored)


async def test_retention_takes_the_oldest_batches(log: LocalLog, name: str) -> None:
    await create(log, name, retention_bytes="10000")
    reader = await log.reader(name)
    for i in range(100):
        await publish(log, name, (None, f"{i:01000}".encode()))
    start = (await log.offsets(name, "earliest"))[0]
    assert (await log.offsets(name, "latest"))[0] == 100
    assert 85 < start < 92  # about ten of a little more than 1 000 bytes stay, never less than retention.bytes
    assert 10_000 <= stored_bytes(log.url) < 12_000
    await reader.assign({0: start - 1})
    with pytest.raises(RecordsLost, match=f"starts at offset {start}"):
        await reader.fetch(timeout=0)
    await reader.assign({0: start})
    assert [record.offset for record in (await take(reader, 100 - start))[0]] == list(range(start, 100))


async def test_retention_that_was_lowered_takes_a_little_with_each_commit(log: LocalLog, name: str) -> None:
    """One commit that took everything would keep all others waiting: 400 MB took seconds."""
    await create(log, name, retention_bytes="100000000")
    for _ in range(20):
        await publish(log, name, *((None, os.urandom(900_000)) for _ in range(2)))  # a batch a record
    lower_retention(log.url, name, 2_000_000)
    starts = [0]
    while stored_bytes(log.url) > 4_000_000:
        await publish(log, name, (None, b"x" * 1000))
        starts.append((await log.offsets(name, "earliest"))[0])
        assert 0 < starts[-1] - starts[-2] <= SLICE_BYTES // 900_000
    assert len(starts) > 5


async def test_without_retention_everything_stays(log: LocalLog, name: str) -> None:
    await create(log, name)
    await publish(log, name, *((None, b"x" * 1000) for _ in range(3000)))
    assert (await log.offsets(name, "earliest"))[0] == 0


async def test_the_file_stops_growing_under_retention(log: LocalLog, name: str) -> None:
    await create(log, name, retention_bytes="1000000")
    file, sizes = Path(log.url.removeprefix("sqlite:///")), []
    for _ in range(4):
        for _ in range(40):
            await publish(log, name, (None, os.urandom(100_000)))
        sizes.append(sum(part.stat().st_size for part in file.parent.glob("log.db*")))
    assert sizes[3] < sizes[1] * 1.2


async def test_a_model_topic_stays_small(log: LocalLog, name: str) -> None:
    """Checkpoints in three parts and now and then a claim: what is kept is the last of each key, at its offset."""
    await create(log, name, cleanup_policy="compact")
    parts = [f"model/{i}".encode() for i in range(3)]
    sizes = []
    for i in range(200):
        if i % 50 == 0:
            await publish(log, name, (b"model/claim", f"{i}".encode()))
        await publish(log, name, *((part, f"{i:020000}".encode()) for part in parts))
        sizes.append(stored_bytes(log.url))
    live, newest = 60_000, 60_000
    assert max(sizes) <= COMPACT_BYTES + 2 * live + newest + 10_000
    taken = (await everything(log, name))[0]
    assert {record.key: record for record in taken}[b"model/claim"].offset == 3 * 150 + 3
    assert [(record.offset, record.key) for record in taken[-3:]] == [(601, parts[0]), (602, parts[1]), (603, parts[2])]


async def test_compaction_keeps_offsets_inside_a_batch(log: LocalLog, name: str) -> None:
    await create(log, name, cleanup_policy="compact")
    await publish(log, name, *((key, b"old") for key in (b"a", b"b", b"c", b"d", b"e")))
    await publish(log, name, (b"b", b"new"), (b"d", None))
    compact_now(log.url)
    taken = (await everything(log, name))[0]
    assert [(r.offset, r.key, r.value) for r in taken] == [
        (0, b"a", b"old"),
        (2, b"c", b"old"),
        (4, b"e", b"old"),
        (5, b"b", b"new"),
        (6, b"d", None),
    ]
    reader = await log.reader(name)
    await reader.assign({0: 3})  # a position that compaction took
    assert [record.offset for record in (await take(reader, 3))[0]] == [4, 5, 6]
    assert stored_bytes(log.url) > 0


async def test_compaction_of_what_is_live_changes_nothing(log: LocalLog, name: str) -> None:
    await create(log, name, cleanup_policy="compact")
    await publish(log, name, (b"a", b"1"), (b"b", b"2"))
    before = (await everything(log, name))[0]
    for _ in range(2):
        compact_now(log.url)
    assert (await everything(log, name))[0] == before
