"""The parts of aiokafka that it does not document and that are used all the same: every one of them, and what for.

Three things cannot be had through its public calls: leaving a broker that does not answer, noticing that its fetch
task has died, and asking for a topic without creating it. Where another aiokafka lacks a part, what hangs on it is left
out, and a warning says so once; reading and writing go on. `kafka_batch` guards the batches that are handed over.
"""

import asyncio
import logging
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.metadata import MetadataRequest

log = logging.getLogger(__name__)

ASKING_SECONDS = 0.02  # between two requests for metadata of one client
missing: set[str] = set()  # parts that were looked for and are not there

_TASK_OWNERS = ("_fetcher", "_coordinator", "_sender", "_message_accumulator")
_CREATES = "_allow_auto_topic_creation"


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
