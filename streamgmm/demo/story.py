"""When the population changes: a pure function of time and of the drift alarm's state.

The usual population plays until the reference is calibrated and its time is up; then the other one arrives. Without
an end they go on in turns.
"""

from typing import NamedTuple

from streamgmm.service.snapshot import DriftState

USUAL_SECONDS = 25.0
CHANGED_SECONDS = 25.0
CHANGE_AT = 0.55  # of a demo that ends by itself
RECORDS_PER_SECOND = 2000.0
CALIBRATED_AT = 0.7  # of the time before the change
CALIBRATED: frozenset[DriftState] = frozenset({"none", "warning", "alarm"})


class Schedule(NamedTuple):
    """Lengths in seconds, the rate in records a second."""

    usual: float
    changed: float
    rate: float


class Story(NamedTuple):
    """Which population arrives (0 the usual one, 1 the other), and when that began, on the demo's clock."""

    population: int
    since: float
    first_change: float | None  # when the other population first arrived


def schedule(seconds: float | None, vectors_to_calibrate: int) -> Schedule:
    """For a demo of that length, or without an end. A short one streams faster, so that calibration is done in time."""
    if seconds is None:
        return Schedule(USUAL_SECONDS, CHANGED_SECONDS, RECORDS_PER_SECOND)
    usual = CHANGE_AT * seconds
    return Schedule(usual, seconds, max(RECORDS_PER_SECOND, vectors_to_calibrate / (CALIBRATED_AT * usual)))


def begin(now: float) -> Story:
    """The usual population arrives."""
    return Story(0, now, None)


def advance(story: Story, now: float, drift: DriftState, plan: Schedule) -> Story:
    """The story at `now`: the same, or the next population's turn."""
    length = plan.usual if story.population == 0 else plan.changed
    if now - story.since < length or drift not in CALIBRATED:
        return story
    first = now if story.first_change is None else story.first_change
    return Story(1 - story.population, now, first)
