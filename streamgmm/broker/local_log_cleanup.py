"""What leaves the embedded log: retention by size and compaction, both inside the commit that calls for them.

Retention takes the oldest whole batches while at least `retention.bytes` stay, and moves the log's start, as Kafka
does with its segments. Freed pages are used again, so the file stops growing; it does not shrink. One commit takes at
most SLICE_BYTES, or twice what it appends: a topic whose `retention.bytes` was lowered shrinks with the commits that
follow, and none of them waits long.

Compaction keeps the last record of every key, also where its value is null, each at its offset. It runs when more has
been appended since the last run than that run left (and at least COMPACT_BYTES), so a partition holds at most twice
its live records and COMPACT_BYTES, and a byte appended pays for a constant number of bytes read. A damaged batch is
left as it is.
"""

import sqlite3
from collections.abc import Iterator, Sequence

import numpy as np

from streamgmm.broker.local_log_batches import INSERT, row_of
from streamgmm.broker.local_log_topics import Limits
from streamgmm.records import record_batch
from streamgmm.records.columns import Int64, RecordColumns, string, take

COMPACT_BYTES = 1024 * 1024
SLICE_BYTES = 4 * 1024 * 1024
LARGEST_BATCH = 2**31 - 1  # what was taken once is not measured again


def clean(connection: sqlite3.Connection, partition_id: int, limits: Limits, appended: int) -> None:
    """Takes from the partition what its topic's policies let go, for a commit that appends so many bytes."""
    query = "SELECT bytes, uncompacted_bytes FROM partitions WHERE id = ?"
    size, uncompacted = connection.execute(query, (partition_id,)).fetchone()
    if limits.compacted and uncompacted > max(COMPACT_BYTES, size - uncompacted):
        compact(connection, partition_id)
    elif limits.retention_bytes is not None and size > limits.retention_bytes:
        retain(connection, partition_id, size - limits.retention_bytes, max(SLICE_BYTES, 2 * appended))


def retain(connection: sqlite3.Connection, partition_id: int, surplus: int, slice_: int) -> None:
    """Deletes the oldest batches, `surplus` bytes of them at most, and no more at once than `slice_` or one batch."""
    query = "SELECT last_offset, size FROM batches WHERE partition_id = ? ORDER BY last_offset"
    start, freed = None, 0
    for last_offset, size in connection.execute(query, (partition_id,)):
        if freed + size > (min(surplus, slice_) if freed else surplus):
            break
        start, freed = last_offset + 1, freed + size
    if start is None:
        return
    connection.execute("DELETE FROM batches WHERE partition_id = ? AND last_offset < ?", (partition_id, start))
    update = "UPDATE partitions SET log_start = ?, bytes = bytes - ? WHERE id = ?"
    connection.execute(update, (start, freed, partition_id))


def compact(connection: sqlite3.Connection, partition_id: int) -> None:
    """Deletes every record that a later one with the same key has superseded."""
    last = _last_offsets(connection, partition_id)
    for rowid, columns in _good_batches(connection, partition_id):
        live = np.fromiter((last[string(columns.keys, i)] == o for i, o in enumerate(columns.offsets)), bool)
        if not live.all():
            connection.execute("DELETE FROM batches WHERE rowid = ?", (rowid,))
            _insert(connection, partition_id, take(columns, live))
    update = """UPDATE partitions SET uncompacted_bytes = 0,
                bytes = (SELECT coalesce(sum(size), 0) FROM batches WHERE partition_id = partitions.id) WHERE id = ?"""
    connection.execute(update, (partition_id,))


def _last_offsets(connection: sqlite3.Connection, partition_id: int) -> dict[bytes | None, int]:
    last: dict[bytes | None, int] = {}
    for _, columns in _good_batches(connection, partition_id):
        last.update((string(columns.keys, i), offset) for i, offset in enumerate(columns.offsets.tolist()))
    return last


def _good_batches(connection: sqlite3.Connection, partition_id: int) -> Iterator[tuple[int, RecordColumns]]:
    """Rows of the partition with their records, in offset order; the list of rows is fixed at the start."""
    query = "SELECT rowid FROM batches WHERE partition_id = ? ORDER BY last_offset"
    for (rowid,) in connection.execute(query, (partition_id,)).fetchall():
        (data,) = connection.execute("SELECT data FROM batches WHERE rowid = ?", (rowid,)).fetchone()
        try:
            yield rowid, record_batch.parse(data)
        except record_batch.BadBatch:
            continue


def _insert(connection: sqlite3.Connection, partition_id: int, columns: RecordColumns) -> None:
    """Writes the records at their offsets: a batch for each run without a gap, for a batch numbers its records so."""
    for run in _runs(columns.offsets):
        (batch,) = record_batch.write(take(columns, run), max_bytes=LARGEST_BATCH)
        record_batch.stamp(batch, base_offset=int(columns.offsets[run[0]]))
        connection.execute(INSERT, row_of(partition_id, batch))


def _runs(offsets: Int64) -> Sequence[Int64]:
    """Indices of the stretches of consecutive offsets."""
    return np.split(np.arange(len(offsets)), np.flatnonzero(np.diff(offsets) != 1) + 1) if len(offsets) else []
