"""One transaction: assignments, dead letters, events, the checkpoint and the positions for lag tools, or nothing."""

import time
import uuid
from collections.abc import Iterator
from typing import NamedTuple

from streamgmm.broker.interface import GroupOffsets
from streamgmm.engine.values import Report, State
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service import outbox
from streamgmm.service.model_topic import Keys
from streamgmm.service.outbox import Send
from streamgmm.service.session import Session


class Committed(NamedTuple):
    """What an observer is told after a transaction."""

    state: State
    report: Report
    seconds: float  # from its beginning to its end
    checkpoint_bytes: int


class Publisher:
    """Writes a session's transactions, one at a time."""

    def __init__(self, session: Session) -> None:
        self._session, self._settings, self._topics = session, session.ground.settings, session.ground.topics
        self._keys = Keys(self._settings.model.name)

    async def publish_at_once(self, report: Report) -> None:
        """at_least_once: assignments leave as soon as they are computed, and are waited for until acknowledged."""
        if self._session.at_once is not None:
            for send in self._assignments(report):
                await self._session.at_once.send(*send)
            await self._session.at_once.commit()

    async def commit(self, state: State, report: Report) -> Committed:
        """Publish a report and the state that it leads to.

        Raises TransactionFailed, after which the session has to be thrown away, and InputUnusable for a dead letter
        that its topic does not take.
        """
        began, now = time.perf_counter(), outbox.now_ms()
        writer = self._session.writer
        outbox.refuse_too_large(report.dead_letters, self._topics.dead_letters, self._settings.input.topic)
        parts = self._parts(state)
        await writer.begin()
        for send in self._sends(report, now):
            await writer.send(*send)
        await writer.send(*outbox.parts_send(parts, self._topics.model, now))
        await writer.commit(self._group_offsets(state))
        return Committed(state, report, time.perf_counter() - began, sum(len(value) for _, value in parts))

    def _sends(self, report: Report, now: int) -> Iterator[Send]:
        if self._session.at_once is None:
            yield from self._assignments(report)
        held, letters = self._session.origin.partitions, report.dead_letters
        yield from outbox.sends(letters, self._topics.dead_letters, held.input, held.dead_letters)
        yield from outbox.events_send(report.events, self._topics.events, self._settings.model.name, now)

    def _assignments(self, report: Report) -> Iterator[Send]:
        held = self._session.origin.partitions
        return outbox.sends(report.assignments, self._topics.assignments, held.input, held.assignments)

    def _parts(self, state: State) -> list[tuple[bytes, bytes]]:
        session = self._session
        checkpoint = checkpoints.of(state, self._settings, session.origin)
        values = checkpoints.encode(checkpoint, uuid.uuid4().hex, checkpoints.part_bytes(self._topics.model))
        return [(self._keys.part(i), value) for i, value in enumerate(values)]

    def _group_offsets(self, state: State) -> GroupOffsets | None:
        group = self._settings.delivery.group
        if group is None or not state.positions:
            return None
        default = f"{self._settings.delivery.prefix}.{self._settings.model.name}"
        return GroupOffsets(group or default, self._settings.input.topic, state.positions)
