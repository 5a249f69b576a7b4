"""Plays a demo: an embedded log in a temporary folder, the service, the feeder, and the screen, until it is ended.

Read `play` first. The service is handed in as a `Start`, so that this file knows no more of it than it needs.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from rich.console import Console, RenderableType

from streamgmm.broker.open import open_broker
from streamgmm.demo import datasets, feeder, story, summary
from streamgmm.demo.feeder import Feed
from streamgmm.demo.live_view import Scene
from streamgmm.demo.screen import Screen, screen_for
from streamgmm.demo.stage import Stage
from streamgmm.service import log_lines
from streamgmm.service.snapshot import DriftView, Snapshot, Totals
from streamgmm.settings import Log, Settings

FRAME_SECONDS = 0.25

Observer = Callable[[Snapshot], None]


class Service(Protocol):
    """The learner with its probes."""

    @property
    def address(self) -> str | None:
        """Where probes and metrics are served, `http://host:port`; None before they are."""

    async def run(self) -> None:
        """Work until told to drain. Raises what ended it otherwise."""

    def drain(self) -> None:
        """Finish the transaction and end."""


Start = Callable[[Settings, Observer], Service]
Audit = Callable[[Settings], Awaitable[str]]


async def play(dataset: str, seconds: float | None, start: Start, audit: Audit, console: Console | None = None) -> None:
    """Play the demo of that name for so many seconds of streaming, or until Ctrl-C; ends with a summary.

    Raises SettingsError for an unknown name, and what the service raises.
    """
    material, console = datasets.find(dataset), console or Console()
    with TemporaryDirectory(prefix="streamgmm-demo-") as folder:
        settings = datasets.settings_on(material, f"sqlite:///{folder}/demo.db")
        stage = _stage(material, settings, seconds)
        service = start(settings, stage.observe)
        with _ended_by_signals(stage):
            await _perform(stage, service, settings, screen_for(console), seconds)
        console.print(await _summary(stage, settings, audit))


async def _perform(stage: Stage, service: Service, settings: Settings, screen: Screen, seconds: float | None) -> None:
    """The service, fed and shown, until the time is up, a signal comes, or the service ends by itself."""
    with screen:
        log_lines.configure(Log(level="error"))
        async with _fed(stage, settings):
            working = asyncio.create_task(service.run(), name="service")
            try:
                while not (working.done() or stage.ended.is_set() or (seconds and stage.elapsed >= seconds)):
                    screen.draw(stage, _scene(stage, service, settings, seconds))
                    await asyncio.wait({working}, timeout=FRAME_SECONDS)
            finally:
                service.drain()
                await working
        screen.draw(stage, _scene(stage, service, settings, seconds))


@contextlib.asynccontextmanager
async def _fed(stage: Stage, settings: Settings) -> AsyncIterator[None]:
    """The input topic exists, and records arrive in it once the learner is ready."""
    async with open_broker(settings.broker) as broker:
        await feeder.create_topic(broker, settings.input.topic)
        feed = Feed(stage.dataset, settings.input.topic, stage.plan.rate)

        async def when_ready() -> None:
            await stage.learner_ready.wait()
            await feeder.run(broker, feed, stage.next_population)

        feeding = asyncio.create_task(when_ready(), name="feeder")
        feeding.add_done_callback(lambda _: stage.ended.set())
        try:
            yield
        finally:
            feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feeding


@contextlib.contextmanager
def _ended_by_signals(stage: Stage) -> Iterator[None]:
    loop, signals = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, stage.ended.set)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _stage(material: datasets.Dataset, settings: Settings, seconds: float | None) -> Stage:
    warm_up, drift = settings.learning.warm_up or 0, settings.drift
    plan = story.schedule(seconds, warm_up + drift.settle + drift.reference_size)
    return Stage(material, plan, asyncio.get_running_loop().time, nothing_yet(settings))


def nothing_yet(settings: Settings) -> Snapshot:
    """What there is to see before the service has started."""
    detail = "compiling its kernels (some seconds, once)"
    drift = DriftView("settling", 0.0, None, None, None)
    totals = Totals(0, 0, {}, 0)
    name = settings.model.name
    return Snapshot("starting", detail, name, (), (), (), 0, None, None, (0, 0), drift, totals, {}, {}, None)


def _scene(stage: Stage, service: Service, settings: Settings, seconds: float | None) -> Scene:
    http = service.address
    tail = f"{_command()} tail --topic {settings.output_topic} --broker {settings.broker.url}"
    addresses = (("metrics, probes", f"{http}/metrics /readyz /livez"),) if http else ()
    waiting = "the service starts; players arrive as soon as it is ready"
    return Scene(
        title=stage.dataset.title,
        sentence=stage.population.sentence if stage.learner_ready.is_set() else waiting,
        noun=stage.dataset.noun,
        elapsed=stage.elapsed,
        addresses=(*addresses, ("elsewhere try", tail)),
        ending=f"ends by itself at {seconds:.0f} s; Ctrl-C ends it now" if seconds else "Ctrl-C ends it",
    )


async def _summary(stage: Stage, settings: Settings, audit: Audit) -> RenderableType:
    data = files("streamgmm").joinpath("data")
    following = summary.Next(_command(), _short(f"{data}/players.csv"), _short(f"{data}/players.yaml"))
    return summary.render(stage, await audit(settings), following)


def _command() -> str:
    """How streamgmm was called."""
    return _short(sys.argv[0]) if Path(sys.argv[0]).name == "streamgmm" else "streamgmm"


def _short(path: str) -> str:
    """Relative to the working directory where it lies below."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative
