"""Writes to Kafka through aiokafka's producer: idempotent, or in transactions.

The outcome is unknown as soon as anything fails, in a transaction and of an idempotent producer alike (the broker takes
no batch behind a lost one). So nothing is aborted or tried again here: every error becomes TransactionFailed, and the
writer is good for nothing but `close`. aiokafka commits over failed sends without a word (the failure is only in their
futures), so every future is awaited before the commit.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition

from streamgmm.broker.interface import DEFAULT_MESSAGE_BYTES, GroupOffsets, Send
from streamgmm.broker.kafka_close import abandon, hush
from streamgmm.broker.kafka_cluster import KafkaCluster
from streamgmm.broker.kafka_connection import REFUSALS, reason
from streamgmm.broker.kafka_internals import WrittenBatch, unasked
from streamgmm.errors import BrokerError, BrokerUnavailable, TransactionFailed
from streamgmm.records import record_batch
from streamgmm.records.codecs import Codec
from streamgmm.records.columns import RecordColumns, records_of

BATCH_BYTES = 1 << 20  # larger batches only where a record needs one
REQUEST_BYTES = 16 << 20  # of the batches that leave together, one of each partition
ASKING_SECONDS = 1.0  # for the reason of a silence


class Batching(NamedTuple):
    """How records become batches."""

    whole: bool  # written whole in compiled code, not record by record through aiokafka's public calls
    codec: Codec


async def side_by_side(parts: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """All of these. Where one fails the others are given up; a refusal says more than what it has brought about."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
    failures = [error for task in tasks if task.done() and not task.cancelled() and (error := task.exception())]
    for error in sorted(failures, key=lambda error: not isinstance(error, REFUSALS)):
        raise error


def appended(columns: RecordColumns, producer: AIOKafkaProducer) -> list[Any]:
    """The records through aiokafka's own builder, in batches of the producer's `max_batch_size`."""
    batches = [producer.create_batch()]
    for record in records_of(columns):
        parts = {"key": record.key, "value": record.value, "headers": list(record.headers)}
        if batches[-1].append(timestamp=record.timestamp, **parts) is None:
            batches.append(producer.create_batch())
            batches[-1].append(timestamp=record.timestamp, **parts)
    return batches


class KafkaWriter:
    """Without a transactional id: see `interface.Writer`. Any one call takes `patience` (s) at most."""

    _transactional = False

    def __init__(self, producer: AIOKafkaProducer, cluster: KafkaCluster, patience: float, how: Batching) -> None:
        self._producer, self._cluster, self._patience, self._how = producer, cluster, patience, how
        self._limits: dict[str, int] = {}
        self._sent: list[tuple[str, asyncio.Future[Any]]] = []
        self._failure: str | None = None
        self.closed = False

    async def begin(self) -> None:
        """Does nothing: there is no transaction."""

    async def send(self, topic: str, partition: int, columns: RecordColumns) -> asyncio.Future[int]:
        """See `interface.Writer`. Raises BrokerError where the topic is absent or a record too large for it."""
        async with self._all_or_nothing(f"writing to topic {topic}"):
            (written,) = await self._batches([Send(topic, partition, columns)])
            sent = await self._in_order(topic, partition, written)
        return self._first_offset(topic, sent)

    async def send_all(self, sends: Sequence[Send]) -> None:
        """See `interface.Writer`. One request takes a batch of each partition, so that all begin at once."""
        if not sends:
            return
        async with self._all_or_nothing(f"writing to topic {', '.join(sorted({send.topic for send in sends}))}"):
            by_place: dict[tuple[str, int], list[Any]] = {}
            for send, written in zip(sends, await self._batches(sends), strict=True):
                by_place.setdefault((send.topic, send.partition), []).extend(written)
            await side_by_side([self._in_order(*place, each) for place, each in by_place.items()])

    async def commit(self, offsets: GroupOffsets | None = None) -> None:
        """Wait for the acknowledgements; `offsets` need a transaction and are left out."""
        async with self._all_or_nothing("waiting for acknowledgements"):
            await self._acknowledged()

    async def close(self) -> None:
        """See `interface.Writer`. What was not acknowledged may or may not be written."""
        self.closed = True
        await abandon(self._producer)
        hush([*(future for _, future in self._sent), *unasked(self._producer)])

    @contextlib.asynccontextmanager
    async def _all_or_nothing(self, what: str) -> AsyncIterator[None]:
        """Whatever goes wrong inside spoils the writer. Only what is refused before it is sent stays a BrokerError."""
        if self._failure is not None:
            raise TransactionFailed(f"{self._failure}; this writer cannot go on")
        try:
            async with asyncio.timeout(self._patience):
                yield
        except BaseException as error:  # fenced, expired, a broker lost, a caller's cancellation, aiokafka's own states
            cause = self._refusal() or error
            why = await self._late() if isinstance(error, TimeoutError) else reason(cause)
            self._failure = f"{what} on Kafka at {self._cluster.address} failed: {why}"
            if isinstance(error, BrokerError) and not isinstance(error, BrokerUnavailable):
                raise
            if not isinstance(error, Exception):
                raise
            if isinstance(cause, REFUSALS):
                raise BrokerError(self._failure) from cause
            raise TransactionFailed(self._failure) from error

    def _refusal(self) -> BaseException | None:
        """What has been sent and refused, whatever that has led to since."""
        said = (future.exception() for _, future in self._sent if future.done() and not future.cancelled())
        return next((error for error in said if isinstance(error, REFUSALS)), None)

    async def _late(self) -> str:
        """aiokafka tries again without a word where a topic was deleted: that is asked for here."""
        gone = []
        with contextlib.suppress(BrokerError, TimeoutError):
            async with asyncio.timeout(ASKING_SECONDS):
                gone = [topic for topic in {topic for topic, _ in self._sent} if not await self._cluster.leaders(topic)]
        deleted = f": topic {', '.join(gone)} was deleted" if gone else ""
        return f"no answer within {self._patience:g} s{deleted}"

    async def _acknowledged(self) -> None:
        sent = self._sent
        if sent:
            await asyncio.wait([future for _, future in sent], return_when=asyncio.FIRST_EXCEPTION)
        for topic, future in sent:
            if future.done() and (error := future.exception()):
                refusal = BrokerError if isinstance(error, REFUSALS) else TransactionFailed
                raise refusal(f"topic {topic} refused a write: {reason(error)}")
        self._sent = []

    def _first_offset(self, topic: str, sent: list["asyncio.Future[Any]"]) -> asyncio.Future[int]:
        first: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if not sent:
            first.set_result(-1)
            return first

        def acknowledged(future: "asyncio.Future[Any]") -> None:
            if first.done() or future.cancelled():
                return
            if error := future.exception():
                first.set_exception(TransactionFailed(f"topic {topic} refused a write: {reason(error)}"))
                first.exception()  # the commit raises it: nobody need ask this future
            else:
                first.set_result(future.result().offset)

        sent[0].add_done_callback(acknowledged)
        return first

    async def _in_order(self, topic: str, partition: int, batches: Sequence[Any]) -> list["asyncio.Future[Any]"]:
        """A partition's batches: aiokafka takes the next one when the one before is on its way."""
        sent: list[asyncio.Future[Any]] = []
        for batch in batches:
            sent.append(await self._producer.send_batch(batch, topic, partition=partition))
            self._sent.append((topic, sent[-1]))
        return sent

    async def _batches(self, sends: Sequence[Send]) -> list[Sequence[Any]]:
        """Of each send. Compiled code writes and packs them in a thread: the event loop goes on moving bytes."""
        limits = [await self._limit(send.topic) for send in sends]
        if not self._how.whole:
            return [appended(send.columns, self._producer) for send in sends]
        most = min(BATCH_BYTES, REQUEST_BYTES // len({(send.topic, send.partition) for send in sends}))
        return await asyncio.to_thread(lambda: [self._written(*each, most) for each in zip(sends, limits, strict=True)])

    def _written(self, send: Send, limit: int, most: int) -> list[WrittenBatch]:
        """Raises BrokerError for a record above the topic's limit."""
        write = partial(record_batch.write, send.columns, transactional=self._transactional, codec=self._how.codec)
        try:
            batches = _within(limit, most, write)
        except record_batch.RecordTooLarge as error:
            raise BrokerError(
                f"topic {send.topic} allows {limit} bytes (max.message.bytes): {error}. "
                "Raise the topic's max.message.bytes"
            ) from error
        return [WrittenBatch(batch, transactional=self._transactional) for batch in batches]

    async def _limit(self, topic: str) -> int:
        """The topic's `max.message.bytes`, asked for once."""
        if topic not in self._limits:
            found = await self._cluster.topic(topic)
            if found is None:
                raise BrokerError(f"there is no topic {topic} on Kafka at {self._cluster.address}: create it first")
            self._limits[topic] = int(found.config.get("max.message.bytes", DEFAULT_MESSAGE_BYTES))
        return self._limits[topic]


def _within(limit: int, most: int, write: Callable[..., list[record_batch.Batch]]) -> list[record_batch.Batch]:
    """Batches of at most so many bytes, or as large as the topic allows where a record needs it."""
    try:
        return write(max_bytes=min(limit, most))
    except record_batch.RecordTooLarge as error:
        if error.size > limit:
            raise
        return write(max_bytes=limit)


class TransactionalWriter(KafkaWriter):
    """With a transactional id: see `interface.Writer`."""

    _transactional = True

    async def begin(self) -> None:
        """See `interface.Writer`."""
        async with self._all_or_nothing("beginning a transaction"):
            await self._producer.begin_transaction()

    async def commit(self, offsets: GroupOffsets | None = None) -> None:
        """See `interface.Writer`."""
        async with self._all_or_nothing("committing a transaction"):
            await side_by_side([self._acknowledged(), self._add(offsets)])  # requests while records are on their way
            await self._producer.commit_transaction()

    async def _add(self, offsets: GroupOffsets | None) -> None:
        if offsets is not None and offsets.positions:
            positions = {TopicPartition(offsets.topic, p): int(o) for p, o in offsets.positions.items()}
            await self._producer.send_offsets_to_transaction(positions, offsets.group)
