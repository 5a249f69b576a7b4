"""The stream against the reference, between two M-steps: what the monitor finds, as outlier flags and events."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.drift import alarm, monitor, words
from streamgmm.drift.moved import moved, statistics
from streamgmm.drift.reference import Reference
from streamgmm.drift.watch import Watch
from streamgmm.drift.words import Told
from streamgmm.engine.plan import Plan
from streamgmm.engine.stretch import Stretch, place
from streamgmm.engine.values import Array, Event, Live, Place, State


class Shown(NamedTuple):
    """A statistic as others see it."""

    name: str
    value: float
    limit: float
    warning: float


class Watched(NamedTuple):
    """What watching rows of a stretch came to."""

    drift: monitor.State  # after them
    outlier: NDArray[np.int8]  # (n,)
    changes: tuple[monitor.Change, ...] = ()  # their `row` counts from the first of the rows
    calibrated: int = 0  # the row before which the reference became complete, 0: it did not
    left: alarm.Level | None = None  # the level that was left, since settings changed and it is calibrated anew

    @property
    def raised(self) -> bool:
        """Whether the alarm rose."""
        return any(change.kind == "raised" for change in self.changes)

    def part(self, rows: slice) -> "Watched":
        """Of some of the rows; `drift` stays what it is after all of them."""
        own = tuple(change._replace(row=change.row - rows.start) for change in self.changed(rows))
        return Watched(self.drift, self.outlier[rows], own)

    def changed(self, rows: slice) -> list[monitor.Change]:
        """The changes that come with some of the rows."""
        return [change for change in self.changes if rows.start < change.row <= rows.stop]


def watch(plan: Plan, live: Live, rows: Array) -> Watched:
    """Hold rows (n, d) against the reference."""
    if plan.drift is None:
        return Watched(live.drift, np.full(len(rows), monitor.UNKNOWN))
    drift, info = monitor.update(live.drift, rows, plan.drift)
    return Watched(drift, info.outlier, info.changes, info.calibrated, info.left)


def watch_ahead(plan: Plan, live: Live, rows: Array) -> Watched | None:
    """As `watch`, of all rows of a stretch at once; None where an M-step between them may take another reference."""
    if plan.drift is None:
        return watch(plan, live, rows)
    if live.alarmed or live.recent is not None:
        return None
    if live.drift.watch is None and not _stays_without(live.drift, plan.drift):
        return None
    if not monitor.as_asked(live.drift, plan.drift):
        return None
    watched = watch(plan, live, rows)
    return None if plan.actions and watched.raised else watched


def _stays_without(drift: monitor.State, asked: monitor.Plan) -> bool:
    """Whether there is no reference, and no M-step takes one."""
    return drift.reference is None and monitor.to_settle(drift, asked) is None


def unwatched(plan: Plan, state: State) -> tuple[State, tuple[Event, ...]]:
    """Where drift is switched off, a level that stands ends, and an event says so: nothing would ever end it."""
    live = state.model
    if plan.drift is not None or not isinstance(live, Live) or live.drift.alarm.level == "none":
        return state, ()
    left = {"reference": live.drift.versions, "left": live.drift.alarm.level}
    silenced = live._replace(drift=monitor.silenced(live.drift))
    return state._replace(model=silenced), (Event("drift_switched_off", left),)


def began(plan: Plan, live: Live, stretch: Stretch) -> Place | None:
    """Where the window that is not full after a stretch began; the model still says where the one before it did."""
    if not live.drift.filled:
        return None
    if plan.drift is None:  # nothing is watched; what waits, waits
        return live.began
    return _with_row(live.began, stretch, len(stretch.vectors.weights) - live.drift.filled)


def _with_row(before: Place | None, stretch: Stretch, row: int) -> Place | None:
    """The record with a row of the stretch; `before` where it came before the stretch."""
    return before if row < 0 else place(stretch, row + 1)


def told(plan: Plan, live: Live, watched: Watched, stretch: Stretch, first: int) -> list[tuple[int, Event]]:
    """The events of what was watched, rows of the stretch from `first` on, each with the row that it came before."""
    events = [(change.row, _changed(plan, live, watched, change, stretch, first)) for change in watched.changes]
    if watched.calibrated:
        assert plan.drift is not None  # noqa: S101 - what was calibrated has a plan
        events.insert(0, (watched.calibrated, _calibrated(plan.drift, watched.drift)))
    if watched.left is not None:
        events.insert(0, (0, _recalibrated(watched.drift, watched.left)))
    return events


def _calibrated(plan: monitor.Plan, drift: monitor.State) -> Event:
    assert drift.watch is not None and drift.reference is not None  # noqa: S101 - what is calibrated has both
    held, asked = drift.watch.standard.run_length, plan.wanted.run_length
    calibrated = {
        "reference": drift.reference.version,
        "vectors": plan.reference_size,
        "expected_run_length": asked,
        "held_run_length": held,
        "held": held >= asked,
    }
    return Event("reference_calibrated", calibrated)


def _recalibrated(drift: monitor.State, left: alarm.Level) -> Event:
    assert drift.reference is not None  # noqa: S101 - what is calibrated anew is there
    return Event("calibration_restarted", {"reference": drift.reference.version, "left": left})


def _changed(plan: Plan, live: Live, watched: Watched, change: monitor.Change, stretch: Stretch, first: int) -> Event:
    drift, row = watched.drift, first + change.row
    assert drift.reference is not None  # noqa: S101 - what changes is watched
    partition, offset = place(stretch, row)
    start = _with_row(live.began, stretch, row - change.watch.standard.wanted.window)
    first_partition, first_offset = start or (None, None)
    found = described(plan, drift.reference, change.watch)
    said = {
        "reference": drift.reference.version,
        "sentence": found.sentence,
        "statistics": [one._asdict() for one in found.statistics],
        "moved": [one._asdict() for one in found.moved],
        "components": _distinct([one.component for one in found.moved]),
        "features": _distinct([one.feature for one in found.moved]),
        "partition": partition,
        "offset": offset,
        "first_partition": first_partition,
        "first_offset": first_offset,
    }
    if change.kind == "warned":
        return Event("drift_warned", said)
    if change.kind == "eased":
        return Event("drift_eased", said)
    return Event("drift_raised", said) if change.kind == "raised" else Event("drift_cleared", said)


class Described(NamedTuple):
    """What the detectors say, in the features' own units."""

    statistics: tuple[Shown, ...]
    sentence: str | None  # None: nothing is above a warning limit
    moved: tuple[Told, ...]  # largest first


def described(plan: Plan, reference: Reference, watch: Watch) -> Described:
    """What the detectors say."""
    assert plan.drift is not None  # noqa: S101 - nothing is watched without a plan
    facts = moved(reference, watch, watch.standard.wanted.window, plan.drift.covariance)
    features = plan.features(reference.parameters.means.shape[1])
    values = statistics(watch)
    shown = tuple(Shown(one.name, one.value, one.limit, one.warning) for one in values)
    return Described(shown, words.sentence(facts, features) or words.unexplained(values), words.told(facts, features))


def _distinct(values: Sequence[Any]) -> list[Any]:
    return sorted({value for value in values if value is not None})
