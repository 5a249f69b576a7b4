"""The service's own HTTP server over a recorder that a test tells what there is to see."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self

import numpy as np

from streamgmm.drift import monitor
from streamgmm.engine import step as engine
from streamgmm.engine.sample import Sample
from streamgmm.engine.values import Live, Report, State, Totals
from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import stepwise_em
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.statistics import Statistics
from streamgmm.mixture.vacancy import vacant
from streamgmm.service.listener import serve
from streamgmm.service.live.recorder import Recorder
from streamgmm.service.live.wire import Wire
from streamgmm.service.metrics import EndToEnd, Metrics
from streamgmm.service.publisher import Committed
from streamgmm.service.snapshot import ComponentView, Snapshot
from streamgmm.service.view import empty
from streamgmm.settings import Http, Settings
from tests.service.snapshots import NO_DRIFT

WAIT = 30.0  # seconds
A_MOMENT = 0.004  # seconds that a frame has to leave before the next one comes


def settings_for(features: Sequence[str] | Sequence[dict[str, Any]], k: int, **sections: dict[str, Any]) -> Settings:
    """Settings of a model with these features; `diag` covariances, so that a large one is cheap."""
    base: dict[str, Any] = {
        "input": {"topic": "t", "features": list(features)},
        "model": {"name": "players", "n_components": k, "covariance_type": "diag"},
    }
    return Settings.model_validate(base | sections)


class Shown(AbstractContextManager["Shown"]):
    """Serves on a free port of the loopback address while the block runs."""

    def __init__(self, settings: Settings, port: int = 0, clock: Callable[[], float] = time.time) -> None:
        self.settings, self.port = settings, port
        self.address = ""
        self.recorder = Recorder(
            empty(settings), clock, payloads=settings.http.show_payloads, cool_down=settings.drift.cool_down
        )
        self._loop = asyncio.new_event_loop()
        self._stop: asyncio.Event
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(WAIT)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(WAIT)
        self._loop.close()

    def call(self, function: Callable[[], Any]) -> Any:
        """Do it on the server's own thread, as the learner does."""

        async def inside() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(inside(), self._loop).result(WAIT)

    def play(self, frames: int, snapshot: Snapshot, live: Live, sample: Sample, **report: Any) -> int:
        """So many frames, one after the other; the number of the last."""

        async def inside() -> int:
            for _ in range(frames):
                self._tell(snapshot, live, (sample,), report)
                await asyncio.sleep(A_MOMENT)
            return self.recorder.newest().number

        return asyncio.run_coroutine_threadsafe(inside(), self._loop).result(10 * WAIT)

    def show(
        self, snapshot: Snapshot, live: Live | None = None, samples: tuple[Sample, ...] = (), **report: Any
    ) -> None:
        """A commit, and the frame that shows it."""
        self.call(lambda: self._tell(snapshot, live, samples, report))

    def _tell(self, snapshot: Snapshot, live: Live | None, samples: tuple[Sample, ...], report: dict[str, Any]) -> None:
        state = engine.init({0: 1}, 2) if snapshot.phase == "warming_up" else None
        if live is not None:
            state = State({0: 1}, live, None, Totals(vectors=snapshot.totals.vectors))
            committed = Committed(state, Report(samples=samples, **report), 0.01, 4096)
            self.recorder.committed(committed, EndToEnd(0.05, 0.01))
        self.recorder.show(snapshot, state)
        self.recorder.make()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        metrics = Metrics(self.settings.model)
        http = Http(
            port=self.port, **self.settings.http.model_dump(exclude={"port", "host"}), host=self.settings.http.host
        )
        wire = Wire(self.settings, self.recorder)
        seen = empty(self.settings)
        async with serve(http, lambda: seen, metrics, self.recorder, wire) as self.address:
            self._ready.set()
            await self._stop.wait()


def live_of(means: np.ndarray, variances: np.ndarray, weights: np.ndarray, *, frozen: bool = True) -> Live:
    """A model with diagonal covariances (k, d), its reference the same one moved by half a standard deviation."""
    covariance = covariances.by_name("diag")
    precisions, _ = covariance.factorise(variances)
    parameters = Parameters(*(np.ascontiguousarray(part) for part in (weights, means, variances, precisions)))
    statistics = Statistics(weights, means, variances * weights[:, None])
    learning = stepwise_em.Learning(covariance, batch_size=100)
    mixture = stepwise_em.begin(statistics, parameters, learning)
    drift, ids = monitor.init(), np.arange(len(weights))
    if frozen:
        moved = parameters._replace(means=means - 0.5 * np.sqrt(variances))
        drift = monitor.freeze(drift, moved, ids, steps=7, learnt=5_000.0)
    return Live(mixture, ids, 0, 0.1, drift)


def sample_of(live: Live, n: int, seed: int = 0) -> Sample:
    """Vectors drawn from a model."""
    random, parameters = np.random.default_rng(seed), live.mixture.parameters
    which = random.choice(len(parameters.weights), n, p=parameters.weights)
    vectors = random.normal(parameters.means[which], np.sqrt(parameters.covariances[which]))
    responsibilities = np.full((n, len(parameters.weights)), 0.1 / max(1, len(parameters.weights) - 1))
    responsibilities[np.arange(n), which] = 0.9 if len(parameters.weights) > 1 else 1.0
    return Sample(vectors, responsibilities, live.ids, np.zeros(n, np.int8))


def snapshot_of(settings: Settings, live: Live | None, **changes: Any) -> Snapshot:
    """A learner that runs with this model."""
    names = [feature.name for feature in settings.input.features]  # type: ignore[union-attr]
    units = [feature.unit for feature in settings.input.features]  # type: ignore[union-attr]
    parameters = live.mixture.parameters if live is not None else None
    components = (
        ()
        if parameters is None
        else tuple(
            ComponentView(i, float(parameters.weights[i]), tuple(parameters.means[i].tolist()))
            for i in np.flatnonzero(~vacant(parameters.weights)).tolist()
        )
    )
    running = empty(settings)._replace(
        phase="running",
        detail="learning",
        features=tuple(names),
        units=tuple(units),
        components=components,
        steps=7,
        log_likelihood=-4.5,
        drift=NO_DRIFT,
        positions={0: 10},
        lag={0: 3},
        last_timestamp=None,
    )
    return running._replace(**changes)


def model_of_size(k: int, d: int, seed: int = 0) -> Live:
    """k components apart from each other in d features."""
    random = np.random.default_rng(seed)
    weights = random.dirichlet(np.full(k, 5.0))
    return live_of(random.normal(0, 5, (k, d)), random.uniform(0.5, 2, (k, d)), weights)
