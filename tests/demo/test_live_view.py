import io

import pytest
from rich.console import Console

from streamgmm.demo import glyphs, history, live_view
from streamgmm.demo.live_view import Canvas, Scene
from streamgmm.service import view
from streamgmm.service.snapshot import Snapshot
from streamgmm.settings import Settings
from tests.demo.snapshots import running
from tests.demo.test_history import played

SCENE = Scene(
    title="players of StarCraft II",
    sentence="only leagues 6 and above arrive: 711 strong players",
    noun="player",
    elapsed=40.2,
    addresses=(
        ("live page", "http://127.0.0.1:41234"),
        (
            "elsewhere try",
            ".venv/bin/streamgmm tail --topic players.assignments --broker sqlite:////tmp/streamgmm-demo-abcd1234/demo.db",
        ),
    ),
    ending="Ctrl-C ends it",
)


def drawn(snapshot: Snapshot, width: int, signs: glyphs.Glyphs = glyphs.UNICODE, past: float = 20.0) -> str:
    console = Console(width=width, record=True, force_terminal=True, file=io.StringIO())
    console.print(live_view.render(snapshot, played(past), SCENE, Canvas(width, signs)))
    return console.export_text()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_fits_the_width_and_says_everything(width: int) -> None:
    text = drawn(running(40_000), width)
    assert all(len(line.rstrip()) <= width for line in text.splitlines())
    assert width < 80 or len(text.splitlines()) < 24
    words = " ".join(text.split())
    for part in ("players of StarCraft II", "00:40", "only leagues 6", "C0", "C3", "APM", "155", "0.85"):
        assert part in words
    for part in (
        "log-likelihood",
        "nats a player",
        "none: the stream is like",
        "log-likelihood 0.4, limit 3.7",
        "2,000/s",
        "40,000 read",
    ):
        assert part in words
    for part in (
        "dead letters 3",
        "running, 120 M-steps",
        "http://127.0.0.1:41234",
        "Ctrl-C ends it",
    ):
        assert part in words


def test_what_a_narrow_terminal_has_no_room_for_is_named() -> None:
    assert "no room for TotalMapExplored" in drawn(running(), 60)
    assert "no room" not in drawn(running(), 80)


def test_the_alarm_is_said_in_words() -> None:
    assert "ALARM" in drawn(running(drift="alarm"), 80)


def test_ascii_terminals_get_ascii() -> None:
    assert drawn(running(), 80, glyphs.ASCII).isascii()


def test_many_components_are_cut_and_counted() -> None:
    text = drawn(running(weights=(1 / 40,) * 40), 80)
    assert "28 more components" in text
    assert "C12" not in text


def test_a_component_keeps_its_colour_whatever_stands_before_it() -> None:
    def colour(snapshot: Snapshot) -> list[str]:
        console = Console(width=80, record=True, force_terminal=True, color_system="truecolor", file=io.StringIO())
        console.print(live_view.render(snapshot, history.init(), SCENE, Canvas(80, glyphs.UNICODE)))
        return [line.split("C3")[0] for line in console.export_text(styles=True).splitlines() if "C3" in line]

    whole = running()
    assert colour(whole) == colour(whole._replace(components=whole.components[2:]))


def test_before_the_first_snapshot_it_says_what_is_awaited() -> None:
    settings = Settings.model_validate({"input": {"topic": "t"}, "model": {"n_components": 4}})
    text = drawn(view.empty(settings), 80, past=0)
    assert "starting" in text
    assert "no components yet" in text


def test_the_warm_up_says_how_far_it_is() -> None:
    text = drawn(running()._replace(phase="warming_up", warm_up=(500, 2000), components=()), 80)
    assert "warming up: 500 of 2000 vectors" in text


def test_one_line_for_an_output_that_is_no_terminal() -> None:
    line = live_view.line(running(40_000, "alarm"), played(20), SCENE)
    assert line.startswith("00:40 | only leagues 6 and above")
    assert "C1 43%" in line
    assert "ALARM" in line
    assert "\n" not in line
