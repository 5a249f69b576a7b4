"""A reader one fetch ahead: while a round is computed the next one is on its way."""

import asyncio
from collections.abc import Mapping

from streamgmm.broker.interface import Reader
from streamgmm.records.columns import RecordColumns

Fetched = dict[int, RecordColumns]


class ReadAhead:
    """Wraps a reader that has its partitions assigned."""

    def __init__(self, reader: Reader, timeout: float) -> None:
        self._reader, self._timeout = reader, timeout
        self._next: asyncio.Task[Fetched] | None = None

    async def fetch(self) -> Fetched:
        """The fetch that was begun by the last call; the next one is begun. Cancelling this loses nothing.

        Raises what the reader's fetch does; then nothing is under way.
        """
        task = self._next or self._begin()
        try:
            fetched = await asyncio.shield(task)
        except asyncio.CancelledError:
            raise
        except BaseException:
            self._next = None
            raise
        self._next = self._begin()
        return fetched

    async def assign(self, positions: Mapping[int, int]) -> None:
        """Read from these positions on; what was on its way is dropped."""
        await self.close()
        await self._reader.assign(positions)

    async def close(self) -> None:
        """Drop what is on its way."""
        task, self._next = self._next, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # looked at, so that nobody is warned of it

    def _begin(self) -> "asyncio.Task[Fetched]":
        self._next = asyncio.create_task(self._reader.fetch(timeout=self._timeout), name="fetch")
        return self._next
