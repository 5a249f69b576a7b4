"""A connection with a thread of its own, so that the event loop waits for neither the disk nor a lock.

Calls run one after the other in the order they were made. A call goes on when its caller is cancelled: what it did
is then unknown to the caller, as with a broker over a network.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar

from streamgmm.broker.local_log_database import Database

_P = ParamSpec("_P")
_T = TypeVar("_T")

CLOSE_TIMEOUT = 1.5  # s that closing waits for the call under way


class DatabaseThread:
    """Runs functions of a Database. Made by `open`."""

    def __init__(self, executor: ThreadPoolExecutor, database: Database) -> None:
        self._executor, self.database = executor, database
        self.closed = False

    @classmethod
    async def open(cls, path: Path, lock_timeout: float) -> Self:
        """Raises BrokerUnavailable or BrokerError where the file cannot be opened."""
        executor = ThreadPoolExecutor(1, thread_name_prefix="local-log")
        opening = asyncio.get_running_loop().run_in_executor(executor, Database, path, lock_timeout)
        try:
            return cls(executor, await opening)
        except BaseException:
            executor.shutdown(wait=False)
            raise

    async def run(self, function: Callable[Concatenate[Database, _P], _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """`function(database, ...)` in the thread."""
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(self._executor, lambda: function(self.database, *args, **kwargs))
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            call.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody asks for it any more
            raise

    async def close(self) -> None:
        """Closes the connection behind the call under way; waits for it only shortly."""
        if self.closed:
            return
        self.closed = True
        self.database.closing.set()
        closed = asyncio.get_running_loop().run_in_executor(self._executor, self.database.close)
        self._executor.shutdown(wait=False)
        await asyncio.wait([closed], timeout=CLOSE_TIMEOUT)
