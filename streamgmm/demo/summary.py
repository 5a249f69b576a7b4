"""What a demo says when it has ended: what was learnt, when the alarm rose, how much was done, what to try next."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streamgmm.demo import glyphs
from streamgmm.demo import history as past
from streamgmm.demo.stage import Stage
from streamgmm.service.snapshot import ComponentView, Snapshot


class Next(NamedTuple):
    """Commands to try."""

    command: str  # how streamgmm is called here
    data: str  # the shipped CSV
    config: str  # its settings file


def render(stage: Stage, audit: str) -> RenderableType:
    """What happened. `audit` is what `audit` found in the demo's log, in a sentence."""
    facts = "\n".join((_change(stage), _work(stage), audit))
    return Group(
        Text(),
        Text("What was learnt", "bold"),
        _segments(stage),
        Text(),
        Text(facts),
        Text(),
        Text("What to try next", "bold"),
    )


def ordered(snapshot: Snapshot) -> tuple[ComponentView, ...]:
    """The components by the mean of the first feature, lowest first."""
    return tuple(sorted(snapshot.components, key=lambda component: component.mean[0]))


def names(count: int, given: Sequence[str]) -> tuple[str, ...]:
    """A name for each of `count` segments in order: the given ones where their number fits."""
    return tuple(given) if len(given) == count else tuple(f"{i} of {count}" for i in range(1, count + 1))


def _segments(stage: Stage) -> RenderableType:
    snapshot = stage.before_change or stage.snapshot
    if not snapshot.components:
        return Text("nothing yet: it ended before the model started")
    first, now = snapshot.features[0], {c.id: c.weight for c in stage.snapshot.components}
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for header in ("segment", "id", f"{first} {snapshot.units[0]}".strip(), "share"):
        table.add_column(header, justify="left" if header == "segment" else "right")
    if stage.before_change:
        table.add_column("share at the end", justify="right")
    components = ordered(snapshot)
    for name, component in zip(names(len(components), stage.dataset.segments), components, strict=True):
        end = [f"{now.get(component.id, 0.0):.0%}"] if stage.before_change else []
        table.add_row(name, f"C{component.id}", glyphs.compact(component.mean[0]), f"{component.weight:.0%}", *end)
    return table


def _change(stage: Stage) -> str:
    changed = stage.story.first_change
    if changed is None:
        return "Drift: the population did not change; a longer demo shows the alarm."
    alarm = past.first_alarm(stage.history, changed)
    if alarm is None:
        return f"Drift: the population changed at {changed:.0f} s; no alarm rose by the end."
    delay = alarm.time - changed
    records = round(delay * stage.plan.rate)
    early = sum(a.raised and a.time < changed for a in stage.history.alarms)
    false = f" {early} false alarm(s) before." if early else ""
    return f"Drift: the alarm rose {delay:.1f} s, or about {records:,} records, after the population changed.{false}"


def _work(stage: Stage) -> str:
    totals = stage.snapshot.totals
    speed = totals.records / stage.elapsed if stage.elapsed else 0.0
    return (
        f"Work: {totals.records:,} records in {stage.elapsed:.0f} s ({speed:,.0f}/s, as fast as they arrived), "
        f"{totals.published:,} assignments, {sum(totals.rejected.values()):,} dead letters "
        "(one record in a thousand was damaged on purpose)."
    )


def commands(following: Next) -> Iterator[str]:
    """What to try next, a line each; to be printed without wrapping, so that it can be copied."""
    command, broker = following.command, "--broker sqlite:///players.db"
    yield "The same by hand, kept in players.db:"
    yield f"  {command} replay {following.data} --topic players --format json {broker}"
    yield f"  {command} run --config {following.config} --until-end"
    yield f"  {command} tail --topic players.assignments {broker} --from-start --until-end"
    yield "Your own Kafka: write its address and your topic into config/minimal.yaml, then"
    yield f"  {command} run --config config/minimal.yaml"
    yield "Every setting, explained: config/streamgmm.yaml"
