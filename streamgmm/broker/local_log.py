"""The embedded log: a broker in one SQLite file, with the same promises as Kafka and nothing to install.

`sqlite:///path` is relative to the working directory, `sqlite:////path` absolute. The parts, from the bottom:
`local_log_database` (the file and its locks), `local_log_topics`, `local_log_append` and `local_log_read` (what happens
in a transaction of the file), `local_log_cleanup` (retention, compaction), `local_log_thread` (a thread for each
connection), and here what `interface` asks for.

Differences from Kafka that can be seen: an open transaction is not in the file, so that a `read_uncommitted` reader
sees committed records only; there are no transaction markers, and a refused send is known to have written nothing.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from streamgmm.broker.interface import GroupOffsets, Isolation, Send, Topic, Where
from streamgmm.broker.local_log_append import Appender, Refused, group_positions, identify
from streamgmm.broker.local_log_read import read_or_wait
from streamgmm.broker.local_log_thread import DatabaseThread
from streamgmm.broker.local_log_topics import (
    StoredTopic,
    create_topic,
    describe_topic,
    find_offsets,
    stored_topic,
)
from streamgmm.errors import BrokerError, TransactionFailed
from streamgmm.records.codecs import Codec
from streamgmm.records.columns import RecordColumns

PREFIX = "sqlite:///"
BUFFER_BYTES = 1024 * 1024  # what a writer without a transactional id gathers before it writes


class LocalReader:
    """Reads partitions of one topic. Positions move when a fetch returns, so a cancelled fetch loses nothing."""

    def __init__(self, thread: DatabaseThread, topic: StoredTopic, *, check_crcs: bool) -> None:
        self._thread, self._topic, self._check_crcs = thread, topic, check_crcs
        self._positions: dict[int, int] = {}

    async def assign(self, positions: Mapping[int, int]) -> None:
        """Raises BrokerError where there is no such partition."""
        for number in positions:
            self._topic.partition_id(number)
        self._positions = dict(positions)

    async def fetch(self, *, timeout: float) -> dict[int, RecordColumns]:
        """About 4 MiB at most; see `interface.Reader`."""
        stop = threading.Event()
        positions = self._positions
        try:
            found = await self._thread.run(
                read_or_wait,
                self._topic,
                dict(positions),
                timeout=timeout,
                stop=stop,
                check_crcs=self._check_crcs,
            )
        finally:
            stop.set()
        for number, columns in found.items():
            positions[number] = columns.position
        self._let_another_be_first(positions)
        return dict(sorted(found.items()))

    @staticmethod
    def _let_another_be_first(positions: dict[int, int]) -> None:
        if positions:
            first = next(iter(positions))
            positions[first] = positions.pop(first)

    async def close(self) -> None:
        """See `interface.Reader`."""
        await self._thread.close()


class LocalWriter:
    """Gathers what is sent and appends it at the commit; see `interface.Writer`."""

    def __init__(self, thread: DatabaseThread, appender: Appender) -> None:
        self._thread, self._appender = thread, appender
        self._transactional = appender.identity is not None
        self._begun = False
        self._sends: deque[asyncio.Future[int]] = deque()  # in the order in which the appender gathers them

    async def begin(self) -> None:
        """Raises TransactionFailed where the writer is fenced or has failed, or a transaction is open."""
        if not self._transactional:
            return
        if self._begun:
            raise TransactionFailed("a transaction was begun inside another: commit the first, or close the writer")
        await self._thread.run(self._appender.begin)
        self._begun = True

    async def send(self, topic: str, partition: int, columns: RecordColumns) -> asyncio.Future[int]:
        """Raises BrokerError where topic or partition is absent or a record too large; other refusals fail the future.

        Without a transactional id what is gathered is written when it exceeds BUFFER_BYTES; raises as `commit` then.
        """
        self._check_begun()
        sent: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._sends.append(sent)
        try:
            await self._thread.run(self._appender.add, topic, partition, columns)
        except BrokerError as error:
            self._sends.remove(sent)
            if not isinstance(error, Refused):
                raise
            _fail(sent, error)
        if not self._transactional and self._appender.bytes > BUFFER_BYTES:
            await self._write(None)
        return sent

    async def send_all(self, sends: Sequence[Send]) -> None:
        """Raises as `send`."""
        for send in sends:
            await self.send(*send)

    async def commit(self, offsets: GroupOffsets | None = None) -> None:
        """Raises TransactionFailed where a send failed, the writer is fenced, or the file cannot be written."""
        self._check_begun()
        await self._write(offsets)
        self._begun = False

    async def close(self) -> None:
        """See `interface.Writer`. What was not written is forgotten."""
        for sent in self._sends:
            sent.cancel()
        await self._thread.close()

    def _check_begun(self) -> None:
        if self._transactional and not self._begun:
            raise TransactionFailed("nothing was begun: a writer with a transactional id needs `begin` first")

    async def _write(self, offsets: GroupOffsets | None) -> None:
        try:
            first_offsets = await self._thread.run(self._appender.write, offsets)
        except TransactionFailed as error:
            for sent in self._sends:
                _fail(sent, error)
            raise
        except asyncio.CancelledError:
            self._appender.failure = TransactionFailed("a write was cancelled on its way, its outcome is unknown")
            raise
        for first in first_offsets:
            _resolve(self._sends.popleft(), first)


class LocalLog:
    """The embedded log as a `Broker`. `lock_timeout` (s) is how long another process may hold the file's write lock.

    Without `create` opening raises BrokerError where there is no file.
    """

    def __init__(self, url: str, *, lock_timeout: float, create: bool = True) -> None:
        self.url, self._lock_timeout, self._create = url, lock_timeout, create
        self.fast_path: bool | None = None  # there is but one way
        self._path = Path(url.removeprefix(PREFIX))
        self._threads: list[DatabaseThread] = []

    async def __aenter__(self) -> Self:
        """Makes the file where it is absent. Raises BrokerUnavailable or BrokerError where it cannot be used."""
        if not self._create and not self._path.exists():
            raise BrokerError(
                f"the embedded log {self._path.absolute()} does not exist: there is nothing to look at. Name another "
                "file in broker.url, or fill it: streamgmm replay FILE --topic NAME --broker sqlite:///PATH"
            )
        self._thread = await self._open()
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Closes readers and writers too."""
        for thread in self._threads:
            await thread.close()

    async def topic(self, name: str) -> Topic | None:
        """See `interface.Broker`."""
        return await self._thread.run(describe_topic, name)

    async def create_topic(self, topic: Topic) -> None:
        """See `interface.Broker`."""
        await self._thread.run(create_topic, topic)

    async def offsets(self, topic: str, at: Where | int, *, isolation: Isolation = "read_committed") -> dict[int, int]:
        """See `interface.Broker`. Both isolations see the same. Raises BrokerError where the topic is absent."""
        stored = await self._thread.run(stored_topic, topic)
        return await self._thread.run(find_offsets, stored, at)

    async def group_offsets(self, group: str, topic: str) -> dict[int, int]:
        """The positions that a writer published in a group."""
        return await self._thread.run(group_positions, group, topic)

    async def reader(
        self, topic: str, *, isolation: Isolation = "read_committed", check_crcs: bool = True
    ) -> LocalReader:
        """Both isolations see the same. Raises BrokerError where the topic is absent."""
        stored = await self._thread.run(stored_topic, topic)
        return LocalReader(await self._open(), stored, check_crcs=check_crcs)

    async def writer(self, transactional_id: str | None = None, *, compression: Codec = "none") -> LocalWriter:
        """See `interface.Broker`."""
        identity = None if transactional_id is None else await self._thread.run(identify, transactional_id)
        return LocalWriter(await self._open(), Appender(identity, compression))

    async def _open(self) -> DatabaseThread:
        thread = await DatabaseThread.open(self._path, self._lock_timeout)
        self._threads = [*(t for t in self._threads if not t.closed), thread]
        return thread


def _resolve(sent: asyncio.Future[int], first: int) -> None:
    if not sent.done():  # its caller may have cancelled it
        sent.set_result(first)


def _fail(sent: asyncio.Future[int], error: Exception) -> None:
    if not sent.done():
        sent.set_exception(error)
        sent.exception()  # the commit reports it: nobody need ask this future
