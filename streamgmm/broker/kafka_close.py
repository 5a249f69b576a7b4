"""Leaving aiokafka's clients without waiting for anybody.

`stop` of a consumer or producer waits for brokers, 25 s and more while they are away, and a transaction that was given
up must not be flushed. So the tasks of the client are cancelled and its sockets aborted: closing them would wait until
a broker that is frozen has taken what is still to be sent. The tasks are those that run a method of one of the client's
parts: aiokafka keeps no list of them.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any

from streamgmm.broker import kafka_internals

SECONDS = 0.4  # what each of two steps may take: together they stay under a second


async def abandon(entry: Any) -> None:  # noqa: ANN401 - aiokafka ships no types
    """Leave a consumer, a producer or a client."""
    owners = kafka_internals.task_owners(entry)
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and _runs(task, owners)]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=SECONDS)
    for transport in kafka_internals.transports(entry):
        transport.abort()
    stop = getattr(entry, "stop", None)  # a client has none
    if stop is not None and not kafka_internals.call_closed(entry):
        await _within(SECONDS, stop())
    else:
        await _within(SECONDS, kafka_internals.client_of(entry).close())


async def _within(seconds: float, leaving: Awaitable[Any]) -> None:
    future = asyncio.ensure_future(leaving)
    await asyncio.wait([future], timeout=seconds)
    if not future.cancel() and not future.cancelled():
        future.exception()


def _runs(task: "asyncio.Task[Any]", owners: list[Any]) -> bool:
    frame = getattr(task.get_coro(), "cr_frame", None)
    itself = frame.f_locals.get("self") if frame is not None else None
    return any(itself is owner for owner in owners)


def hush(futures: list["asyncio.Future[Any]"]) -> None:
    """Take note of errors that nobody will ask for, so that asyncio does not print them."""
    for future in futures:
        if future.done() and not future.cancelled():
            future.exception()
