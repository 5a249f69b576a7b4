"""The last of the learner's three stages: rounds are sent as they are computed, and committed when it is time.

A transaction is open from the first round that waits to its commit; rounds that are computed meanwhile go into it.
While it is committed, and shortly after, because the broker is then still writing its markers, rounds wait; once as
many wait as fill a transaction, so does who puts them. Rounds that wait leave together, since a request takes its time
however little is in it. Whatever fails here fails the session.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from streamgmm.engine.values import Event, Report, State, combined
from streamgmm.service.publisher import Committed, Publisher
from streamgmm.service.queue import Queue, Round, together
from streamgmm.settings import Delivery

COMMIT_BYTES = 64 * 1024 * 1024  # of input that may wait for a transaction
BETWEEN_TRANSACTIONS = 0.01  # s: so long the broker may still be writing the last one's markers
OPEN_AT_MOST = 1.0  # s: a transaction that is open for long could expire
IDLE_COMMIT = 5.0  # s: with nothing to publish a transaction is made all the same, to notice a successor


class Observer(Protocol):
    """Who is told what the learner does."""

    def computed(self, seconds: float) -> None:
        """A step was computed."""

    def committed(self, committed: Committed) -> None:
        """A transaction has been committed."""

    def events(self, *, last: bool = False) -> tuple[Event, ...]:
        """What the observer wants published with the next transaction; or with the last, which follows all others."""


class Transactions:
    """Takes rounds in their order. `committed` is the state of the last transaction that was."""

    def __init__(self, publisher: Publisher, observer: Observer, delivery: Delivery, committed: State) -> None:
        self._publisher, self._observer, self._delivery = publisher, observer, delivery
        self.committed = self._newest = committed
        self._waiting = Queue(partial(is_full, delivery=delivery))
        self._changed = self._waiting.changed  # something waits, or the end was asked for
        self._ending = False
        self._ended = time.monotonic()  # of the last commit: here of the claim's
        self._begun = self._ended - delivery.commit_interval  # what is there for a new learner has waited long enough
        self._work = asyncio.create_task(self._transactions(), name="transactions")

    async def put(self, state: State, report: Report) -> None:
        """Hand a round on; waits while a transaction's worth waits. Raises what has failed."""
        await self._waiting.put(Round(state, report), self._work)
        self.check()

    def check(self) -> None:
        """Raise what has failed."""
        if self._work.done():
            self._work.result()

    async def end(self) -> None:
        """Commit all that was put, with a whole checkpoint, then what is to be said of it. Raises what fails."""
        self._ending = True
        self._changed.set()
        await self._work
        await self._publisher.tell(self._observer.events(last=True))

    async def close(self) -> None:
        """Give up what is under way, without waiting for the broker."""
        self._work.cancel()
        await asyncio.wait({self._work}, timeout=1)
        if self._work.done() and not self._work.cancelled():
            self._work.exception()  # looked at, so that nobody is warned of it
        self._publisher.close()

    # ---- the stage's own task

    async def _transactions(self) -> None:
        while not self._ending or self._waiting or self._publisher.is_behind:
            if await self._is_due():
                await self._transaction()

    async def _is_due(self) -> bool:
        """Wait until a transaction should be opened; False where something has changed meanwhile."""
        now = time.monotonic()
        earliest = self._ended + min(BETWEEN_TRANSACTIONS, self._delivery.commit_interval)
        if not self._waiting and not self._ending:
            due = self._ended + IDLE_COMMIT
        elif self._ending or self._waiting.is_full:
            due = earliest
        else:
            due = max(earliest, self._due() - OPEN_AT_MOST)
        if now >= due:
            return True
        await self._change(due)
        return False

    def _due(self) -> float:
        """When to commit: earlier than the interval by what the last commit took, at most half of it."""
        interval = self._delivery.commit_interval
        return self._begun + max(interval - (self._ended - self._begun), interval / 2)

    async def _change(self, until: float) -> None:
        """Wait for a change, until a moment at most."""
        self._changed.clear()
        try:
            async with asyncio.timeout(max(until - time.monotonic(), 0)):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _transaction(self) -> None:
        """The rounds that wait and those that come until it is due, but no more than fill it."""
        await self._publisher.begin()
        report, due, backlog = Report(), self._due(), len(self._waiting)
        while not is_full([report], self._delivery):
            is_due = time.monotonic() >= due
            if self._waiting and (backlog > 0 or self._ending or not is_due):
                rounds = together(
                    self._waiting, self._delivery.commit_records - report.records, COMMIT_BYTES - report.n_bytes
                )
                report = combined([report, await self._send(rounds)])
                backlog -= len(rounds)
            elif self._ending or is_due:
                break
            else:
                await self._change(due)
        await self._commit(report)

    async def _send(self, rounds: Sequence[Round]) -> Report:
        report = combined([round_.report for round_ in rounds])
        await self._publisher.send(report)
        for _ in rounds:
            self._newest = self._waiting.take().state
        return report

    async def _commit(self, report: Report) -> None:
        self._begun = time.monotonic()
        state = self._newest
        report = report._replace(events=report.events + self._observer.events())
        committed = await self._publisher.commit(state, report, whole=self._ending)
        self._ended = time.monotonic()
        self.committed = state
        self._observer.committed(committed)


def is_full(reports: Sequence[Report], delivery: Delivery) -> bool:
    """Whether these are as much as one transaction takes."""
    records, n_bytes = sum(r.records for r in reports), sum(r.n_bytes for r in reports)
    return records >= delivery.commit_records or n_bytes >= COMMIT_BYTES
