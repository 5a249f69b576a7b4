"""A broker that fails where it is told to: each call goes to a real one, and fails before or after it is done there."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from streamgmm.broker.interface import Broker, GroupOffsets, Isolation, Reader, Send, Topic, Where, Writer
from streamgmm.errors import StreamgmmError
from streamgmm.records.codecs import Codec
from streamgmm.records.columns import RecordColumns, take

Fail = Callable[[str], Awaitable[None]]  # is told "begin", "begin done", "send topic", ...; raises to fail there


class Plan:
    """Fails once at the n-th moment of a name, and remembers all moments."""

    def __init__(self, name: str, nth: int, error: StreamgmmError) -> None:
        self.name, self.nth, self.error = name, nth, error
        self.moments: list[str] = []
        self.failed = False

    async def __call__(self, moment: str) -> None:
        self.moments.append(moment)
        if not self.failed and moment == self.name and self.moments.count(moment) == self.nth:
            self.failed = True
            raise self.error


class FaultyBroker:
    """Wraps a broker; readers and transactional writers ask `fail` before and after each call."""

    def __init__(self, inner: Broker, fail: Fail) -> None:
        self.inner, self.fail, self.url, self.fast_path = inner, fail, inner.url, inner.fast_path

    async def __aenter__(self) -> "FaultyBroker":
        await self.fail("connect")
        await self.inner.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.inner.__aexit__(*exception)

    async def topic(self, name: str) -> Topic | None:
        return await self.inner.topic(name)

    async def create_topic(self, topic: Topic) -> None:
        await self.inner.create_topic(topic)

    async def offsets(self, topic: str, at: Where | int, *, isolation: Isolation = "read_committed") -> dict[int, int]:
        return await self.inner.offsets(topic, at, isolation=isolation)

    async def reader(self, topic: str, *, isolation: Isolation = "read_committed", check_crcs: bool = True) -> Reader:
        inner = await self.inner.reader(topic, isolation=isolation, check_crcs=check_crcs)
        return FaultyReader(inner, topic, self.fail)

    async def writer(self, transactional_id: str | None = None, *, compression: Codec = "none") -> Writer:
        await self.fail("open")
        return FaultyWriter(await self.inner.writer(transactional_id, compression=compression), self.fail)


class FaultyReader:
    """Cuts what it fetches into rounds of at most `MOST` records, so that a short stream has many transactions."""

    MOST = 60

    def __init__(self, inner: Reader, topic: str, fail: Fail) -> None:
        self.inner, self.topic, self.fail = inner, topic, fail
        self.rest: dict[int, RecordColumns] = {}

    async def assign(self, positions: Mapping[int, int]) -> None:
        await self.fail(f"assign {self.topic}")
        self.rest = {}
        await self.inner.assign(positions)

    async def fetch(self, *, timeout: float) -> dict[int, RecordColumns]:
        await self.fail(f"fetch {self.topic}")
        fetched = self.rest or await self.inner.fetch(timeout=timeout)
        self.rest = {p: take(c, slice(self.MOST, None)) for p, c in fetched.items() if len(c.offsets) > self.MOST}
        cut = {p: take(c, slice(0, self.MOST)) for p, c in fetched.items()}
        return {p: c._replace(position=int(self.rest[p].offsets[0])) if p in self.rest else c for p, c in cut.items()}

    async def close(self) -> None:
        await self.inner.close()


class FaultyWriter:
    def __init__(self, inner: Writer, fail: Fail) -> None:
        self.inner, self.fail = inner, fail

    async def begin(self) -> None:
        await self.fail("begin")
        await self.inner.begin()

    async def send(self, topic: str, partition: int, columns: RecordColumns) -> Any:
        await self.fail(f"send {topic}")
        return await self.inner.send(topic, partition, columns)

    async def send_all(self, sends: Sequence[Send]) -> None:
        for send in sends:  # one after another: a failure may leave some of them sent
            await self.send(*send)

    async def commit(self, offsets: GroupOffsets | None = None) -> None:
        await self.fail("commit")
        await self.inner.commit(offsets)
        await self.fail("committed")

    async def close(self) -> None:
        await self.inner.close()


def moments(topic: str) -> Iterator[tuple[str, int]]:
    """Every step of a session and of its rounds, by name and number."""
    output = f"{topic}.assignments"
    for name in ("connect", "open"):
        yield name, 1
    for nth in (1, 2, 3, 5):
        for name in ("begin", f"send {output}.model", "commit", "committed"):
            yield name, nth
    for name in (f"send {output}", f"send {output}.dead-letters", f"fetch {topic}", f"assign {topic}"):
        yield name, 1
    yield f"send {output}", 3
    yield f"fetch {topic}", 4
    yield f"fetch {output}.model", 1
