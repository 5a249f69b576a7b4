"""Reading the embedded log: record batches from positions on, as columns.

A read is one consistent view of the file. It takes whole batches up to a bound in bytes, shared evenly among the
partitions that have news; the first to be served changes from call to call. Records below the wanted position inside
the first batch are left out; a position moves over what compaction took. Waiting asks for SQLite's count of commits
every ten milliseconds, which reads a few bytes of shared memory.
"""

import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streamgmm.broker.local_log_database import Database
from streamgmm.broker.local_log_topics import StoredTopic
from streamgmm.errors import CorruptBatch, RecordsLost
from streamgmm.records import record_batch
from streamgmm.records.columns import RecordColumns, concatenate, take

FETCH_BYTES = 4 * 1024 * 1024
POLL = 0.01  # s between two looks for news


class StoredBatch(NamedTuple):
    """One row of the table of batches."""

    base_offset: int
    last_offset: int
    data: bytes


def read_or_wait(
    database: Database,
    topic: StoredTopic,
    positions: Mapping[int, int],
    *,
    timeout: float,
    stop: threading.Event,
    check_crcs: bool,
) -> dict[int, RecordColumns]:
    """What lies behind the positions, waited for up to `timeout` seconds or until `stop`. Raises as `read` does."""
    deadline = time.monotonic() + timeout
    while True:
        version = database.version()
        found = read(database, topic, positions, check_crcs=check_crcs)
        if found or not _wait_for_news(database, version, deadline, stop):
            return found


def _wait_for_news(database: Database, version: int, deadline: float, stop: threading.Event) -> bool:
    """Whether another connection has committed since `version`."""
    while (left := deadline - time.monotonic()) > 0:
        if stop.wait(min(POLL, left)) or database.closing.is_set():
            return False
        if database.version() != version:
            return True
    return False


def read(
    database: Database, topic: StoredTopic, positions: Mapping[int, int], *, check_crcs: bool
) -> dict[int, RecordColumns]:
    """The partitions that have news, served in the order of `positions`.

    Raises RecordsLost where a position is out of range, CorruptBatch where it has come to a damaged batch.
    """
    with database.reading() as connection:
        behind = _behind(connection, topic, positions)
        found = _batches(connection, topic, behind)
    return {number: _columns(topic, number, behind[number], batches, check_crcs) for number, batches in found.items()}


def _behind(connection: sqlite3.Connection, topic: StoredTopic, positions: Mapping[int, int]) -> dict[int, int]:
    """The positions that have something behind them."""
    query = "SELECT log_start, log_end FROM partitions WHERE id = ?"
    behind = {}
    for number, position in positions.items():
        start, end = connection.execute(query, (topic.partition_id(number),)).fetchone()
        if not start <= position <= end:
            raise RecordsLost(topic.name, number, position, start if position < start else end)
        if position < end:
            behind[number] = position
    return behind


def _batches(
    connection: sqlite3.Connection, topic: StoredTopic, behind: Mapping[int, int]
) -> dict[int, list[StoredBatch]]:
    """Whole batches, each partition an even share of what the ones before it left of the bound."""
    found: dict[int, list[StoredBatch]] = {}
    left = FETCH_BYTES
    for number, position in behind.items():
        if left <= 0:
            break
        share = left // (len(behind) - len(found))
        found[number] = _up_to(share, connection, topic.partition_id(number), position)
        left -= sum(len(batch.data) for batch in found[number])
    return found


def _up_to(share: int, connection: sqlite3.Connection, partition_id: int, position: int) -> list[StoredBatch]:
    """The batches from the one that holds the position on: the first one, and more until there are `share` bytes."""
    query = """SELECT base_offset, last_offset, data FROM batches WHERE partition_id = ? AND last_offset >= ?
               ORDER BY last_offset"""
    batches = []
    for row in connection.execute(query, (partition_id, position)):
        batches.append(StoredBatch(*row))
        share -= len(row[2])
        if share <= 0:
            break
    return batches


def _columns(
    topic: StoredTopic, number: int, position: int, batches: Sequence[StoredBatch], check_crcs: bool
) -> RecordColumns:
    """The good records from the position on. Raises CorruptBatch where there is a damaged batch and none before it."""
    parts: list[RecordColumns] = []
    for batch in batches:
        try:
            parts.append(_from_position(record_batch.parse(batch.data, check_crc=check_crcs), batch, position))
        except record_batch.BadBatch as error:
            if parts:
                break
            where = max(position, batch.base_offset)
            raise CorruptBatch(topic.name, number, where, batch.last_offset + 1, str(error)) from error
    return concatenate(parts)


def _from_position(columns: RecordColumns, batch: StoredBatch, position: int) -> RecordColumns:
    wanted = columns if batch.base_offset >= position else take(columns, columns.offsets >= position)
    return wanted._replace(position=batch.last_offset + 1)
