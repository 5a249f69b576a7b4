"""Plays a demo: an embedded log in a temporary folder, the service, the feeder, and the screen, until it is ended.

Read `run` first.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from streamgmm.broker.open import open_broker
from streamgmm.demo import datasets, feeder, story, summary
from streamgmm.demo.feeder import Feed
from streamgmm.demo.live_view import Scene
from streamgmm.demo.screen import screen_for
from streamgmm.demo.stage import Stage
from streamgmm.service import log_lines, view
from streamgmm.service.audit import audit
from streamgmm.service.audit.report import AuditReport
from streamgmm.service.service import Service
from streamgmm.settings import Log, Settings

FRAME_SECONDS = 0.25


async def run(dataset: str, seconds: float | None, port: int = 0, console: Console | None = None) -> None:
    """Play the demo of that name for so many seconds of streaming, or until Ctrl-C; ends with a summary.

    The service listens at `port`; 0 takes a free one.

    Raises SettingsError for an unknown name, and what the service raises.
    """
    material, console = datasets.find(dataset), console or Console()
    with TemporaryDirectory(prefix="streamgmm-demo-") as folder:
        settings = datasets.settings_on(material, f"sqlite:///{folder}/demo.db", port)
        stage = _stage(material, settings, seconds)
        service = Service(settings, listener=stage.observe)
        with _ended_by_signals(stage):
            await _perform(stage, service, console, seconds)
            console.print(summary.render(stage, await _audited(settings)))
            console.print("\n".join(summary.commands(_following())), highlight=False, soft_wrap=True)


async def _perform(stage: Stage, service: Service, console: Console, seconds: float | None) -> None:
    """The service, fed and shown, until the time is up, a signal comes, or the service ends by itself."""
    log_lines.configure(Log(level="error"))
    screen = screen_for(console)
    with contextlib.ExitStack() as shown:
        async with _fed(stage, service.settings):
            working = asyncio.create_task(service.run(), name="service")
            try:
                await _until_served(service, working)
                console.print(f"The live page: {service.address}", highlight=False, soft_wrap=True)
                shown.enter_context(screen)
                while not (working.done() or stage.ended.is_set() or (seconds and stage.elapsed >= seconds)):
                    screen.draw(stage, _scene(stage, service, seconds))
                    await asyncio.wait({working}, timeout=FRAME_SECONDS)
            finally:
                service.stop()
                await working
        screen.draw(stage, _scene(stage, service, seconds))


async def _until_served(service: Service, working: asyncio.Task[None]) -> None:
    """The page's address is known, or the service has ended before."""
    served = asyncio.create_task(service.served.wait())
    await asyncio.wait({served, working}, return_when=asyncio.FIRST_COMPLETED)
    served.cancel()


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
    return Stage(material, plan, asyncio.get_running_loop().time, view.empty(settings))


def _scene(stage: Stage, service: Service, seconds: float | None) -> Scene:
    http, settings = service.address, service.settings
    tail = f"{_command()} tail --topic {settings.output_topic} --broker {settings.broker.url}"
    addresses = (("live page", http),) if http else ()
    waiting = "the service starts; players arrive as soon as it is ready"
    return Scene(
        title=stage.dataset.title,
        sentence=stage.population.sentence if stage.learner_ready.is_set() else waiting,
        noun=stage.dataset.noun,
        elapsed=stage.elapsed,
        addresses=(*addresses, ("elsewhere try", tail)),
        ending=f"ends by itself at {seconds:.0f} s; Ctrl-C ends it now" if seconds else "Ctrl-C ends it",
    )


async def _audited(settings: Settings) -> str:
    """What `audit` finds in the demo's own log, in a sentence."""
    async with open_broker(settings.broker) as broker:
        return audited(await audit(settings, broker))


def audited(report: AuditReport) -> str:
    """What an audit has found; the demo's log keeps the last records only, and outputs are larger than inputs."""
    gone, verdict = report.taken_from_output, list(report.lines())[-1]
    out = report.assigned + report.dead_lettered + gone
    aged = f", the first {gone:,} of them no longer kept" if gone else ""
    return f"Audit: {report.input:,} records in, {out:,} out{aged}; {verdict}."


def _following() -> summary.Next:
    data = files("streamgmm").joinpath("data")
    return summary.Next(_command(), _short(f"{data}/players.csv"), _short(f"{data}/players.yaml"))


def _command() -> str:
    """How streamgmm was called."""
    return _short(sys.argv[0]) if Path(sys.argv[0]).name == "streamgmm" else "streamgmm"


def _short(path: str) -> str:
    """Relative to the working directory where it lies below."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative
