"""Reads partitions of a Kafka topic through aiokafka's public calls, record by record, each fetch as columns.

This is the way for an aiokafka whose internals are not the known ones; `kafka_columns` is several times as fast.

aiokafka gives good records only while nothing is wrong. What it does otherwise, and what is done about it here:

- A position that is out of range: `auto_offset_reset` is none, so it says so; the log's ends are looked up.
- A damaged batch: `getmany` drops the good records before it, of other partitions too, and names no place. So all
  partitions go back to where this reader knows that they were; partitions are then read one by one until the damaged
  one is known, and that one record by record up to the damage. The good records are returned, the next fetch raises.
- An error inside its fetch task, or a broker that is away: `getmany` returns nothing, for ever. The task is watched,
  and so is the time of the last answer.
- Transaction markers and gaps: they move the position without a record, so the position is asked for after each call.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka import errors as kafka

from streamgmm.broker.kafka_close import abandon
from streamgmm.broker.kafka_cluster import KafkaCluster
from streamgmm.broker.kafka_connection import broker_error, reason
from streamgmm.broker.kafka_damage import damaged, lost, old_format
from streamgmm.broker.kafka_internals import fetch_task
from streamgmm.errors import BrokerError, BrokerUnavailable
from streamgmm.records.columns import RecordColumns, of_parts

RECORDS = 5000  # to a fetch: the event loop makes their objects in 5-10 ms; 2 000 cost 10-20 % more a record in all
MARKER_SECONDS = 0.05  # how late it is seen that only markers or gaps have passed
DAMAGED = (kafka.CorruptRecordException, kafka.RecordTooLargeError, kafka.UnsupportedCodecError)


class Damage(NamedTuple):
    """Where reading stopped, and why."""

    partition: int
    error: Exception


class Unreadable(Exception):
    """aiokafka met bytes that it cannot decode, in a partition that it does not name."""


class KafkaReader:
    """See `interface.Reader`. `patience` is how long (s) the broker may stay silent."""

    def __init__(
        self, consumer: AIOKafkaConsumer, topic: str, cluster: KafkaCluster, patience: float, *, check_crcs: bool
    ) -> None:
        self._consumer, self._topic, self._cluster, self._patience = consumer, topic, cluster, patience
        self._check_crcs = check_crcs
        self._positions: dict[TopicPartition, int] = {}
        self._polled: dict[TopicPartition, int | None] = {}
        self._silence = 0.0
        self._one_by_one = False
        self._damage: Damage | None = None
        self.closed = False

    async def assign(self, positions: Mapping[int, int]) -> None:
        """See `interface.Reader`. An assignment loses the positions that were sought, so every partition is sought."""
        leaders = await self._cluster.leaders(self._topic)
        if unknown := sorted(set(positions) - set(leaders)):
            raise BrokerError(f"topic {self._topic} has {len(leaders)} partitions, there is no {unknown[0]}")
        self._positions = {TopicPartition(self._topic, p): int(offset) for p, offset in positions.items()}
        self._silence, self._one_by_one, self._damage = 0.0, False, None
        self._consumer.assign(list(self._positions))
        self._rewind()

    async def fetch(self, *, timeout: float) -> dict[int, RecordColumns]:
        """See `interface.Reader`; at most 5 000 records."""
        await self._raise_damage()
        if not self._positions:
            await asyncio.sleep(timeout)
            return {}
        clock = asyncio.get_running_loop().time
        began = clock()
        end = began + timeout
        while not (moved := await self._moved(await self._records(max(end - began, 0)))):
            await self._raise_damage()
            await self._listen(clock() - began)
            began = clock()
            if began >= end:
                return {}
        self._silence = 0.0
        return moved

    async def close(self) -> None:
        """See `interface.Reader`."""
        self.closed = True
        await abandon(self._consumer)

    async def _records(self, seconds: float) -> dict[TopicPartition, list[ConsumerRecord]]:
        """What comes within a part of `seconds`: `getmany` waits on where markers and gaps are all that passes."""
        if self._one_by_one:
            return await self._partition_by_partition(seconds)
        try:
            return await self._getmany(min(seconds, MARKER_SECONDS))
        except Unreadable:
            self._one_by_one = True
            self._rewind()
            return await self._partition_by_partition(seconds)

    async def _getmany(self, seconds: float, *partitions: TopicPartition) -> dict[TopicPartition, list[ConsumerRecord]]:
        try:
            records: dict[TopicPartition, list[ConsumerRecord]] = await self._consumer.getmany(
                *partitions, timeout_ms=math.ceil(seconds * 1000), max_records=RECORDS
            )
        except Exception as error:  # a decoder that meets bytes it cannot read fails in any way
            raise await self._understood(error) from error
        return records

    async def _understood(self, error: Exception) -> Exception:
        """What an error from aiokafka's consumer means."""
        if isinstance(error, kafka.OffsetOutOfRangeError):
            (tp,) = error.args[0]
            return await lost(self._cluster, tp, self._positions[tp])
        if isinstance(error, kafka.KafkaError) and not isinstance(error, DAMAGED):
            return broker_error(error, f"reading topic {self._topic}", self._cluster.address)
        return Unreadable(reason(error))

    async def _partition_by_partition(self, seconds: float) -> dict[TopicPartition, list[ConsumerRecord]]:
        for tp in list(self._positions):
            self._positions[tp] = self._positions.pop(tp)  # the next one is the first to be asked next time
            try:
                found = await self._getmany(seconds / len(self._positions), tp)
            except Unreadable:
                return {tp: await self._up_to_damage(tp)}
            if found:
                return found
        return {}

    async def _up_to_damage(self, tp: TopicPartition) -> list[ConsumerRecord]:
        """The good records of a partition, one by one; the damage behind them is kept for the next fetch."""
        self._rewind()
        records: list[ConsumerRecord] = []
        try:
            async with asyncio.timeout(self._patience):
                while len(records) < RECORDS:
                    records.append(await self._consumer.getone(tp))
        except TimeoutError:
            return records
        except asyncio.CancelledError:
            self._rewind()  # what was read so far is read again
            raise
        except Exception as error:  # as in `_getmany`
            understood = await self._understood(error)
            if not isinstance(understood, Unreadable):
                raise understood from error
            self._damage = Damage(tp.partition, understood)
        return records

    async def _raise_damage(self) -> None:
        damage = self._damage
        if damage is None:
            return
        tp = TopicPartition(self._topic, damage.partition)
        error = await damaged(self._cluster, tp, self._positions[tp], str(damage.error), self._check_crcs)
        if isinstance(error, BrokerUnavailable):  # it may pass by itself
            self._damage = None
        raise error

    async def _moved(self, records: Mapping[TopicPartition, list[ConsumerRecord]]) -> dict[int, RecordColumns]:
        """The columns of each partition whose position has moved."""
        moved = {}
        for tp, before in self._positions.items():
            position = await self._consumer.position(tp)
            if position > before:
                moved[tp] = columns_of(records.get(tp, ()), position)
                self._positions[tp] = position
        return {tp.partition: columns for tp, columns in moved.items()}

    async def _listen(self, waited: float) -> None:
        """Raises where nothing will come any more: aiokafka has stopped, the topic is gone, the broker is silent."""
        self._raise_stopped()
        polled = {tp: self._consumer.last_poll_timestamp(tp) for tp in self._positions}
        self._silence = 0.0 if polled != self._polled else self._silence + waited
        self._polled = polled
        if self._silence > self._patience / 2 and not self._consumer.partitions_for_topic(self._topic):
            await self._raise_gone()
        if self._silence > self._patience:
            raise BrokerUnavailable(
                f"Kafka at {self._cluster.address} has not answered for {self._silence:.0f} s "
                f"while reading topic {self._topic}"
            )

    def _raise_stopped(self) -> None:
        task = fetch_task(self._consumer)
        if task is not None and task.done():
            error = None if task.cancelled() else task.exception()
            why = reason(error.__cause__ or error) if error else "it was cancelled"
            raise BrokerUnavailable(f"reading topic {self._topic} has stopped inside aiokafka: {why}") from error

    async def _raise_gone(self) -> None:
        """aiokafka knows the topic no more, and asks on without a word."""
        if not await self._cluster.leaders(self._topic):
            raise BrokerError(
                f"topic {self._topic} on Kafka at {self._cluster.address} was deleted while it was read: there is no "
                "such topic any more"
            )

    def _rewind(self) -> None:
        for tp, offset in self._positions.items():
            self._consumer.seek(tp, offset)


def columns_of(records: Sequence[ConsumerRecord], position: int) -> RecordColumns:
    """Columns of a partition's records. Raises InputUnusable where they are in a message format before v2.

    Only the old formats carry a checksum of their own; brokers since 4.0 hold none of them.
    """
    if records and records[0].checksum is not None:
        first = records[0]
        raise old_format(TopicPartition(first.topic, first.partition), first.offset)
    return of_parts(
        [r.key for r in records],
        [r.value for r in records],
        [r.timestamp for r in records],
        [r.offset for r in records],
        headers=[r.headers for r in records],
        position=position,
    )
