"""at_least_once: assignments leave as soon as they are computed, before the transaction that covers them.

Rounds that are computed while others are being acknowledged leave together: a round need not wait for the one before
it. Acknowledged rounds go on to the transactions, so that no checkpoint covers what may not have been written.
"""

import asyncio
from collections.abc import Sequence

from streamgmm.engine.values import Report, State
from streamgmm.service.publisher import Publisher
from streamgmm.service.queue import Queue, Round, together
from streamgmm.service.transactions import COMMIT_BYTES, Transactions

ROUNDS = 64  # that may wait to leave


class AtOnce:
    """Stands before the transactions, and takes rounds as they do."""

    def __init__(self, publisher: Publisher, transactions: Transactions) -> None:
        self._publisher, self._transactions = publisher, transactions
        self._waiting = Queue(_many)
        self._ending = False
        self._work = asyncio.create_task(self._publish(), name="at once")

    async def put(self, state: State, report: Report) -> None:
        """Hand a round on; waits while much waits. Raises what has failed, here or in the transactions."""
        await self._waiting.put(Round(state, report), self._work)
        self.check()

    def check(self) -> None:
        """Raise what has failed."""
        if self._work.done():
            self._work.result()
        self._transactions.check()

    async def end(self) -> None:
        """Publish all that was put, then commit it. Raises what fails."""
        self._ending = True
        self._waiting.changed.set()
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
                self._waiting.changed.clear()
                await self._waiting.changed.wait()
                continue
            rounds = together(self._waiting)
            await self._publisher.publish_at_once([round_.report for round_ in rounds])
            for _ in rounds:
                await self._transactions.put(*self._waiting.take())


def _many(reports: Sequence[Report]) -> bool:
    return len(reports) >= ROUNDS or sum(report.n_bytes for report in reports) >= COMMIT_BYTES
