"""Reads partitions of a Kafka topic straight into columns: the fast path.

A `Feed` fetches the stored record batches; they are parsed in compiled code, in a thread, while the next request is on
its way. No record becomes an object. Positions move when a fetch returns: a fetch that was cancelled, or has raised,
has taken nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Never

from aiokafka import TopicPartition
from aiokafka import errors as kafka

from streamgmm.broker.kafka_close import abandon
from streamgmm.broker.kafka_cluster import KafkaCluster
from streamgmm.broker.kafka_connection import broker_error
from streamgmm.broker.kafka_damage import damaged, lost
from streamgmm.broker.kafka_feed import Feed, Piece, joined
from streamgmm.broker.kafka_internals import AIOKafkaClient
from streamgmm.errors import BrokerError, BrokerUnavailable, StreamgmmError
from streamgmm.records import batch_run
from streamgmm.records.batch_run import Run
from streamgmm.records.columns import RecordColumns

FETCH_BYTES = 4 << 20  # of batches to a fetch
LOOK_SECONDS = 0.5  # between two looks whether the broker still answers


class KafkaColumnReader:
    """See `interface.Reader`. `patience` is how long (s) the broker may stay silent."""

    def __init__(
        self,
        client: AIOKafkaClient,
        feed: Feed,
        topic: str,
        cluster: KafkaCluster,
        patience: float,
        *,
        committed: bool,
        check_crcs: bool,
    ) -> None:
        self._client, self._feed, self._topic, self._cluster, self._patience = client, feed, topic, cluster, patience
        self._committed, self._check_crcs = committed, check_crcs
        self._positions: dict[int, int] = {}
        self._damage: dict[int, str] = {}  # partitions with damage at their position, and what it is
        self.closed = False

    async def assign(self, positions: Mapping[int, int]) -> None:
        """See `interface.Reader`."""
        leaders = await self._cluster.leaders(self._topic)
        if unknown := sorted(set(positions) - set(leaders)):
            raise BrokerError(f"topic {self._topic} has {len(leaders)} partitions, there is no {unknown[0]}")
        self._positions = {partition: int(offset) for partition, offset in positions.items()}
        self._damage = {}
        await self._feed.begin(self._positions)

    async def fetch(self, *, timeout: float) -> dict[int, RecordColumns]:
        """See `interface.Reader`; about 4 MiB of batches."""
        if not self._positions:
            await asyncio.sleep(timeout)
            return {}
        clock = asyncio.get_running_loop().time
        end = clock() + timeout
        while True:
            await self._raise_refused()
            pieces = self._feed.first(FETCH_BYTES)
            if pieces and (moved := await self._taken(pieces)):
                return moved
            if not pieces:
                if clock() >= end:
                    return {}
                await self._await_news(end - clock())

    async def close(self) -> None:
        """See `interface.Reader`."""
        self.closed = True
        await self._feed.close()
        await abandon(self._client)

    async def _taken(self, pieces: Sequence[Piece]) -> dict[int, RecordColumns]:
        """The columns of each partition whose position moves by these pieces."""
        runs = await asyncio.to_thread(self._parsed, pieces)
        self._feed.drop(len(pieces))
        moved: dict[int, RecordColumns] = {}
        for number, run in runs.items():
            columns = run.columns
            if number in self._damage:  # what was fetched behind the damage
                continue
            if run.damage is not None:
                self._damage[number] = run.damage.why
            if columns.position > self._positions[number]:
                moved[number], self._positions[number] = columns, columns.position
        return moved

    def _parsed(self, pieces: Sequence[Piece]) -> dict[int, Run]:
        return {
            piece.partition: batch_run.read(
                piece.run, piece.wanted, piece.aborted if self._committed else None, check_crcs=self._check_crcs
            )
            for piece in joined(pieces)
        }

    async def _await_news(self, seconds: float) -> None:
        """Waits for the feed. Raises where nothing will come any more: the topic is gone, the broker is silent."""
        try:
            await self._feed.wait(min(seconds, LOOK_SECONDS))
        except kafka.KafkaError as error:
            raise broker_error(error, f"reading topic {self._topic}", self._cluster.address) from error
        silence = asyncio.get_running_loop().time() - self._feed.heard
        if silence > self._patience / 2 and not self._client.cluster.partitions_for_topic(self._topic):
            await self._raise_gone()
        if silence > self._patience:
            raise BrokerUnavailable(
                f"Kafka at {self._cluster.address} has not answered for {silence:.0f} s "
                f"while reading topic {self._topic}"
            )

    async def _raise_gone(self) -> None:
        if not await self._cluster.leaders(self._topic):
            raise BrokerError(
                f"topic {self._topic} on Kafka at {self._cluster.address} was deleted while it was read: there is no "
                "such topic any more"
            )

    async def _raise_refused(self) -> None:
        """Raises what is wrong at a partition's position, once everything of the partition before it was taken."""
        for number, why in self._damage.items():
            tp = TopicPartition(self._topic, number)
            await self._raise(await damaged(self._cluster, tp, self._positions[number], why, self._check_crcs))
        refused = {p: error for p, error in self._feed.refused.items() if not self._feed.holds(p)}
        for number, error in refused.items():
            if error is kafka.OffsetOutOfRangeError:
                tp = TopicPartition(self._topic, number)
                await self._raise(await lost(self._cluster, tp, self._positions[number]))
            raise broker_error(error(), f"reading {self._topic}/{number}", self._cluster.address)

    async def _raise(self, error: StreamgmmError) -> Never:
        """What may pass by itself is read again when the next fetch asks for it."""
        if isinstance(error, BrokerUnavailable):
            self._damage = {}
            await self._feed.begin(self._positions)
        raise error
