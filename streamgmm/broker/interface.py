"""What a broker promises, whichever it is: one contract-test suite runs over all of them.

A broker holds topics of numbered partitions; a partition is a log of record batches in Kafka's format v2. A reader
sees committed records only, unless it asks otherwise. A writer with a transactional id publishes all of a
transaction or nothing, and fences the writer that had the id before it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol, Self

from streamgmm.records.codecs import Codec
from streamgmm.records.columns import RecordColumns

DEFAULT_MESSAGE_BYTES = 1_048_588  # a topic's max.message.bytes where its configuration does not say

Isolation = Literal["read_committed", "read_uncommitted"]
Where = Literal["earliest", "latest"]


class Topic(NamedTuple):
    """A topic as it is, or as it is to be created. `config` has Kafka's names (`cleanup.policy`, ...)."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


class GroupOffsets(NamedTuple):
    """Positions to publish for lag tools, in a consumer group of their own."""

    group: str
    topic: str
    positions: Mapping[int, int]


class Send(NamedTuple):
    """Records for one partition of a topic."""

    topic: str
    partition: int
    columns: RecordColumns


class Reader(Protocol):
    """Reads partitions of one topic, each in offset order."""

    async def assign(self, positions: Mapping[int, int]) -> None:
        """Read these partitions from these offsets on. A second call replaces the first whole."""

    async def fetch(self, *, timeout: float) -> dict[int, RecordColumns]:
        """What has arrived, at most `timeout` seconds later; may be empty. Bounded in bytes.

        Raises RecordsLost where a position is out of range, CorruptBatch where a batch is damaged (the good records
        before it were returned first, by an earlier call), BrokerUnavailable where the broker does not answer. After
        an error, and after a fetch that was cancelled, the positions are those before it.
        """

    async def close(self) -> None:
        """Give up what is held. Never blocks on an absent broker."""


class Writer(Protocol):
    """Publishes records. With a transactional id: all of a transaction or nothing.

    Whatever raises TransactionFailed has an unknown outcome: close the writer and start again from the checkpoint.
    A writer that finds itself fenced raises TransactionFailed too: a lost connection looks the same.
    """

    async def begin(self) -> None:
        """Begin a transaction (does nothing without a transactional id)."""

    async def send(self, topic: str, partition: int, columns: RecordColumns) -> asyncio.Future[int]:
        """Write the records (offsets ignored); the future holds the offset of the first once committed.

        What the broker refuses (a record too large, a timestamp too far ahead, no key in a compacted topic, no such
        partition) raises BrokerError or TransactionFailed here or in the future, and in every case fails the commit.
        """

    async def send_all(self, sends: Sequence[Send]) -> None:
        """As `send` of each, for what belongs together: no partition waits for another, each keeps its order."""

    async def commit(self, offsets: GroupOffsets | None = None) -> None:
        """Wait for every send, then commit; without a transactional id, wait for the acknowledgements.

        Raises TransactionFailed where a send failed, with or without a transactional id.
        """

    async def close(self) -> None:
        """Give up the writer; an open transaction is left to be aborted. Never blocks on an absent broker."""


class Broker(Protocol):
    """A cluster. `async with` opens it, and closes it with its readers and writers.

    Opening raises BrokerUnavailable when nobody answers.
    """

    url: str

    @property
    def fast_path(self) -> bool | None:
        """Whether records travel as whole batches; None where there is no other way."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exception: object) -> None: ...

    async def topic(self, name: str) -> Topic | None:
        """The topic with its effective configuration, or None where it does not exist."""

    async def create_topic(self, topic: Topic) -> None:
        """Create it; does nothing where it exists. Raises BrokerError with the broker's reason."""

    async def offsets(self, topic: str, at: Where | int, *, isolation: Isolation = "read_committed") -> dict[int, int]:
        """For each partition the first offset, the end, or the first offset at or after a time (ms; the end if none).

        Raises BrokerError where there is no such topic.
        """

    async def reader(self, topic: str, *, isolation: Isolation = "read_committed", check_crcs: bool = True) -> Reader:
        """A reader with nothing assigned yet. Raises BrokerError where there is no such topic.

        With read_uncommitted no open transaction holds it back; it may see records that are never committed. Without
        `check_crcs` a damaged batch is only noticed where its structure is.
        """

    async def writer(self, transactional_id: str | None = None, *, compression: Codec = "none") -> Writer:
        """A writer; with a transactional id it fences the predecessor and aborts its open transaction at once.

        `compression` is the codec of the batches that it writes.
        """
