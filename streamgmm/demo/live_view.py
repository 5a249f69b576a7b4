"""The live view: pure functions from what the learner showed to something that rich can draw, 60 columns and wider.

A component keeps its colour for life; the colours (Okabe and Ito 2008) can be told apart by the colour-blind, and
nothing is said by colour alone.
"""

import re
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streamgmm.demo import glyphs as signs
from streamgmm.demo import history as past
from streamgmm.demo.glyphs import Glyphs
from streamgmm.demo.history import History
from streamgmm.service.snapshot import ComponentView, DriftView, Snapshot

COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#D55E00", "#0072B2", "#999999")
ALARM = "bold #D55E00"
ROWS = 12  # components shown
LABEL = 15  # columns of the labels on the left
BAR = 12
CELL = 2  # padding of a table's column


class Scene(NamedTuple):
    """What the learner does not know: the demo's words and surroundings."""

    title: str
    sentence: str  # what is happening now
    noun: str  # one vector, in a word
    elapsed: float  # seconds
    addresses: tuple[tuple[str, str], ...]  # label, address
    ending: str  # how to end


class Canvas(NamedTuple):
    """Where it is drawn."""

    width: int
    glyphs: Glyphs


def render(snapshot: Snapshot, history: History, scene: Scene, canvas: Canvas) -> RenderableType:
    """The whole view."""
    return Group(
        _heading(snapshot, scene, canvas),
        _labelled("now", Text(scene.sentence, "bold")),
        Text(),
        _components(snapshot, history, canvas),
        _labelled("log-likelihood", _log_likelihood(history, scene, canvas)),
        _labelled("drift", _drift(snapshot.drift, canvas)),
        _labelled("records", Text(_records(snapshot, history))),
        Text(),
        *(_labelled(label, Text(address, overflow="fold")) for label, address in scene.addresses),
        _labelled("", Text(scene.ending, "dim")),
    )


def line(snapshot: Snapshot, history: History, scene: Scene) -> str:
    """The view in one line, for an output that is no terminal."""
    weights = " ".join(f"C{c.id} {c.weight:.0%}" for c in snapshot.components) or _learner(snapshot)
    score = "" if snapshot.log_likelihood is None else f" | log-likelihood {snapshot.log_likelihood:.2f}"
    drift = f"drift {_drift_words(snapshot.drift)}"
    return f"{_clock(scene.elapsed)} | {scene.sentence} | {weights}{score} | {drift} | {_records(snapshot, history)}"


def _heading(snapshot: Snapshot, scene: Scene, canvas: Canvas) -> RenderableType:
    state = f"{_learner(snapshot)}  {_clock(scene.elapsed)}"
    title = Text(f"streamgmm: {scene.title}", "bold", overflow="ellipsis", no_wrap=True)
    if canvas.width - len(state) < len(title) + 2:
        return Group(title, Text(state, "dim"))
    title.truncate(canvas.width - len(state), pad=True)
    return title.append(state, "dim")


def _labelled(label: str, content: Text) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=LABEL, style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(label, content)
    return grid


def _learner(snapshot: Snapshot) -> str:
    have, need = snapshot.warm_up
    if snapshot.phase == "warming_up":
        return f"warming up: {have} of {need} vectors"
    return f"running, {snapshot.steps} M-steps" if snapshot.phase == "running" else snapshot.detail


def _components(snapshot: Snapshot, history: History, canvas: Canvas) -> RenderableType:
    """One row for each component: identity, weight, trend, and the mean of as many features as there is room for."""
    if not snapshot.components:
        return Text("no components yet: the model starts when the warm-up is full", "dim")
    headers = [_header(name, unit) for name, unit in zip(snapshot.features, snapshot.units, strict=True)]
    bar = BAR if canvas.width >= 72 else 0
    shown = _fitting(headers, canvas.width - 3 * CELL - len("C000") - len("100 %") - 2 - bar)
    table = Table(box=None, padding=(0, CELL, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("id")
    table.add_column("weight", no_wrap=True)
    for header in headers[:shown]:
        table.add_column(header, justify="right", no_wrap=False)
    for component in snapshot.components[:ROWS]:
        means = (signs.compact(mean) for mean in component.mean[:shown])
        table.add_row(_identity(component), _weight(component, history, bar, canvas.glyphs), *means)
    left_out = _left_out(snapshot, shown)
    return Group(table, Text(left_out, "dim")) if left_out else table


def _header(name: str, unit: str) -> str:
    """Words that can stand below each other: GapBetweenPACs is Gap Between PACs."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name)
    return f"{words}\n{unit}"


def _fitting(headers: list[str], room: int) -> int:
    """How many columns fit, at least one."""
    used = 0
    for count, header in enumerate(headers):
        used += max(map(len, (*header.split(), "12.3k"))) + CELL
        if used - CELL > room:
            return max(count, 1)
    return len(headers)


def _identity(component: ComponentView) -> Text:
    return Text(f"C{component.id}", f"bold {COLOURS[component.id % len(COLOURS)]}")


def _weight(component: ComponentView, history: History, bar: int, glyphs: Glyphs) -> Text:
    text = Text(f"{component.weight:>4.0%} {glyphs.trends[past.trend(history, component.id)]}")
    filled = glyphs.bar * round(component.weight * bar)
    return text.append(f" {filled:<{bar}}", COLOURS[component.id % len(COLOURS)]) if bar else text


def _left_out(snapshot: Snapshot, shown: int) -> str:
    features, components = snapshot.features[shown:], snapshot.components[ROWS:]
    parts = [f"no room for {', '.join(features)}"] if features else []
    parts += [f"{len(components)} more components"] if components else []
    return "; ".join(parts)


def _log_likelihood(history: History, scene: Scene, canvas: Canvas) -> Text:
    values = past.log_likelihoods(history)
    if not values:
        return Text("none yet", "dim")
    width = canvas.width - LABEL - 1
    shown = values[-width:]
    text = Text(signs.sparkline(values, width, canvas.glyphs), COLOURS[1])
    numbers = f"{values[-1]:.2f} nats a {scene.noun} ({min(shown):.2f} to {max(shown):.2f})"
    return text.append(f"\n{numbers}", "default")


def _drift(drift: DriftView, canvas: Canvas) -> Text:
    alarm = drift.state == "alarm"
    text = Text(_drift_words(drift), ALARM if alarm else "")
    if not drift.statistics:
        return text
    highest = max(drift.statistics, key=lambda one: one.value / one.limit)
    numbers = f" {highest.name.replace('_', '-')} {highest.value:.1f}, limit {highest.limit:.1f}"
    rail = signs.gauge(highest.value, highest.limit, min(31, canvas.width - LABEL - 1 - len(numbers)), canvas.glyphs)
    text.append(f"\n{rail}", ALARM if alarm else COLOURS[1])
    return text.append(numbers, "default")


def _drift_words(drift: DriftView) -> str:
    words = {
        "off": "not watched",
        "settling": f"settling: {drift.progress:.0%} of the way to a reference",
        "calibrating": f"calibrating: {drift.progress:.0%} of what is usual seen",
        "none": "none: the stream is like its reference",
        "warning": f"warning: {drift.sentence or 'the stream is less like its reference'}",
        "alarm": f"ALARM: {drift.sentence or 'the stream is unlike its reference'}",
    }
    return words[drift.state]


def _records(snapshot: Snapshot, history: History) -> str:
    totals, speed = snapshot.totals, past.rate(history)
    rejected = sum(totals.rejected.values())
    pace = "" if speed is None else f"{speed:,.0f}/s; "
    return f"{pace}{totals.records:,} read, {totals.published:,} assigned, dead letters {rejected:,}"


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"
