"""The learner: fetch, compute, publish, for as long as nobody says stop. Read `main_loop` first.

Three stages overlap: while a round is computed the next one is fetched (`read_ahead`) and the last ones are sent and
committed (`transactions`). Each holds back the one before it. So there are two states: `working` runs ahead with the
rounds in flight; `transactions.committed` follows the commits, and it alone is shown to observers. Whatever goes wrong
inside a transaction, its outcome is unknown: the session is thrown away with `working`, and the next one starts from
the checkpoint.
"""

import asyncio
import time
from collections.abc import Mapping

from streamgmm.engine import step as engine
from streamgmm.engine import warm_up
from streamgmm.engine.values import Report, State, WarmUp
from streamgmm.errors import CorruptBatch, InputUnusable, RecordsLost, StreamgmmError, TooFewVectors
from streamgmm.service.at_once import AtOnce
from streamgmm.service.publisher import Publisher
from streamgmm.service.read_ahead import Fetched, ReadAhead
from streamgmm.service.session import Session
from streamgmm.service.transactions import Observer, Transactions
from streamgmm.service.unreadable import left_out
from streamgmm.service.worker import Worker

FETCH_WAIT = 0.05  # seconds: how long a fetch waits for news at most
NOTHING = Report()


class Learner:
    """A session's loop."""

    def __init__(self, session: Session, observer: Observer) -> None:
        self.session, self.observer = session, observer
        self.settings, self.plan = session.ground.settings, session.ground.plan
        delivery = self.settings.delivery
        self.input = ReadAhead(session.reader, min(delivery.commit_interval / 2, FETCH_WAIT))
        self.publisher = Publisher(session)
        self.transactions = Transactions(self.publisher, observer, delivery, session.state)
        once = session.at_once is None
        self.outlet = self.transactions if once else AtOnce(self.publisher, self.transactions)
        self.worker = Worker("compute")
        self.draining = asyncio.Event()
        self.until: Mapping[int, int] | None = None  # `--until-end`: stop when every position has reached these
        self.new_partitions: Mapping[int, int] = {}  # found since the last round, with where to begin
        self.working = session.state
        self.refused: StreamgmmError | None = None  # input that the policy `stop` refuses

    async def main_loop(self) -> None:
        """Round after round; at the end what is left is committed. Raises what ended it."""
        if self.session.events:
            await self.change(self.working, Report(events=self.session.events))
        await self.look_for_lost_input()
        while not self.finished():
            await self.on_round()
        await self.finish()

    async def on_round(self) -> None:
        """Fetch, compute, publish; the next fetch and the last transaction go on meanwhile."""
        fetched = await self.fetch()
        if fetched:
            self.working, report = await self.compute(fetched)
            await self.publish(report)
        self.outlet.check()

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
        await self.change(*engine.skip(self.working, *behind))
        await self.input.assign(self.working.positions)

    async def find_new_partitions(self) -> None:
        """Partitions that the topic has got since are read from their beginning, from the next round on."""
        earliest = await self.session.ground.broker.offsets(self.settings.input.topic, "earliest")
        self.new_partitions = {p: at for p, at in earliest.items() if p not in self.working.positions}

    async def add_partitions(self) -> None:
        """Read partitions that the topic has got since."""
        positions = {**self.new_partitions, **self.working.positions}
        self.new_partitions = {}
        await self.change(self.working._replace(positions=positions))
        await self.input.assign(positions)

    # ---- compute

    async def compute(self, fetched: Fetched) -> tuple[State, Report]:
        """The engine's step in the worker thread: the event loop goes on moving bytes."""
        began = time.perf_counter()
        stepped = await self.worker.run(engine.step, self.plan, self.working, fetched)
        self.observer.computed(time.perf_counter() - began)
        return stepped

    # ---- publish

    async def publish(self, report: Report) -> None:
        """Hand a report on, and the state that it has led to; waits while the transactions are behind."""
        await self.outlet.put(self.working, report)

    async def change(self, state: State, report: Report = NOTHING) -> None:
        """Another state, for another reason than records that were learnt; nothing else may set it."""
        self.working = state
        await self.publish(report._replace(by_records=False))

    async def finish(self) -> None:
        """Commit what the rounds have left. Raises what the policy `stop` has refused."""
        await self.input.close()
        at_end = not self.draining.is_set() and self.refused is None
        if at_end and isinstance(self.working.model, WarmUp):
            await self.start_early(self.working.model)
        await self.outlet.end()
        if self.refused is not None:
            raise self.refused

    async def start_early(self, waiting: WarmUp) -> None:
        """The stream has ended in the warm-up: start from what there is, if that is enough."""
        try:
            started = warm_up.start_early(self.plan, self.working, waiting)
        except TooFewVectors as error:
            self.refused = error
            return
        await self.change(*started)

    async def close(self) -> None:
        """Give up what is under way, without waiting for the broker."""
        await self.outlet.close()
        await self.input.close()
        self.worker.close()
