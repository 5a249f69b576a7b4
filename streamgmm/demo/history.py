"""What the learner showed over the last minutes, bounded: one slot for every half second, and the alarms."""

from collections.abc import Mapping
from typing import NamedTuple

from streamgmm.service.snapshot import Snapshot

SLOT_SECONDS = 0.5
SLOTS = 240
ALARMS = 100
LOOK_BACK = 5.0  # seconds that rates and trends are taken over
TREND = 0.01  # a weight that moved by less is level


class Slot(NamedTuple):
    """Half a second of commits. Times in seconds on the demo's clock."""

    time: float  # of the first commit
    last: float  # of the last commit
    log_likelihood: float | None  # mean over the commits, nats
    commits: int  # those with a log-likelihood
    records: int  # consumed up to here
    weights: Mapping[int, float]  # by component


class Alarm(NamedTuple):
    """The drift alarm rose, or was cleared."""

    raised: bool
    time: float
    records: int


class History(NamedTuple):
    """The newest slots and alarms, in order."""

    slots: tuple[Slot, ...] = ()
    alarms: tuple[Alarm, ...] = ()


def init() -> History:
    """Nothing seen yet."""
    return History()


def update(history: History, snapshot: Snapshot, now: float) -> History:
    """Take in what the learner showed at `now`, never earlier than the last."""
    slots = history.slots
    if slots and now - slots[-1].time < SLOT_SECONDS:
        slots = (*slots[:-1], _joined(slots[-1], snapshot, now))
    else:
        slots = (*slots, _joined(Slot(now, now, None, 0, 0, {}), snapshot, now))
    return History(slots[-SLOTS:], _alarms(history.alarms, snapshot, now)[-ALARMS:])


def rate(history: History) -> float | None:
    """Records a second over the last seconds; None before there are two times to compare."""
    if not history.slots:
        return None
    first, last = _earlier(history), history.slots[-1]
    return (last.records - first.records) / (last.last - first.last) if last.last > first.last else None


def trend(history: History, component: int) -> int:
    """1 where the component's weight has risen over the last seconds, -1 where it has fallen, else 0."""
    if not history.slots:
        return 0
    before, now = (slot.weights.get(component) for slot in (_earlier(history), history.slots[-1]))
    if before is None or now is None or abs(now - before) < TREND:
        return 0
    return 1 if now > before else -1


def log_likelihoods(history: History) -> tuple[float, ...]:
    """One mean for every half second that had any, oldest first, nats."""
    return tuple(slot.log_likelihood for slot in history.slots if slot.log_likelihood is not None)


def first_alarm(history: History, after: float) -> Alarm | None:
    """The first alarm raised at `after` or later."""
    return next((alarm for alarm in history.alarms if alarm.raised and alarm.time >= after), None)


def _earlier(history: History) -> Slot:
    newest = history.slots[-1].last
    return next(slot for slot in history.slots if newest - slot.last <= LOOK_BACK)


def _joined(slot: Slot, snapshot: Snapshot, now: float) -> Slot:
    mean, commits = slot.log_likelihood, slot.commits
    if snapshot.log_likelihood is not None:
        commits += 1
        mean = snapshot.log_likelihood if mean is None else mean + (snapshot.log_likelihood - mean) / commits
    weights = {component.id: component.weight for component in snapshot.components}
    return Slot(slot.time, now, mean, commits, snapshot.totals.records, weights)


def _alarms(alarms: tuple[Alarm, ...], snapshot: Snapshot, now: float) -> tuple[Alarm, ...]:
    raised = snapshot.drift.state == "alarm"
    standing = bool(alarms) and alarms[-1].raised
    return alarms if raised == standing else (*alarms, Alarm(raised, now, snapshot.totals.records))
