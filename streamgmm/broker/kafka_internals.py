"""Everything of aiokafka that its documentation does not name: this file alone touches it, and says what for.

- What every use of Kafka here stands on: the client and the requests that ask without creating topics.
- The fast path: `Fetch` asks for record batches as bytes, `WrittenBatch` hands whole batches to the producer. Both are
  looked at when a broker is opened (`lacking`); in another aiokafka the public calls do the same, record by record.
- Leaving a broker that does not answer, noticing that the fetch task has died, and asking for a topic without creating
  it cannot be had otherwise. Where another aiokafka lacks a part of these, what hangs on it is left out.
What is missing is said once, as a warning.
"""

import asyncio
import inspect
import logging
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from aiokafka import errors
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import create_conn
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.protocol.admin import CreateTopicsRequest, DescribeConfigsRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest

from streamgmm.records import record_batch

__all__ = [
    "AIOKafkaClient",
    "CreateTopicsRequest",
    "DescribeConfigsRequest",
    "FetchRequest",
    "MetadataRequest",
    "OffsetRequest",
    "create_conn",
]

log = logging.getLogger(__name__)

ASKING_SECONDS = 0.02  # between two requests for metadata of one client
missing: set[str] = set()  # parts that were looked for and are not there

_TASK_OWNERS = ("_fetcher", "_coordinator", "_sender", "_message_accumulator")
_CREATES = "_allow_auto_topic_creation"
_STAMP = ["self", "producer_id", "producer_epoch", "base_sequence"]
_FETCH = ["self", "max_wait_time", "min_bytes", "max_bytes", "isolation_level", "topics", "rack_id"]
_CLIENT = ("bootstrap", "close", "force_metadata_update", "send", "set_topics")
_PARTITION = {"partition", "error_code", "aborted_transactions", "message_set"}  # what is read of an answer
OLDEST_FETCH = 4  # version of the answer: the first with aborted transactions


# ---- the fast path


class FetchedBytes(NamedTuple):
    """What a fetch brought of one partition."""

    partition: int
    error: type[errors.KafkaError]  # NoError where there is none
    data: bytes  # record batches, the last one perhaps cut short
    aborted: list[tuple[int, int]]  # (producer, first offset) of aborted transactions


class Fetch(NamedTuple):
    """How to ask for record batches; limits in bytes, waits in milliseconds."""

    topic: str
    isolation: int
    wait_ms: int
    partition_bytes: int
    bytes: int

    def request(self, positions: Sequence[tuple[int, int]]) -> FetchRequest:
        """For what lies behind each (partition, offset); the first partition gets at least one batch."""
        wanted = [(partition, offset, self.partition_bytes) for partition, offset in positions]
        return FetchRequest(self.wait_ms, 1, self.bytes, self.isolation, [(self.topic, wanted)])

    def read(self, response: Any) -> Iterator[FetchedBytes]:  # noqa: ANN401 - aiokafka ships no types
        """What came of each partition. Raises KafkaError where the broker refused the request as a whole."""
        if (code := getattr(response, "error_code", 0)) != 0:
            raise errors.for_code(code)
        names = _partition_names(type(response))
        for _, partitions in response.topics or ():
            for values in partitions:
                found = dict(zip(names, values, strict=True))
                error = errors.for_code(found["error_code"])
                data, aborted = found["message_set"] or b"", found["aborted_transactions"] or []
                yield FetchedBytes(found["partition"], error, data, aborted)


def _partition_names(response: Any) -> tuple[str, ...]:  # noqa: ANN401
    """The names of a partition's fields in an answer."""
    schema = response.SCHEMA
    topics = schema.fields[schema.names.index("topics")].array_of
    names: tuple[str, ...] = topics.fields[topics.names.index("partitions")].array_of.names
    return names


class WrittenBatch:
    """A closed batch with the methods that aiokafka's producer calls on a BatchBuilder."""

    def __init__(self, batch: record_batch.Batch, *, transactional: bool) -> None:
        self._batch, self._transactional = batch, transactional

    def append(self, **_record: object) -> None:
        """Nothing can be added."""

    def close(self) -> None:
        """It is closed already."""

    def closed(self) -> bool:
        """Whether nothing can be added any more."""
        return True

    def size(self) -> int:
        """Bytes."""
        return len(self._batch.data)

    def record_count(self) -> int:
        """How many records."""
        return self._batch.count

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        record_batch.stamp(
            self._batch,
            producer_id=producer_id,
            producer_epoch=producer_epoch,
            base_sequence=base_sequence,
            transactional=self._transactional,
        )

    def _build(self) -> bytearray:
        return self._batch.data


def lacking(builder: type = BatchBuilder, request: type = FetchRequest, client: type = AIOKafkaClient) -> str | None:
    """What the fast path wants of aiokafka and does not find; None in the one that is known."""
    ours = {name for name in vars(WrittenBatch) if not name.startswith("__")}
    theirs = {name for name, member in vars(builder).items() if inspect.isfunction(member)} - {"__init__", "_serialize"}
    if theirs != ours:
        return f"a BatchBuilder with the methods {', '.join(sorted(ours))}"
    if list(inspect.signature(builder._set_producer_state).parameters) != _STAMP:  # type: ignore[attr-defined]
        return f"BatchBuilder._set_producer_state({', '.join(_STAMP)})"
    if list(inspect.signature(request.__init__).parameters) != _FETCH:  # type: ignore[misc]
        return f"FetchRequest({', '.join(_FETCH[1:])})"
    if absent := [name for name in _CLIENT if not hasattr(client, name)]:
        return f"AIOKafkaClient.{absent[0]}"
    return None if _answers_are_known(request) else "an answer to FetchRequest with the known fields"


def _answers_are_known(request: Any) -> bool:  # noqa: ANN401
    versions = [kind.RESPONSE_TYPE for kind in request._CLASSES if kind.API_VERSION >= OLDEST_FETCH]
    try:
        return bool(versions) and all(set(_partition_names(version)) >= _PARTITION for version in versions)
    except (AttributeError, ValueError):
        return False


# ---- what else cannot be had otherwise


def part(thing: Any, *path: str) -> Any:  # noqa: ANN401 - aiokafka ships no types
    """`thing.a.b` for the path a, b; None where that is None on the way, or unknown to this aiokafka."""
    for name in path:
        if thing is None:
            return None
        if not hasattr(thing, name):
            _miss(f"{type(thing).__name__}.{name}", "leaving a Kafka that is away may take longer")
            return None
        thing = getattr(thing, name)
    return thing


def client_of(entry: Any) -> Any:  # noqa: ANN401
    """The client of a consumer or producer; `entry` itself where it is one."""
    if isinstance(entry, AIOKafkaClient):
        return entry
    return entry.client if hasattr(entry, "client") else part(entry, "_client")


def task_owners(entry: Any) -> list[Any]:  # noqa: ANN401
    """Everything whose methods may run as tasks: the consumer or producer, its parts, its client, its connections."""
    client = client_of(entry)
    names = [name for name in _TASK_OWNERS if hasattr(entry, name)]
    if entry is not client and len(names) != 2:
        _miss(f"{type(entry).__name__}: two of {', '.join(_TASK_OWNERS)}", "leaving may leave tasks behind")
    owners = [entry, client, *(getattr(entry, name) for name in names), *(part(client, "_conns") or {}).values()]
    return [owner for owner in owners if owner is not None]


def transports(entry: Any) -> list[asyncio.WriteTransport]:  # noqa: ANN401
    """The open sockets of a consumer, producer or client."""
    connections = (part(client_of(entry), "_conns") or {}).values()
    found = [part(connection, "_writer", "transport") for connection in connections]
    return [transport for transport in found if transport is not None]


def call_closed(entry: Any) -> bool:  # noqa: ANN401
    """Let a consumer or producer know that it is closed, without `stop`, which waits. False in an unknown aiokafka."""
    if part(entry, "_closed") is None or missing:
        return False
    entry._closed = True
    return True


def fetch_task(consumer: Any) -> "asyncio.Task[Any] | None":  # noqa: ANN401
    """The task that fetches, if it is known."""
    task: asyncio.Task[Any] | None = part(consumer, "_fetcher", "error_future")
    return task


def unasked(producer: Any) -> list["asyncio.Future[Any]"]:  # noqa: ANN401
    """The futures that aiokafka fails without asking for them, when it is fenced or has failed."""
    waiting = (part(producer, "_message_accumulator", "_batches") or {}).values()
    futures = [part(batch, "_drain_waiter") for batches in waiting for batch in batches]
    futures.append(part(producer, "_txn_manager", "_transaction_waiter"))
    return [future for future in futures if future is not None]


def never_create(entry: Any) -> None:  # noqa: ANN401
    """Let a consumer's or producer's client ask for topics without creating them, and not in a storm.

    aiokafka refreshes what it knows of its topics in the background, and asks with `allow_auto_topic_creation`: on a
    broker with default settings that makes a deleted topic anew, with settings that nobody chose. While a partition has
    no leader it asks again as soon as it is answered, thousands of times a second.
    """
    client = client_of(entry)
    if not asks_as_known(type(client), MetadataRequest([])):
        _miss("the metadata request", "on a Kafka with auto.create.topics.enable a deleted topic may come back, empty")
        return
    connect, pace = client._get_conn, _Pace()

    async def connect_to_ask(*where: Any, **how: Any) -> _Asking | None:  # noqa: ANN401
        connection = await connect(*where, **how)
        return None if connection is None else _Asking(connection, pace)

    client._get_conn = connect_to_ask


def asks_as_known(client: type, request: object) -> bool:
    """Whether this client sends its metadata request on what `_get_conn` returns, and the request has the flag."""
    update = getattr(getattr(client, "_metadata_update", None), "__code__", None)
    names = update.co_names if update is not None else ()
    return {"_get_conn", "MetadataRequest", "send"} <= set(names) and hasattr(request, _CREATES)


class _Asking:
    """A connection as `_metadata_update` sees it: what is sent on it creates no topic."""

    def __init__(self, connection: Any, pace: "_Pace") -> None:  # noqa: ANN401
        self._connection, self._pace = connection, pace

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._connection, name)

    async def send(self, request: Any, **how: Any) -> Any:  # noqa: ANN401
        setattr(request, _CREATES, False)
        await self._pace.turn()
        return await self._connection.send(request, **how)


class _Pace:
    """Lets one pass at once, and the next ones ASKING_SECONDS apart."""

    _free = 0.0

    async def turn(self) -> None:
        now = asyncio.get_running_loop().time()
        wait, self._free = self._free - now, max(self._free, now) + ASKING_SECONDS
        if wait > 0:
            await asyncio.sleep(wait)


def _miss(what: str, outcome: str) -> None:
    if what not in missing:
        missing.add(what)
        log.warning("this aiokafka is not the one that streamgmm knows (0.14): it lacks %s; %s", what, outcome)
