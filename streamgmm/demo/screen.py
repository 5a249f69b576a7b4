"""Where a demo is shown: drawn in place on a terminal, a line every few seconds anywhere else."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live

from streamgmm.demo import live_view
from streamgmm.demo.glyphs import glyphs_for
from streamgmm.demo.live_view import Canvas, Scene
from streamgmm.demo.stage import Stage

LINE_SECONDS = 5.0


class Screen(Protocol):
    """Shows the stage each time `draw` is called."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def draw(self, stage: Stage, scene: Scene) -> None:
        """Show what there is to see now."""


class LiveScreen:
    """Draws over its last frame; the last one stays."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False)
        self._glyphs = glyphs_for(console.encoding)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def draw(self, stage: Stage, scene: Scene) -> None:
        """One frame as wide as the terminal is now."""
        canvas = Canvas(self._console.width, self._glyphs)
        self._live.update(live_view.render(stage.snapshot, stage.history, scene, canvas), refresh=True)


class LineScreen:
    """Prints a line when something changed that matters, and every few seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: tuple[object, ...] = ()
        self._due = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def draw(self, stage: Stage, scene: Scene) -> None:
        """A line, where one is due."""
        state = (stage.snapshot.phase, stage.snapshot.drift.state, scene.sentence)
        if state == self._last and scene.elapsed < self._due:
            return
        self._last, self._due = state, scene.elapsed + LINE_SECONDS
        self._console.print(live_view.line(stage.snapshot, stage.history, scene), highlight=False, soft_wrap=True)


def screen_for(console: Console) -> Screen:
    """Drawn on a terminal, lines elsewhere."""
    return LiveScreen(console) if console.is_terminal else LineScreen(console)
