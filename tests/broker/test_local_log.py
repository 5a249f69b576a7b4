"""The embedded log alone: its file, its bounds, what it says when something is wrong with it."""

import asyncio
import gc
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from streamgmm.broker.interface import Topic
from streamgmm.broker.local_log import BUFFER_BYTES, LocalLog
from streamgmm.broker.local_log_append import Appender, identify
from streamgmm.broker.local_log_database import Database
from streamgmm.broker.local_log_read import FETCH_BYTES
from streamgmm.broker.local_log_topics import create_topic, find_offsets, stored_topic
from streamgmm.errors import BrokerError, BrokerUnavailable, CorruptBatch, TransactionFailed
from streamgmm.records.columns import Record, nbytes, of_records, records_of
from tests.broker.traffic import create, everything, now, publish, records, take, values


@pytest.fixture
async def log(local_url: str) -> AsyncIterator[LocalLog]:
    async with LocalLog(local_url, lock_timeout=0.2) as opened:
        yield opened


@pytest.fixture
def path(local_url: str) -> Path:
    return Path(local_url.removeprefix("sqlite:///"))


def damage(path: Path, offset: int) -> None:
    """Turns a byte of the batch that ends with this offset."""
    with sqlite3.connect(path) as connection:
        (data,) = connection.execute("SELECT data FROM batches WHERE last_offset = ?", (offset,)).fetchone()
        changed = data[:-1] + bytes([data[-1] ^ 0xFF])
        connection.execute("UPDATE batches SET data = ? WHERE last_offset = ?", (changed, offset))
    connection.close()


async def test_a_fetch_is_bounded_and_fair(log: LocalLog, name: str) -> None:
    await create(log, name, partitions=3)
    for partition in range(3):
        await publish(log, name, *("x" * 1000 for _ in range(8000)), partition=partition)
    reader = await log.reader(name)
    await reader.assign(dict.fromkeys(range(3), 0))
    counts = []
    while fetched := await reader.fetch(timeout=0):
        assert sum(map(nbytes, fetched.values())) < 2 * FETCH_BYTES
        counts.append({partition: len(columns.offsets) for partition, columns in fetched.items()})
    assert set(counts[0]) == {0, 1, 2}
    assert [sum(count.get(p, 0) for count in counts) for p in range(3)] == [8000] * 3


async def test_every_partition_has_its_turn(log: LocalLog, name: str) -> None:
    """Also where a batch of each would be more than a fetch may hold."""
    await create(log, name, partitions=12)
    for partition in range(12):
        await publish(log, name, "x" * 1_000_000, "y" * 1_000_000, partition=partition)
    reader = await log.reader(name)
    await reader.assign(dict.fromkeys(range(12), 0))
    seen: set[int] = set()
    for _ in range(9):
        seen |= set(await reader.fetch(timeout=0))
    assert seen == set(range(12))


async def test_a_writer_without_id_does_not_wait_for_the_commit_with_much(log: LocalLog, name: str) -> None:
    await create(log, name)
    writer = await log.writer()
    small = await writer.send(name, 0, records("small"))
    assert not small.done()
    large = await writer.send(name, 0, records("x" * (BUFFER_BYTES // 2), "x" * (BUFFER_BYTES // 2)))
    assert (small.result(), large.result()) == (0, 1)
    assert len((await everything(log, name))[0]) == 3


async def test_a_damaged_batch_is_named_after_the_good_ones(log: LocalLog, name: str, path: Path) -> None:
    await create(log, name)
    await publish(log, name, "a", "b")
    await publish(log, name, "c", "d", "e")
    await publish(log, name, "f")
    damage(path, 4)
    reader = await log.reader(name)
    await reader.assign({0: 1})
    assert values(records_of((await reader.fetch(timeout=0))[0])) == ["b"]
    for _ in range(2):
        with pytest.raises(CorruptBatch, match="checksum") as damaged:
            await reader.fetch(timeout=0)
        where = (damaged.value.topic, damaged.value.partition, damaged.value.offset, damaged.value.next_offset)
        assert where == (name, 0, 2, 5)
    await reader.assign({0: damaged.value.next_offset})
    assert values((await take(reader, 1))[0]) == ["f"]


async def test_a_damaged_batch_is_left_as_it_is_by_compaction(log: LocalLog, name: str, path: Path) -> None:
    await create(log, name, cleanup_policy="compact")
    writer = await log.writer()
    for value in (b"0", b"1"):
        await writer.send(name, 0, of_records([Record(0, now(), b"key", value)], 0))
    await writer.commit()
    damage(path, 0)
    await writer.send(name, 0, of_records([Record(0, now(), b"key", b"x" * 1_040_000)], 0))
    await writer.send(name, 0, of_records([Record(0, now(), b"key", b"x" * 1_040_000)], 0))
    await writer.commit()
    reader = await log.reader(name)
    await reader.assign({0: 0})
    with pytest.raises(CorruptBatch):
        await reader.fetch(timeout=0)
    await reader.assign({0: 1})
    assert [record.offset for record in (await take(reader, 1))[0]] == [3]


async def test_a_time_inside_a_damaged_batch_is_found_at_its_start(log: LocalLog, name: str, path: Path) -> None:
    await create(log, name)
    await publish(log, name, "a", "b")
    damage(path, 1)
    assert await log.offsets(name, 0) == {0: 0}


async def test_a_locked_file_fails_the_transaction_by_name(log: LocalLog, name: str, path: Path) -> None:
    await create(log, name)
    writer = await log.writer(name)
    await writer.begin()
    sent = await writer.send(name, 0, records("a"))
    other = Database(path, 1)
    with other.writing(), pytest.raises(TransactionFailed, match=r"log\.db is locked by another process: wait"):
        await writer.commit()
    assert sent.exception() is not None
    with other.writing(), pytest.raises(BrokerUnavailable, match="is locked"):
        await log.writer(name)
    other.close()
    with pytest.raises(TransactionFailed):  # also when the lock is gone: the writer has failed
        await writer.commit()


async def test_closing_gives_up_waiting_for_a_lock(local_url: str, name: str, path: Path) -> None:
    async with LocalLog(local_url, lock_timeout=100) as log:
        await create(log, name)
        writer = await log.writer()
        await writer.send(name, 0, records("a"))
        other = Database(path, 1)
        with other.writing():
            commit = asyncio.create_task(writer.commit())
            await asyncio.sleep(0)  # the commit is under way
            await writer.close()
            with pytest.raises((TransactionFailed, asyncio.CancelledError)):
                await commit
        other.close()


def test_a_full_disk_fails_the_transaction_by_name(path: Path, name: str) -> None:
    database = Database(path, 1)
    create_topic(database, Topic(name, 1, 1, {}))
    appender = Appender(identify(database, name), "none")
    pages = database.connection.execute("PRAGMA page_count").fetchone()[0]
    database.connection.execute(f"PRAGMA max_page_count={pages + 5}")
    appender.begin(database)
    for _ in range(3):
        appender.add(database, name, 0, records("x" * 100_000))
    with pytest.raises(TransactionFailed, match=r"log\.db cannot grow, the disk is full: make room"):
        appender.write(database, None)
    assert find_offsets(database, stored_topic(database, name), "latest") == {0: 0}
    database.close()


async def test_what_a_cancelled_write_fails_with_is_nobody_s_news(
    log: LocalLog, name: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told by the cancellation; the event loop must not print it once more when the write has ended."""
    await create(log, name)
    writer, other = await log.writer(), Database(path, 1)
    await writer.send(name, 0, records("a"))
    with other.writing():
        commit = asyncio.create_task(writer.commit())
        await asyncio.sleep(0.05)  # it waits for the lock
        commit.cancel()
        with pytest.raises(asyncio.CancelledError):
            await commit
        again = asyncio.create_task(writer.commit())  # refused in the thread, where it waits behind the first
        await asyncio.sleep(0)
        again.cancel()
    with pytest.raises((asyncio.CancelledError, TransactionFailed)):
        await again
    other.close()
    await log.topic(name)
    gc.collect()
    await asyncio.sleep(0.05)
    assert "never retrieved" not in caplog.text


async def test_a_cancelled_commit_ends_the_writer(log: LocalLog, name: str) -> None:
    await create(log, name)
    writer = await log.writer(name)
    await writer.begin()
    await writer.send(name, 0, records("a"))
    commit = asyncio.create_task(writer.commit())
    await asyncio.sleep(0)
    commit.cancel()
    with pytest.raises(asyncio.CancelledError):
        await commit
    with pytest.raises(TransactionFailed, match="outcome is unknown"):
        await writer.commit()


async def test_what_is_not_there_is_named(log: LocalLog, name: str) -> None:
    with pytest.raises(BrokerError, match=f"no topic {name}"):
        await log.reader(name)
    with pytest.raises(BrokerError, match=f"no topic {name}"):
        await log.offsets(name, "latest")
    await create(log, name, partitions=2)
    writer, reader = await log.writer(), await log.reader(name)
    with pytest.raises(BrokerError, match=f"topic {name} has 2 partitions"):
        await writer.send(name, 2, records("a"))
    with pytest.raises(BrokerError, match=f"topic {name} has 2 partitions"):
        await reader.assign({5: 0})


async def test_a_record_too_large_is_told_its_size(log: LocalLog, name: str) -> None:
    await create(log, name, max_message_bytes="1000")
    writer = await log.writer()
    with pytest.raises(BrokerError, match=rf"topic {name} refuses .* of 10\d\d bytes; 1000 are allowed"):
        await writer.send(name, 0, records("x" * 1000))


async def test_a_transaction_is_not_begun_inside_another(log: LocalLog, name: str) -> None:
    writer = await log.writer(name)
    await writer.begin()
    with pytest.raises(TransactionFailed, match="inside another"):
        await writer.begin()


async def test_what_cannot_be_a_log_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is not a database, it is a text file\n" * 50)
    with pytest.raises(BrokerError, match="is not a streamgmm log"):
        await LocalLog(f"sqlite:///{tmp_path}/text", lock_timeout=1).__aenter__()
    with pytest.raises(BrokerError, match="directory must exist"):
        await LocalLog(f"sqlite:///{tmp_path}/absent/log.db", lock_timeout=1).__aenter__()


async def test_an_unknown_schema_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "later.db") as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(BrokerError, match="schema 99"):
        await LocalLog(f"sqlite:///{tmp_path}/later.db", lock_timeout=1).__aenter__()


def test_a_file_made_by_many_at_once_is_whole(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for database in pool.map(lambda _: Database(path, 5), range(8)):
            assert database.connection.execute("SELECT count(*) FROM topics").fetchone() == (0,)
            database.close()


async def test_a_log_opened_again_holds_what_it_held(local_url: str, name: str) -> None:
    async with LocalLog(local_url, lock_timeout=1) as log:
        await create(log, name, retention_bytes="12345")
        await publish(log, name, "a")
    async with LocalLog(local_url, lock_timeout=1) as log:
        topic = await log.topic(name)
        assert topic is not None
        assert topic.config["retention.bytes"] == "12345"
        assert values((await everything(log, name))[0]) == ["a"]
