"""Leaving aiokafka's clients without waiting for anybody.

`stop` of a consumer or producer waits for brokers, 25 s and more while they are away, and a transaction that was given
up must not be flushed. So the tasks of the client are cancelled and its sockets closed. The tasks are those that run a
method of one of the client's parts: aiokafka keeps no list of them.
"""

import asyncio
from typing import Any

SECONDS = 1.0  # what leaving may take


async def abandon(client: Any, *parts: Any) -> None:  # noqa: ANN401 - aiokafka ships no types
    """Cancel what `parts` (consumer, fetcher, producer, sender, ...) and `client` run, and close the connections."""
    owners = [client, *parts, *client._conns.values()]
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task() and _runs(task, owners)]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=SECONDS)
    closing = asyncio.ensure_future(client.close())
    await asyncio.wait([closing], timeout=SECONDS)
    if not closing.cancel() and not closing.cancelled():
        closing.exception()


def _runs(task: "asyncio.Task[Any]", owners: list[Any]) -> bool:
    frame = getattr(task.get_coro(), "cr_frame", None)
    itself = frame.f_locals.get("self") if frame is not None else None
    return any(itself is owner for owner in owners)


def hush(futures: list["asyncio.Future[Any]"]) -> None:
    """Take note of errors that nobody will ask for, so that asyncio does not print them."""
    for future in futures:
        if future.done() and not future.cancelled():
            future.exception()
