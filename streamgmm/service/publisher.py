"""One transaction: assignments, dead letters, events, the checkpoint and the positions for lag tools, or nothing.

Rounds are sent as they are computed (`send`), into a transaction that is open; `commit` adds what leads to the state
after them. What takes processor time is done in a thread.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

from streamgmm.broker.interface import GroupOffsets, Send
from streamgmm.engine.values import Event, Report, State, combined
from streamgmm.service import outbox
from streamgmm.service.checkpoint_writer import CheckpointWriter
from streamgmm.service.session import Session
from streamgmm.service.worker import Worker


class Committed(NamedTuple):
    """What an observer is told after a transaction."""

    state: State
    report: Report
    seconds: float  # from the begin of the commit to its end
    checkpoint_bytes: int | None  # of the checkpoint; None: a progress record was written in its place


class Publisher:
    """Writes a session's transactions, one at a time.

    What raises TransactionFailed means that the session has to be thrown away.
    """

    def __init__(self, session: Session) -> None:
        self._session, self._settings, self._topics = session, session.ground.settings, session.ground.topics
        self._checkpoints = CheckpointWriter(self._settings, self._topics, session.origin)
        self._worker = Worker("publish")

    async def publish_at_once(self, reports: list[Report]) -> None:
        """at_least_once: the assignments of some rounds, waited for until they are acknowledged."""
        if self._session.at_once is not None:
            await self._session.at_once.send_all(await self._worker.run(list, self._assignments(combined(reports))))
            await self._session.at_once.commit()

    async def begin(self) -> None:
        """Open a transaction."""
        await self._session.writer.begin()

    async def send(self, report: Report) -> None:
        """A round's assignments and dead letters.

        Raises InputUnusable for a dead letter that its topic does not take; nothing of the round is sent then.
        """
        outbox.refuse_too_large(report.dead_letters, self._topics.dead_letters, self._settings.input.topic)
        await self._session.writer.send_all(await self._worker.run(list, self._sends(report)))

    async def commit(self, state: State, report: Report, *, whole: bool = False) -> Committed:
        """Commit what was sent, with the report's events and the state that it leads to."""
        began, now = time.perf_counter(), outbox.now_ms()
        writer, topics = self._session.writer, self._topics
        records = await self._worker.run(self._checkpoints.records, state, report, whole=whole)
        events = outbox.events_send(report.events, topics.events, self._settings.model.name, now)
        await writer.send_all([*events, outbox.parts_send(records, topics.model, now)])
        await writer.commit(self._group_offsets(state))
        return Committed(state, report, time.perf_counter() - began, self._checkpoints.whole_bytes)

    async def tell(self, events: tuple[Event, ...]) -> None:
        """A transaction of events alone: the state is as it was committed last."""
        writer = self._session.writer
        await writer.begin()
        told = outbox.events_send(events, self._topics.events, self._settings.model.name, outbox.now_ms())
        await writer.send_all(list(told))
        await writer.commit()

    @property
    def is_behind(self) -> bool:
        """Whether the newest checkpoint is older than the state that was committed last."""
        return self._checkpoints.progress > 0

    def close(self) -> None:
        """Give up the thread."""
        self._worker.close()

    def _sends(self, report: Report) -> Iterator[Send]:
        if self._session.at_once is None:
            yield from self._assignments(report)
        held, letters = self._session.origin.partitions, report.dead_letters
        yield from outbox.sends(letters, self._topics.dead_letters, held.input, held.dead_letters)

    def _assignments(self, report: Report) -> Iterator[Send]:
        held = self._session.origin.partitions
        return outbox.sends(report.assignments, self._topics.assignments, held.input, held.assignments)

    def _group_offsets(self, state: State) -> GroupOffsets | None:
        group = self._settings.delivery.group
        if group is None or not state.positions:
            return None
        default = f"{self._settings.delivery.prefix}.{self._settings.model.name}"
        return GroupOffsets(group or default, self._settings.input.topic, state.positions)
