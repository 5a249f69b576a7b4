"""Who watches a learner: metrics, the log, the probes, a live view. All are told of committed states only."""

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog

from streamgmm.engine.plan import Plan
from streamgmm.engine.values import Event, Report, State
from streamgmm.service import view
from streamgmm.service.live.recorder import Recorder
from streamgmm.service.metrics import EndToEnd, Metrics
from streamgmm.service.publisher import Committed
from streamgmm.service.snapshot import Phase, Snapshot
from streamgmm.settings import Settings

log = structlog.get_logger()

SUMMARY_EVERY = 60.0  # seconds
SHORTEST = 1.0  # second that a rate is of: one is said of no moment
_WARNINGS = frozenset({"drift_raised", "records_skipped", "component_died"})


class Observers:
    """Keeps the newest snapshot, and passes on what the learner tells."""

    def __init__(self, settings: Settings, listener: Callable[[Snapshot], None] | None = None) -> None:
        self.metrics = Metrics(settings.model)
        self.snapshot = view.empty(settings)
        self.recorder = Recorder(
            self.snapshot, payloads=settings.http.show_payloads, cool_down=settings.drift.cool_down
        )
        self.view: view.View | None = None
        self._settings, self._listener = settings, listener
        self.last_commit = time.monotonic()  # or the start
        self.first_records = asyncio.Event()  # some have been committed since the start
        self._draining = False
        self._summarised = time.monotonic()
        self._records_then: int | None = None  # at the last summary, or as the process found them
        self._ends: Mapping[int, int] = {}  # of the input, by partition

    def plan(self, plan: Plan) -> None:
        """What the learner will run with is known."""
        self.view = self.recorder.view = view.View(self._settings, plan)
        self.recorder.n_components = plan.candidates[0]

    def phase(self, phase: Phase, detail: str) -> None:
        """The learner is where it is not ready. Draining ends with the program."""
        self._draining = self._draining or phase == "draining"
        if self._draining and phase != "draining":
            return
        self._show(self.snapshot._replace(phase=phase, detail=detail))

    def computed(self, seconds: float) -> None:
        """A step was computed."""
        self.metrics.computed(seconds)

    def committed(self, committed: Committed) -> None:
        """A transaction has been committed, or a checkpoint restored (its report is empty)."""
        self.last_commit = time.monotonic()
        if committed.report.records:
            self.first_records.set()
        state, report = committed.state, committed.report
        timestamps = [out.columns.timestamps for out in (*report.assignments, *report.dead_letters)]
        latency = EndToEnd.of(timestamps, time.time())
        self.metrics.committed(committed.seconds, committed.checkpoint_bytes, latency)
        self.recorder.committed(committed, latency)
        for event in report.events:
            _log(event, self._settings.model.name)
        self.show(state, report)

    def input_ends(self, ends: Mapping[int, int]) -> None:
        """The input goes so far, by partition: a learner that commits nothing falls behind too."""
        self._ends = ends
        lag = self._lag(self.snapshot.positions)
        if self.snapshot.positions and lag != self.snapshot.lag:
            self._show(self.snapshot._replace(lag=lag))

    def show(self, state: State, report: Report) -> None:
        """Make a committed state the one that is seen."""
        before = self.snapshot
        if self._records_then is None:
            self._records_then = state.totals.records
        if self.view is not None:
            score = report.log_likelihood / report.scored if report.scored else before.log_likelihood
            newest = report.last_timestamp if report.last_timestamp is not None else before.last_timestamp
            seen = self.view.of(state, score, self._lag(state.positions), newest)
            self._show(seen._replace(phase=before.phase, detail=before.detail) if self._draining else seen, state)

    def events(self, *, last: bool = False) -> tuple[Event, ...]:
        """What is to be published with the next transaction: a summary every minute, and one with the last."""
        now, records = time.monotonic(), self.snapshot.totals.records
        passed = now - self._summarised
        if passed < SUMMARY_EVERY and not last:
            return ()
        rate = (records - (self._records_then or 0)) / max(passed, SHORTEST)
        self._summarised, self._records_then = now, records
        return (view.summary(self.snapshot, rate),)

    def _lag(self, positions: Mapping[int, int]) -> Mapping[int, int]:
        return {p: max(0, end - positions.get(p, 0)) for p, end in self._ends.items()}

    def _show(self, snapshot: Snapshot, state: State | None = None) -> None:
        self.snapshot = snapshot
        self.metrics.observe(snapshot)
        self.recorder.show(snapshot, state)
        if self._listener is not None:
            self._listener(snapshot)


def _log(event: Event, model: str) -> None:
    write = log.warning if event.type in _WARNINGS else log.info
    if event.type != "summary":
        write(event.type.replace("_", " "), model=model, **event.fields)
