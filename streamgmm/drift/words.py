"""What moved, in the features' own units and in words that a person reads."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from streamgmm.drift.moved import Moved, What
from streamgmm.mixture.arrays import Array


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
        sizes = f"from {compact(fact.before)} to {compact(fact.now)} {unit}".rstrip()
        return f"{name} moved, mainly {fact.feature} {sizes} ({one.deviations:+.1f} sd)"
    if fact.what == "spread":
        return f"{name} became {'wider' if grew else 'narrower'}: squared distances times {fact.now:.2f}"
    if fact.what == "weight":
        return f"{name} {'grew' if grew else 'shrank'} from {100 * fact.before:.0f} to {100 * fact.now:.0f} %"
    if fact.what == "missing":
        now, before = f"{100 * fact.now:.1f} %", f"{100 * fact.before:.1f} %"
        return f"values of {fact.feature} are missing in {now} of the vectors, it was {before}"
    return f"the vectors fit {'better' if grew else 'worse'}: log-likelihood {fact.before:.2f} to {fact.now:.2f} nats"


def compact(value: float) -> str:
    """Three digits or so: 0.85, 14.0, 106, 12.3k."""
    size = abs(value)
    if size >= 1000:
        return f"{value / 1000:.3g}k" if size < 1e6 else f"{value:.3g}"
    if size and size < 0.01:
        return f"{value:.1e}"
    return f"{value:.{0 if size >= 100 else 1 if size >= 10 else 2}f}"
