"""at_least_once: assignments leave as soon as they are computed, before the transaction that covers them.

Rounds that are computed while others are being acknowledged leave together: a round need not wait for the one before
it. Acknowledged rounds go on to the transactions, so that no checkpoint covers what may not have been written.
"""

import asyncio
from collections import deque

from streamgmm.engine.values import Report, State
from streamgmm.service.publisher import Publisher
from streamgmm.service.transactions import Round, Transactions

ROUNDS = 64  # that may wait to leave


class AtOnce:
    """Stands before the transactions, and takes rounds as they do."""

    def __init__(self, publisher: Publisher, transactions: Transactions) -> None:
        self._publisher, self._transactions = publisher, transactions
        self._waiting: deque[Round] = deque()
        self._changed, self._room = asyncio.Event(), asyncio.Event()
        self._ending = False
        self._work = asyncio.create_task(self._publish(), name="at once")

    async def put(self, state: State, report: Report) -> None:
        """Hand a round on; waits while many wait. Raises what has failed, here or in the transactions."""
        self._waiting.append(Round(state, report))
        self._changed.set()
        while len(self._waiting) >= ROUNDS and not self._work.done():
            self._room.clear()
            room = asyncio.ensure_future(self._room.wait())
            await asyncio.wait({self._work, room}, return_when=asyncio.FIRST_COMPLETED)
            room.cancel()
        self.check()

    def check(self) -> None:
        """Raise what has failed."""
        if self._work.done():
            self._work.result()
        self._transactions.check()

    async def end(self) -> None:
        """Publish all that was put, then commit it. Raises what fails."""
        self._ending = True
        self._changed.set()
        await self._work
        await self._transactions.end()

    async def close(self) -> None:
        """Give up what is under way, without waiting for the broker."""
        self._work.cancel()
        await asyncio.wait({self._work}, timeout=1)
        if self._work.done() and not self._work.cancelled():
            self._work.exception()  # looked at, so that nobody is warned of it
        await self._transactions.close()

    async def _publish(self) -> None:
        while not self._ending or self._waiting:
            if not self._waiting:
                self._changed.clear()
                await self._changed.wait()
                continue
            rounds = list(self._waiting)
            await self._publisher.publish_at_once([round_.report for round_ in rounds])
            for round_ in rounds:
                self._waiting.popleft()
                await self._transactions.put(*round_)
            self._room.set()
