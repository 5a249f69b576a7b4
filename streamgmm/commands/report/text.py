"""The report as lines."""

from collections.abc import Iterator

import msgspec

from streamgmm.commands.report import story
from streamgmm.commands.report.events import Change, Seen
from streamgmm.drift.words import compact

_LONGEST = 160  # signs of an event's fields


def lines(seen: Seen) -> Iterator[str]:
    """What a person wants to know first comes first. Times are UTC."""
    for line in _lines(seen):
        yield printable(line)


def _lines(seen: Seen) -> Iterator[str]:
    yield f"model {seen.model}, {story.at(seen.start)} to {story.at(seen.end)} UTC"
    yield f"drift: {story.now(seen)}"
    last = story.newest(seen)
    if last is not None and last.drift.statistics:
        yield ""
        yield f"{'statistic':<16}{'value':>9}{'limit':>9}"
        for one in last.drift.statistics:
            mark = "  above" if one.value > one.limit else ""
            yield f"{one.name:<16}{compact(one.value):>9}{compact(one.limit):>9}{mark}"
    yield ""
    yield from _changes(seen)
    yield from _others(seen)
    yield from coverage(seen)


def _changes(seen: Seen) -> Iterator[str]:
    spans = story.alarms(seen)
    yield f"alarms: {len(spans)}" if spans else "alarms: none"
    for change in seen.changes:
        yield from _change(change, seen)
    yield ""


def _change(change: Change, seen: Seen) -> Iterator[str]:
    said = f"  {change.sentence}" if change.sentence else ""
    yield f"{story.at(change.time)}  {story.WORDS[change.type]:<14}  {story.place(change, seen)}{said}"
    if change.type == "drift_raised":
        yield from (f"    {story.moved(one)}" for one in change.moved)


def _others(seen: Seen) -> Iterator[str]:
    if others := story.happened(seen):
        yield "what else happened:"
        yield from (f"{story.at(one.time)}  {one.type.replace('_', ' ')}  {short(one.fields)}" for one in others)
        yield ""


def coverage(seen: Seen) -> Iterator[str]:
    """What the report rests on, and what it could not read."""
    if windows := story.windows(seen):
        yield f"windows of event time: {len(windows)}, the newest: {short(windows[-1].fields)}"
    yield f"from {len(seen.summaries)} summaries and {len(seen.changes) + len(seen.others)} events"
    if seen.unreadable:
        yield f"{seen.unreadable} records of the events topic are not events that this version reads"
    yield from seen.gaps


def short(fields: object) -> str:
    """An event's own fields as JSON, cut where they are long."""
    text = msgspec.json.encode(fields).decode()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def printable(text: str) -> str:
    """Signs that steer a terminal, or are none in a page, as they are written in a string."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
