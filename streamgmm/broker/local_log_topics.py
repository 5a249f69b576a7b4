"""Topics of the embedded log: creating them, describing them, finding offsets in them.

A topic keeps every configuration it was given, by Kafka's names and with Kafka's defaults. The log acts on
`cleanup.policy`, `retention.bytes`, `max.message.bytes` and `message.timestamp.after.max.ms`; the others describe a
cluster or segment files, which it does not have. There is no retention by time: unless `retention.bytes` is set,
records stay.
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from streamgmm.broker.interface import Topic, Where
from streamgmm.broker.local_log_database import Database
from streamgmm.errors import BrokerError
from streamgmm.records import record_batch

DEFAULTS = {
    "cleanup.policy": "delete",
    "retention.bytes": "-1",
    "max.message.bytes": "1048588",
    "message.timestamp.after.max.ms": "3600000",
}


class Limits(NamedTuple):
    """The configuration that the log acts on."""

    compacted: bool
    retention_bytes: int | None  # None: records stay
    max_message_bytes: int  # of a record batch with one record
    timestamp_after: int  # ms that a record's time may lie ahead of the clock


class StoredTopic(NamedTuple):
    """A topic as writers and readers of the file know it."""

    name: str
    limits: Limits
    partitions: Mapping[int, int]  # the id in the file by number

    def partition_id(self, number: int) -> int:
        """Raises BrokerError where there is no such partition."""
        if number not in self.partitions:
            raise BrokerError(f"topic {self.name} has {len(self.partitions)} partitions, there is no number {number}")
        return self.partitions[number]


def create_topic(database: Database, topic: Topic) -> None:
    """Does nothing where it exists. Raises BrokerError where its configuration makes no sense."""
    _limits(topic.name, topic.config)
    if topic.partitions < 1:
        raise BrokerError(f"topic {topic.name} needs at least one partition, not {topic.partitions}")
    with database.writing() as connection:
        row = (topic.name, topic.replication, json.dumps(dict(topic.config)))
        insert = "INSERT INTO topics (name, replication, config) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING"
        created = connection.execute(insert, row)
        if created.rowcount:
            partitions = [(created.lastrowid, number) for number in range(topic.partitions)]
            connection.executemany("INSERT INTO partitions (topic_id, number) VALUES (?, ?)", partitions)


def describe_topic(database: Database, name: str) -> Topic | None:
    """The topic with Kafka's defaults for what it was not given."""
    with database.reading() as connection:
        query = """SELECT count(*), replication, config FROM topics JOIN partitions ON topic_id = topics.id
                   WHERE name = ? GROUP BY topics.id"""
        row = connection.execute(query, (name,)).fetchone()
    return None if row is None else Topic(name, row[0], row[1], DEFAULTS | json.loads(row[2]))


def stored_topic(database: Database, name: str) -> StoredTopic:
    """Raises BrokerError where it does not exist."""
    with database.reading() as connection:
        topic = connection.execute("SELECT id, config FROM topics WHERE name = ?", (name,)).fetchone()
        if topic is None:
            raise BrokerError(f"there is no topic {name} in the embedded log {database.path}: create it first")
        partitions = connection.execute("SELECT number, id FROM partitions WHERE topic_id = ?", topic[:1]).fetchall()
    return StoredTopic(name, _limits(name, json.loads(topic[1])), dict(partitions))


def find_offsets(database: Database, topic: StoredTopic, at: Where | int) -> dict[int, int]:
    """Each partition's start, end, or first offset at or after a time (ms; the end if none)."""
    with database.reading() as connection:
        return {number: _offset(connection, id_, at) for number, id_ in sorted(topic.partitions.items())}


def _offset(connection: sqlite3.Connection, partition_id: int, at: Where | int) -> int:
    start, end = connection.execute(
        "SELECT log_start, log_end FROM partitions WHERE id = ?", (partition_id,)
    ).fetchone()
    if isinstance(at, int):
        return _offset_at_time(connection, partition_id, at, int(end))
    return int({"earliest": start, "latest": end}[at])


def _offset_at_time(connection: sqlite3.Connection, partition_id: int, time: int, end: int) -> int:
    query = """SELECT base_offset, data FROM batches WHERE partition_id = ? AND max_timestamp >= ?
               ORDER BY last_offset LIMIT 1"""
    row = connection.execute(query, (partition_id, time)).fetchone()
    if row is None:
        return end
    try:
        columns = record_batch.parse(row[1])
    except record_batch.BadBatch:
        return int(row[0])  # whoever reads from here is told of the damage
    return int(columns.offsets[columns.timestamps >= time][0])


def _limits(name: str, config: Mapping[str, str]) -> Limits:
    whole = DEFAULTS | dict(config)
    try:
        numbers = {key: int(whole[key]) for key in DEFAULTS if key != "cleanup.policy"}
    except ValueError as error:
        raise BrokerError(f"the configuration of topic {name} is refused: {error}") from error
    policies = set(whole["cleanup.policy"].replace(" ", "").split(","))
    if not policies <= {"compact", "delete"}:
        raise BrokerError(f"cleanup.policy of topic {name} is compact, delete or both, not {whole['cleanup.policy']!r}")
    deletes = "delete" in policies and numbers["retention.bytes"] >= 0
    return Limits(
        "compact" in policies,
        numbers["retention.bytes"] if deletes else None,
        numbers["max.message.bytes"],
        numbers["message.timestamp.after.max.ms"],
    )
