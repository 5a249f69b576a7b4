"""The learner: fetch, compute, commit, for as long as nobody says stop. Read `main_loop` first.

It holds two states. `working` runs ahead: the next round is fetched and computed while the last transaction is in
flight. `committed` follows the transactions, and it alone is shown to observers. Whatever goes wrong inside a
transaction, its outcome is unknown: the session is thrown away with `working`, and the next one starts from the
checkpoint.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Protocol

from streamgmm.engine import step as engine
from streamgmm.engine import warm_up
from streamgmm.engine.values import Event, Report, State, WarmUp, combined
from streamgmm.errors import CorruptBatch, InputUnusable, RecordsLost, StreamgmmError, TooFewVectors
from streamgmm.service.publisher import Committed, Publisher
from streamgmm.service.read_ahead import Fetched, ReadAhead
from streamgmm.service.session import Session
from streamgmm.service.unreadable import left_out
from streamgmm.service.worker import Worker
from streamgmm.settings import Delivery

COMMIT_BYTES = 64 * 1024 * 1024  # of input that may wait for a transaction
BETWEEN_TRANSACTIONS = 0.025  # seconds: so long the broker may still be writing the last one's markers
FETCH_WAIT = 0.05  # seconds: how long a fetch waits for news at most
IDLE_COMMIT = 5.0  # seconds: with nothing to publish a transaction is made all the same, to notice a successor


class Observer(Protocol):
    """Who is told what the learner does."""

    def computed(self, seconds: float) -> None:
        """A step was computed."""

    def committed(self, committed: Committed) -> None:
        """A transaction has been committed."""

    def events(self) -> tuple[Event, ...]:
        """What the observer wants published with the next transaction."""


class Learner:
    """A session's loop."""

    def __init__(self, session: Session, observer: Observer) -> None:
        self.session, self.observer = session, observer
        self.settings, self.plan = session.ground.settings, session.ground.plan
        delivery = self.settings.delivery
        self.input = ReadAhead(session.reader, min(delivery.commit_interval / 2, FETCH_WAIT))
        self.publisher = Publisher(session)
        self.worker = Worker("compute")
        self.draining = asyncio.Event()
        self.until: Mapping[int, int] | None = None  # `--until-end`: stop when every position has reached these
        self.new_partitions: Mapping[int, int] = {}  # found since the last round, with where to begin
        self.working = self.committed = session.state
        self.uncommitted = Report(events=session.events)
        self.refused: StreamgmmError | None = None  # input that the policy `stop` refuses
        self.schedule = Schedule(delivery)
        self.in_flight: asyncio.Task[None] | None = None

    async def main_loop(self) -> None:
        """Round after round; at the end what is left is committed. Raises what ended it."""
        await self.look_for_lost_input()
        while not self.finished():
            await self.on_round()
        await self.finish()

    async def on_round(self) -> None:
        """Fetch, compute, begin a transaction when it is time; the next fetch and the transaction go on meanwhile."""
        fetched = await self.fetch()
        if fetched:
            self.working, report = await self.compute(fetched)
            await self.publisher.publish_at_once(report)
            self.uncommitted = combined([self.uncommitted, report])
        if self.in_flight is not None and self.in_flight.done():
            await self.previous_commit()
        if self.schedule.is_due(self.uncommitted, news=self.has_news()):
            await self.begin_commit()

    def finished(self) -> bool:
        """Told to drain, at input that is refused, or at the end that `--until-end` asks for."""
        reached = self.until is not None and all(
            self.working.positions.get(partition, 0) >= end for partition, end in self.until.items()
        )
        return self.draining.is_set() or self.refused is not None or reached

    # ---- fetch

    async def fetch(self) -> Fetched:
        """What has arrived; empty when told to drain, or when what arrived cannot be read."""
        if self.new_partitions:
            await self.add_partitions()
        fetching = asyncio.ensure_future(self.input.fetch())
        draining = asyncio.ensure_future(self.draining.wait())
        await asyncio.wait({fetching, draining}, return_when=asyncio.FIRST_COMPLETED)
        draining.cancel()
        if not fetching.done():
            fetching.cancel()
            return {}
        try:
            return fetching.result()
        except (RecordsLost, InputUnusable) as error:
            await self.leave_out(error)
            return {}

    async def look_for_lost_input(self) -> None:
        """A position outside its log is lost input, also where nothing would be fetched before the end is reached."""
        broker, topic = self.session.ground.broker, self.settings.input.topic
        first = await broker.offsets(topic, "earliest")
        end = await broker.offsets(topic, "latest", isolation="read_uncommitted")
        for partition, position in self.working.positions.items():
            if not first[partition] <= position <= end[partition]:
                available = max(first[partition], min(position, end[partition]))
                await self.leave_out(RecordsLost(topic, partition, position, available))

    async def leave_out(self, error: RecordsLost | InputUnusable) -> None:
        """Input that cannot be read: stop there, or go on behind it, as the policy says."""
        behind = left_out(error, self.settings.input) if isinstance(error, RecordsLost | CorruptBatch) else None
        if behind is None:
            self.refused = error
            return
        self.working, report = engine.skip(self.working, *behind)
        self.uncommitted = combined([self.uncommitted, report])
        await self.input.assign(self.working.positions)

    async def find_new_partitions(self) -> None:
        """Partitions that the topic has got since are read from their beginning, from the next round on."""
        earliest = await self.session.ground.broker.offsets(self.settings.input.topic, "earliest")
        self.new_partitions = {p: at for p, at in earliest.items() if p not in self.working.positions}

    async def add_partitions(self) -> None:
        """Read partitions that the topic has got since."""
        positions = {**self.new_partitions, **self.working.positions}
        self.working, self.new_partitions = self.working._replace(positions=positions), {}
        await self.input.assign(positions)

    # ---- compute

    async def compute(self, fetched: Fetched) -> tuple[State, Report]:
        """The engine's step in the worker thread: the event loop goes on moving bytes."""
        began = time.perf_counter()
        stepped = await self.worker.run(engine.step, self.plan, self.working, fetched)
        self.observer.computed(time.perf_counter() - began)
        return stepped

    # ---- commit

    def has_news(self) -> bool:
        """Whether there is something to commit."""
        report = self.uncommitted
        return bool(report.records or report.events or self.working.positions != self.committed.positions)

    async def begin_commit(self) -> None:
        """Start the next transaction, once the one in flight has ended; its failure is raised here."""
        await self.previous_commit()
        report, self.uncommitted = combined([self.uncommitted, Report(events=self.observer.events())]), Report()
        self.schedule.begun()
        self.in_flight = asyncio.create_task(self.commit(self.working, report), name="commit")

    async def previous_commit(self) -> None:
        """Wait for the transaction in flight, if there is one."""
        if self.in_flight is not None:
            await self.in_flight
            self.in_flight = None

    async def commit(self, state: State, report: Report) -> None:
        """One transaction; only now does `committed` follow."""
        committed = await self.publisher.commit(state, report)
        self.committed = state
        self.schedule.ended()
        self.observer.committed(committed)

    async def finish(self) -> None:
        """Commit what the rounds have left. Raises what the policy `stop` has refused."""
        await self.input.close()
        at_end = not self.draining.is_set() and self.refused is None
        if at_end and isinstance(self.working.model, WarmUp):
            await self.start_early(self.working.model)
        await self.previous_commit()
        if self.has_news():
            await self.begin_commit()
            await self.previous_commit()
        if self.refused is not None:
            raise self.refused

    async def start_early(self, waiting: WarmUp) -> None:
        """The stream has ended in the warm-up: start from what there is, if that is enough."""
        try:
            self.working, report = warm_up.start_early(self.plan, self.working, waiting)
        except TooFewVectors as error:
            self.refused = error
            return
        await self.publisher.publish_at_once(report)
        self.uncommitted = combined([self.uncommitted, report])

    async def close(self) -> None:
        """Give up what is under way, without waiting for the broker."""
        if self.in_flight is not None:
            self.in_flight.cancel()
            await asyncio.wait({self.in_flight}, timeout=1)
        await self.input.close()
        self.worker.close()


class Schedule:
    """When the next transaction is due."""

    def __init__(self, delivery: Delivery) -> None:
        self._interval, self._records = delivery.commit_interval, delivery.commit_records
        self._apart = min(BETWEEN_TRANSACTIONS, self._interval)
        self._begun = self._ended = time.monotonic()

    def begun(self) -> None:
        """A transaction begins."""
        self._begun = time.monotonic()

    def ended(self) -> None:
        """It has ended."""
        self._ended = time.monotonic()

    def is_due(self, waiting: Report, *, news: bool) -> bool:
        """Whether to begin one: by time, or by the number and the bytes of the records that wait for it.

        While one is in flight (it has begun but not ended) only those count: this is the back-pressure, since
        beginning the next waits for its end.
        """
        now, full = time.monotonic(), waiting.records >= self._records or waiting.n_bytes >= COMMIT_BYTES
        if self._begun > self._ended or now - self._ended < self._apart:
            return full
        return full or now - self._begun >= (self._interval if news else IDLE_COMMIT)
