"""The service around the learner: connect, take the model over, run, and start again from the checkpoint when a
transaction's outcome is unknown; probes and metrics beside it; an end in time when told to stop.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_delay, stop_never
from tenacity.wait import wait_random_exponential

from streamgmm.broker.interface import Broker
from streamgmm.broker.open import open_broker
from streamgmm.engine import plan as plans
from streamgmm.engine.values import Report
from streamgmm.errors import BrokerError, BrokerUnavailable, TransactionFailed
from streamgmm.service import log_lines, outbox, topics
from streamgmm.service import session as sessions
from streamgmm.service.compiled import load_compiled
from streamgmm.service.event_loop import take_turns, watch_lag
from streamgmm.service.learner import Learner
from streamgmm.service.listener import serve
from streamgmm.service.live.wire import Wire
from streamgmm.service.observers import Observers
from streamgmm.service.session import OwnClaim, Session
from streamgmm.service.snapshot import Snapshot
from streamgmm.settings import Broker as BrokerSettings
from streamgmm.settings import Settings

log = structlog.get_logger()

ABANDON_AFTER = 3.5  # seconds from being told to stop: then the transaction in flight is left to be aborted
LOOK_AT_INPUT = 2.0  # seconds between looks at the input's ends and partitions


async def run(settings: Settings, *, until_end: bool = False) -> None:
    """The service as a process: logs configured, SIGTERM and SIGINT end it cleanly. Raises what `Service.run` does."""
    log_lines.configure(settings.log)
    take_turns()
    service = Service(settings, until_end=until_end)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stop)
    await service.run()


class Service:
    """One model's service. `listener` is called with each new snapshot; `connect` opens the broker."""

    look_for_successor = 5.0  # seconds, after a failed transaction

    def __init__(
        self,
        settings: Settings,
        *,
        until_end: bool = False,
        listener: Callable[[Snapshot], None] | None = None,
        connect: Callable[[BrokerSettings], Broker] = open_broker,
    ) -> None:
        self.settings, self.until_end, self._open_broker = settings, until_end, connect
        self.observers = Observers(settings, listener)
        self.address: str | None = None  # of the page, probes and metrics, once they are served
        self.served = asyncio.Event()  # the address is known, or there will be none
        self._learner: Learner | None = None
        self._claim: OwnClaim | None = None  # the last one, which a successor's would follow
        self._stopping = asyncio.Event()
        self._ends: dict[int, int] | None = None  # `--until-end`: the input's ends when first seen

    async def run(self) -> None:
        """Run until stopped, or until the end for `until_end`. Raises what ends it otherwise (see `errors`)."""
        async with AsyncExitStack() as stack:
            if self.settings.http.enabled:
                seen = self.observers
                wire = Wire(self.settings, seen.recorder)
                shown = (lambda: seen.snapshot, seen.metrics, seen.recorder, wire)
                serving = serve(self.settings.http, *shown, seen.first_records)
                self.address = await stack.enter_async_context(serving)
                _in_background(stack, seen.recorder.beat())
            self.served.set()
            _in_background(stack, watch_lag(self.observers.metrics.loop_lag))
            await self._until_stopped(self._sessions())

    def stop(self) -> None:
        """Stop fetching, finish the transaction, end. What takes longer than 3.5 s is abandoned."""
        self._stopping.set()
        self.observers.phase("draining", "told to stop: finishing the last transaction")
        if self._learner is not None:
            self._learner.draining.set()

    async def _until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work`; once told to stop, give it the time that is left, which is none while it only connects."""
        running = asyncio.create_task(work, name="sessions")
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not running.done():
                await asyncio.wait({running}, timeout=ABANDON_AFTER if self._learner is not None else 0)
            if running.done():
                await running
            elif self._learner is not None:
                log.warning("transaction abandoned", why="the broker did not finish it in time")
        finally:
            for task in (running, stopping):
                task.cancel()
            await asyncio.wait({running, stopping}, timeout=0.5)

    async def _sessions(self) -> None:
        """One session after another, each from the last one's checkpoint, until one ends as asked."""
        self.observers.phase("starting", "loading compiled code; the first run compiles it, which takes half a minute")
        loading = asyncio.create_task(
            load_compiled(self.settings.model.covariance_type, lookout=self.settings.learning.looks_out)
        )
        try:
            await self._one_after_another(loading)
        finally:
            loading.cancel()

    async def _one_after_another(self, loading: asyncio.Task[None]) -> None:
        deadline: float | None = self.settings.broker.start_deadline
        while not self._stopping.is_set():
            async with AsyncExitStack() as stack:
                held = await self._connect(stack, deadline, loading)
                try:
                    await self._serve(held)
                except (TransactionFailed, BrokerUnavailable) as error:
                    self._lost(error)
                else:
                    return
            deadline = self.settings.broker.loss_deadline

    # ---- connect

    async def _connect(self, stack: AsyncExitStack, deadline: float | None, loading: asyncio.Task[None]) -> Session:
        """A session, after as many tries as the deadline (seconds) allows."""
        tries = AsyncRetrying(
            retry=retry_if_exception_type((BrokerUnavailable, TransactionFailed)),
            wait=wait_random_exponential(multiplier=0.5, max=10),
            stop=stop_never if deadline is None else stop_after_delay(deadline),
            before_sleep=self._say_when_next,
            reraise=True,
        )
        return await tries(self._open, stack, loading)

    async def _open(self, stack: AsyncExitStack, loading: asyncio.Task[None]) -> Session:
        async with AsyncExitStack() as opened:
            broker = await opened.enter_async_context(self._open_broker(self.settings.broker))
            self.observers.metrics.connected(fast_path=broker.fast_path)
            found = await topics.ensure(broker, self.settings)
            plan = plans.plan(self.settings, largest_record=outbox.largest_record(found.assignments))
            await loading  # meanwhile the broker was found; who takes a model over must be able to run it
            began, name = time.perf_counter(), self.settings.model.name
            taking_over = f"taking over model {name} at {self.settings.broker.url}"
            restoring = partial(self.observers.phase, "restoring", taking_over)
            if self.observers.snapshot.phase != "disconnected":  # a lost broker is not back before it takes the claim
                restoring()
            if self._claim is not None:
                await sessions.refuse_if_claimed(broker, self.settings, self._claim, self.look_for_successor)
            held = await sessions.take_over(sessions.Ground(self.settings, plan, broker, found), restoring)
            opened.push_async_callback(held.close)
            stack.push_async_exit(opened.pop_all())
        self._claim = held.claim
        self.observers.plan(plan)
        self.observers.metrics.restored(time.perf_counter() - began)
        self.observers.show(held.state, Report())
        log.info("model taken over", model=name, instance=held.claim.claim.instance)
        return held

    def _say_when_next(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        seconds = state.next_action.sleep if state.next_action else 0.0
        self.observers.phase("disconnected", f"{error}; it is tried again until it is back")
        log.warning(
            "broker unavailable", address=self.settings.broker.url, why=str(error), next_try_seconds=round(seconds, 1)
        )

    # ---- run

    async def _serve(self, held: Session) -> None:
        learner = Learner(held, self.observers)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(learner.close)
            if self.until_end:
                self._ends = self._ends or await held.ground.broker.offsets(self.settings.input.topic, "latest")
                learner.until = self._ends
            self._learner = learner
            stack.callback(self._no_learner)
            _in_background(stack, self._look_at_input(held, learner))
            await learner.main_loop()
        totals = learner.transactions.committed.totals
        log.info(
            "ended as asked",
            model=self.settings.model.name,
            records=totals.records,
            published=totals.published,
            dead_lettered=sum(totals.rejected.values()),
        )

    def _no_learner(self) -> None:
        self._learner = None

    async def _look_at_input(self, held: Session, learner: Learner) -> None:
        """Every two seconds: how far the input goes, and whether it has got new partitions."""
        broker, topic = held.ground.broker, self.settings.input.topic
        while True:
            try:
                ends = await broker.offsets(topic, "latest")
                self.observers.input_ends(ends)
                if ends.keys() - learner.working.positions.keys():
                    await learner.find_new_partitions()
            except BrokerError as error:
                log.warning("input not seen", topic=topic, why=str(error))
            await asyncio.sleep(LOOK_AT_INPUT)

    def _lost(self, error: TransactionFailed | BrokerUnavailable) -> None:
        """The outcome of the last transaction is unknown. Raises the error once nothing was committed for too long."""
        self.observers.metrics.aborted()
        self.observers.phase("disconnected", f"{error}; starting again from the checkpoint")
        log.warning("session lost", model=self.settings.model.name, why=str(error))
        deadline = self.settings.broker.loss_deadline
        if deadline is not None and time.monotonic() - self.observers.last_commit > deadline:
            raise error


def _in_background(stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
    """Do `work` until the stack unwinds."""
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()):
            log.error("background task failed", task=str(task.get_coro()), why=repr(error))

    stack.push_async_callback(end)
