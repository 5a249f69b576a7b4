"""Writing to the embedded log: sends are encoded and gathered, then appended together.

Offsets are given out at the commit, under SQLite's write lock, so that writers of several processes never collide. A
transaction is one SQLite transaction: its batches, the group's positions, and what retention and compaction take.
Until then nothing of it is in the file, so there is nothing to abort when a writer dies. Opening a writer under a
transactional id raises the id's epoch; a commit under an older epoch is refused.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from streamgmm.broker.interface import GroupOffsets
from streamgmm.broker.local_log_batches import INSERT, row_of
from streamgmm.broker.local_log_cleanup import clean
from streamgmm.broker.local_log_database import Database
from streamgmm.broker.local_log_topics import StoredTopic, stored_topic
from streamgmm.errors import BrokerError, TransactionFailed
from streamgmm.records import record_batch
from streamgmm.records.codecs import Codec
from streamgmm.records.columns import NULL, RecordColumns


class Identity(NamedTuple):
    """A transactional id as one of its writers holds it."""

    transactional_id: str
    epoch: int


class Gathered(NamedTuple):
    """The batches of one send."""

    topic: StoredTopic
    partition_id: int
    batches: Sequence[record_batch.Batch]


def identify(database: Database, transactional_id: str) -> Identity:
    """Fences the writer that had the id before."""
    with database.writing() as connection:
        upsert = """INSERT INTO writers (transactional_id, epoch) VALUES (?, 0)
                    ON CONFLICT (transactional_id) DO UPDATE SET epoch = epoch + 1 RETURNING epoch"""
        rows = connection.execute(upsert, (transactional_id,)).fetchall()
    return Identity(transactional_id, rows[0][0])


class Refused(BrokerError):
    """A record that Kafka's client would send and its broker refuse: the send's future holds it."""


class Appender:
    """What one writer has sent and not yet written. Used by the writer's thread; after a failure it writes no more."""

    def __init__(self, identity: Identity | None, compression: Codec) -> None:
        self.identity, self._compression = identity, compression
        self.failure: Exception | None = None
        self.bytes = 0
        self._topics: dict[str, StoredTopic] = {}
        self._gathered: list[Gathered] = []

    def begin(self, database: Database) -> None:
        """Raises TransactionFailed where the writer has failed or is fenced."""
        with self._failing(), database.reading() as connection:
            self._check_epoch(connection)

    def add(self, database: Database, topic: str, partition: int, columns: RecordColumns) -> None:
        """Encodes the records. Raises BrokerError where the topic or partition is absent or refuses a record."""
        try:
            stored = self._topics.get(topic) or self._topics.setdefault(topic, stored_topic(database, topic))
            gathered = Gathered(stored, stored.partition_id(partition), _encode(stored, columns, self._compression))
        except BrokerError as error:
            self.failure = self.failure or error
            raise
        self._gathered.append(gathered)
        self.bytes += sum(len(batch.data) for batch in gathered.batches)

    def write(self, database: Database, offsets: GroupOffsets | None) -> list[int]:
        """Writes everything gathered and returns the first offset of each send, in their order.

        Raises TransactionFailed where a send failed, the writer is fenced, or the disk is full or locked.
        """
        with self._failing(), database.writing() as connection:
            self._check_epoch(connection)
            first = [_append(connection, send) for send in self._gathered]
            for partition_id, topic in {send.partition_id: send.topic for send in self._gathered}.items():
                clean(connection, partition_id, topic.limits, self.bytes)
            if offsets is not None:
                _store_group(connection, offsets)
        self._gathered, self.bytes = [], 0
        return first

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Raises an earlier failure, and keeps the body's."""
        if self.failure is not None:
            raise TransactionFailed(f"nothing of this transaction was written: {self.failure}") from self.failure
        try:
            yield
        except (BrokerError, TransactionFailed) as error:
            self.failure = error
            raise TransactionFailed(f"nothing of this transaction was written: {error}") from error

    def _check_epoch(self, connection: sqlite3.Connection) -> None:
        if self.identity is None:
            return
        query = "SELECT epoch FROM writers WHERE transactional_id = ?"
        (epoch,) = connection.execute(query, (self.identity.transactional_id,)).fetchone()
        if epoch != self.identity.epoch:
            raise TransactionFailed(f"another writer has taken over the id {self.identity.transactional_id}")


def _refuse(topic: StoredTopic, columns: RecordColumns) -> None:
    """Raises Refused for the records that Kafka's broker would refuse."""
    latest = time.time() * 1000 + topic.limits.timestamp_after
    ahead = np.flatnonzero(columns.timestamps > latest)
    if ahead.size:
        raise Refused(
            f"topic {topic.name} refuses the timestamp {columns.timestamps[ahead[0]]} ms: it lies more than "
            f"message.timestamp.after.max.ms={topic.limits.timestamp_after} ahead of the clock"
        )
    if topic.limits.compacted and (columns.keys.length == NULL).any():
        raise Refused(f"topic {topic.name} is compacted and refuses a record without a key")


def _encode(topic: StoredTopic, columns: RecordColumns, codec: Codec) -> Sequence[record_batch.Batch]:
    if not len(columns.offsets):
        return []
    _refuse(topic, columns)
    try:
        return record_batch.write(columns, max_bytes=topic.limits.max_message_bytes, codec=codec)
    except record_batch.RecordTooLarge as error:
        raise BrokerError(
            f"topic {topic.name} refuses a record: {error}. Raise the topic's max.message.bytes or send less"
        ) from error


def _append(connection: sqlite3.Connection, send: Gathered) -> int:
    """Puts the batches behind the partition's end and returns the first one's offset."""
    query = "SELECT log_end FROM partitions WHERE id = ?"
    (first,) = connection.execute(query, (send.partition_id,)).fetchone()
    end = first
    rows = []
    for batch in send.batches:
        record_batch.stamp(batch, base_offset=end)
        rows.append(row_of(send.partition_id, batch))
        end += batch.count
    connection.executemany(INSERT, rows)
    size = sum(len(batch.data) for batch in send.batches)
    update = (
        "UPDATE partitions SET log_end = ?, bytes = bytes + ?, uncompacted_bytes = uncompacted_bytes + ? WHERE id = ?"
    )
    connection.execute(update, (end, size, size, send.partition_id))
    return int(first)


def _store_group(connection: sqlite3.Connection, offsets: GroupOffsets) -> None:
    rows = [(offsets.group, offsets.topic, number, position) for number, position in offsets.positions.items()]
    connection.executemany("INSERT OR REPLACE INTO group_offsets VALUES (?, ?, ?, ?)", rows)


def group_positions(database: Database, group: str, topic: str) -> dict[int, int]:
    """What was published for lag tools."""
    with database.reading() as connection:
        query = "SELECT number, position FROM group_offsets WHERE group_id = ? AND topic = ?"
        return dict(connection.execute(query, (group, topic)).fetchall())
