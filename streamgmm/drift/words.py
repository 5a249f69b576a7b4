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
    """What changed: the two largest things. None where nothing did."""
    parts = [_phrase(one, features) for one in moved]
    distinct = [part for i, part in enumerate(parts) if part not in parts[:i]]
    return "; ".join(distinct[:2]) or None


def _told(one: Moved, features: Sequence[Feature]) -> Told:
    before, now = one.before, one.now
    if one.what == "mean" and one.feature is not None:
        before, now = features[one.feature].undo(np.array([before, now])).tolist()
    name = None if one.feature is None else features[one.feature].name
    return Told(one.what, one.component, name, before, now, one.deviations)


def _phrase(one: Moved, features: Sequence[Feature]) -> str:
    fact = _told(one, features)
    if fact.what == "mean" and one.feature is not None:
        more, unit = "higher" if one.now > one.before else "lower", features[one.feature].unit
        sizes = f"{one.deviations:+.1f} sd, {compact(fact.before)} to {compact(fact.now)} {unit}".rstrip()
        return f"{fact.feature} {more} than in the reference: {sizes}, in component {one.component}"
    if fact.what == "spread":
        more = "wider" if fact.now > fact.before else "narrower"
        return f"component {one.component} {more} than in the reference: squared distances times {fact.now:.2f}"
    if fact.what == "weight":
        more = "more" if fact.now > fact.before else "less"
        return f"{more} of component {one.component}: {fact.before:.0%} to {fact.now:.0%}"
    if fact.what == "missing":
        return f"{fact.feature} missing in {fact.now:.1%} of the vectors, {fact.before:.1%} in the reference"
    less = "more" if fact.now > fact.before else "less"
    return f"vectors {less} likely than in the reference: log-likelihood {fact.before:.2f} to {fact.now:.2f} nats"


def compact(value: float) -> str:
    """Three digits or so: 0.85, 14.0, 106, 12.3k."""
    size = abs(value)
    if size >= 1000:
        return f"{value / 1000:.3g}k" if size < 1e6 else f"{value:.3g}"
    if size and size < 0.01:
        return f"{value:.1e}"
    return f"{value:.{0 if size >= 100 else 1 if size >= 10 else 2}f}"
