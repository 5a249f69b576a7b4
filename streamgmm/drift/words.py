"""What moved, in the features' own units and in words that a person reads."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from streamgmm.drift.moved import Moved, Statistic, What
from streamgmm.mixture.arrays import Array

_MOST = 1000.0  # standard deviations, or times: beyond it a number says no more than that it is large
_DIGITS = 17  # that tell any two numbers apart


class Feature(NamedTuple):
    """A feature as a person knows it; `undo` takes transformed values back to its unit."""

    name: str
    unit: str
    undo: Callable[[Array], Array]


class Told(NamedTuple):
    """One thing that moved, in the features' own units."""

    what: What
    component: int | None
    feature: str | None
    before: float
    now: float
    deviations: float


def told(moved: Sequence[Moved], features: Sequence[Feature]) -> tuple[Told, ...]:
    """Each entry in the features' units."""
    return tuple(_told(one, features) for one in moved)


def sentence(moved: Sequence[Moved], features: Sequence[Feature]) -> str | None:
    """What changed: the largest thing, and the largest of another kind. None where nothing did."""
    if not moved:
        return None
    kinds = list(dict.fromkeys(one.what for one in moved))[:2]
    largest = [next(one for one in moved if one.what == kind) for kind in kinds]
    return "; ".join(_phrase(one, features) for one in largest)


def unexplained(statistics: Sequence[Statistic]) -> str | None:
    """What is furthest above its warning limit, for where nothing that moved is large. None where nothing is."""
    above = [one for one in statistics if one.value > one.warning]
    if not above:
        return None
    most = max(above, key=lambda one: one.value / one.limit)
    value, limit = apart(most.value, most.warning)
    return f"nothing stands out; the statistic {most.name} is at {value}, above its warning limit of {limit}"


def _told(one: Moved, features: Sequence[Feature]) -> Told:
    before, now = one.before, one.now
    if one.what == "mean" and one.feature is not None:
        before, now = features[one.feature].undo(np.array([before, now])).tolist()
    name = None if one.feature is None else features[one.feature].name
    return Told(one.what, one.component, name, before, now, one.deviations)


def _phrase(one: Moved, features: Sequence[Feature]) -> str:
    fact, name = _told(one, features), f"C{one.component}"
    grew = fact.now > fact.before
    if fact.what == "mean" and one.feature is not None:
        unit = features[one.feature].unit
        before, now = apart(fact.before, fact.now)
        sizes = f"from {before} to {now} {unit}".rstrip()
        return f"{name} moved, mainly {fact.feature} {sizes} ({signed(one.deviations)} sd)"
    if fact.what == "spread":
        return f"{name} became {'wider' if grew else 'narrower'}: squared distances {_times(fact.before, fact.now)}"
    if fact.what == "weight":
        before, now = apart(100 * fact.before, 100 * fact.now, "{:.0f}".format)
        return f"{name} {'grew' if grew else 'shrank'} from {before} to {now} %"
    if fact.what == "missing":
        now, before = f"{100 * fact.now:.1f} %", f"{100 * fact.before:.1f} %"
        return f"values of {fact.feature} are missing in {now} of the vectors, it was {before}"
    before, now = apart(fact.before, fact.now, _nats)
    return f"the vectors fit {'better' if grew else 'worse'}: log-likelihood {before} to {now} nats"


def _times(before: float, now: float) -> str:
    if now > _MOST * before:
        return f"more than {_MOST:.0f} times as large"
    return f"times {now / before if before else 0.0:.2f}"


def _nats(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 1e6 else compact(value)


def signed(deviations: float) -> str:
    """How far, and which way."""
    return f"more than {_MOST:.0f}" if abs(deviations) > _MOST else f"{deviations:+.1f}"


def apart(before: float, now: float, usual: Callable[[float], str] | None = None) -> tuple[str, str]:
    """Both as `usual` (`compact`) writes them; where that is the same, with as many digits as tell them apart."""
    write = usual or compact
    both = [(write(before), write(now)), *((f"{before:.{n}g}", f"{now:.{n}g}") for n in range(3, _DIGITS + 1))]
    return next((pair for pair in both if pair[0] != pair[1]), both[0])


def compact(value: float) -> str:
    """Three digits or so: 0.85, 14.0, 106, 12.3k."""
    size = abs(value)
    if size >= 1000:
        return f"{value / 1000:.3g}k" if size < 1e6 else f"{value:.3g}"
    if size and size < 0.01:
        return f"{value:.1e}"
    return f"{value:.{0 if size >= 100 else 1 if size >= 10 else 2}f}"
