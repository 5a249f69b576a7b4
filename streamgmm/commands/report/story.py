"""From events to what a reader asks: how is it now, when was it otherwise, and what else happened."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from streamgmm.commands.report.events import Change, Drift, Moved, Other, Seen, Summary
from streamgmm.drift.words import apart, signed

TIMES = "%Y-%m-%d %H:%M:%S"
_WINDOW = "event_time_window"
WORDS: Mapping[str, str] = {
    "drift_warned": "warning",
    "drift_eased": "warning passed",
    "drift_raised": "ALARM",
    "drift_cleared": "alarm cleared",
}

# What ends an alarm without a word of its own: a new reference, model or calibration, and how it is then.
ENDS: Mapping[str, str] = {
    "reference_frozen": "calibrating on a new reference",
    "reference_let_go": "settling: an alarm let the reference go",
    "calibration_restarted": "calibrating anew after a change of settings",
    "drift_switched_off": "not watched: drift was switched off",
    "model_reinitialised": "settling: the model was made anew",
    "model_imported": "settling: another model was imported",
    "model_started": "settling: the model started",
    "model_reheated": "settling: an alarm started the step size anew, and let the reference go",
}
_CALIBRATED = "reference_calibrated"


class Span(NamedTuple):
    """An alarm from `start` to `end` (ms), None while it stands or where its begin was not read."""

    start: int | None
    end: int | None


def alarms(seen: Seen) -> tuple[Span, ...]:
    """The alarms of the time; one may end without a word of its own (`ENDS`)."""
    spans: list[Span] = []
    raised: int | None = None
    for one in seen.events:
        if one.type == "drift_raised":
            if raised is not None:  # its end was not read
                spans.append(Span(raised, one.time))
            raised = one.time
        elif raised is not None and (one.type == "drift_cleared" or _ends(one)):
            spans.append(Span(raised, one.time))
            raised = None
        elif one.type == "drift_cleared":
            spans.append(Span(None, one.time))
    return tuple(spans if raised is None else [*spans, Span(raised, None)])


def happened(seen: Seen) -> tuple[Other, ...]:
    """Events beside the alarm's, but windows of event time: those come all the time."""
    return tuple(one for one in seen.others if one.type != _WINDOW)


def windows(seen: Seen) -> tuple[Other, ...]:
    """The windows of event time."""
    return tuple(one for one in seen.others if one.type == _WINDOW)


def newest(seen: Seen) -> Summary | None:
    """The last summary, where there is one."""
    return seen.summaries[-1] if seen.summaries else None


def now(seen: Seen) -> str:
    """How it is, in a sentence; of the newest of summaries and of events that say it.

    A summary holds what was before the events of its commit, whose time it has: there the event is the newer.
    """
    last, said = newest(seen), next((one for one in reversed(seen.events) if _says_how_it_is(one)), None)
    if said is not None and (last is None or said.time >= last.time):
        return _after(said)
    if last is None:
        return "unknown: no summary in this time (one is written every minute while the service runs)"
    return f"{_state(last.drift)} at {at(last.time)}" + (f": {last.drift.sentence}" if last.drift.sentence else "")


def _says_how_it_is(one: Change | Other) -> bool:
    return isinstance(one, Change) or one.type == _CALIBRATED or _ends(one)


def _after(one: Change | Other) -> str:
    """How it is after an event."""
    if isinstance(one, Change):
        return f"{WORDS[one.type]} at {at(one.time)}: {one.sentence or 'nothing stands out'}"
    if one.type == _CALIBRATED:
        return f"no drift: the calibration ended at {at(one.time)}"
    return f"{ENDS[one.type]} since {at(one.time)}"


def _ends(one: Change | Other) -> bool:
    """Whether it ends an alarm; a model reheated does with its reference let go."""
    if isinstance(one, Change) or one.type not in ENDS:
        return False
    return one.type != "model_reheated" or one.fields.get("reference_let_go") is True


def share(summary: Summary) -> float | None:
    """The largest statistic as a share of its limit; None where there are none."""
    return max((s.value / s.limit for s in summary.drift.statistics if s.limit > 0), default=None)


def moved(one: Moved) -> str:
    """What moved, as a line."""
    where = "the stream" if one.component is None else f"component {one.component}"
    feature = "" if one.feature is None else f" of {one.feature}"
    unit = "sd" if one.what == "mean" else "standard errors"
    before, now = apart(one.before, one.now)
    return f"{one.what.replace('_', '-')}{feature}, {where}: {before} to {now} ({signed(one.deviations)} {unit})"


def place(change: Change, seen: Seen) -> str:
    """The record that completed the window."""
    return f"{seen.topic}/{change.partition}@{change.offset}"


def at(time: int) -> str:
    """A time (ms) in UTC."""
    return datetime.fromtimestamp(time / 1000, UTC).strftime(TIMES)


def _state(drift: Drift) -> str:
    if drift.state in {"settling", "calibrating"}:
        return f"{drift.state} ({drift.progress:.0%})"
    return {"none": "no drift", "alarm": "ALARM"}.get(drift.state, drift.state)
