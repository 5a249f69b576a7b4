"""On the look-out for components that have become one, and for one that has become two.

Split and merge as Ueda et al. (2000) do between runs of EM, here by what a stream has shown. Every `EVERY`-th M-step is
a check. Two components that overlap above a bound with each other at `PATIENCE` checks in a row are merged: the lighter
one's statistics go to the heavier one, and its place is vacant. A component is looked at with one other at a time: with
the last check's while they still overlap, else with the one it overlaps most. One whose profile has a valley twice in a
row, along the same line, is cut there, where a place is vacant or dead. Who was merged or cut is left alone for `REST`
checks. Overlap above one half and a valley exclude each other, so what was cut is not merged again.
"""

from typing import NamedTuple

import numpy as np

from streamgmm.mixture import overlap, profile, weak
from streamgmm.mixture.arrays import Array, Flags, frozen
from streamgmm.mixture.average import Average
from streamgmm.mixture.block import Rows
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.cut import Cut, Sides, cut
from streamgmm.mixture.join import joined, joined_average
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.overlap import Pairs
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.profile import Profile
from streamgmm.mixture.statistics import Statistics
from streamgmm.mixture.vacancy import vacant, vacated
from streamgmm.mixture.valley import valley
from streamgmm.mixture.weak import Change

EVERY = 64  # M-steps
PATIENCE = 3  # checks
REST = 8  # checks
ENOUGH = 4096.0  # vectors of a profile that is judged
IN_A_ROW = 2.0  # profiles with a valley


class Lookout(NamedTuple):
    """What is known from the checks so far."""

    close: Array  # (k,) checks in a row at which it overlapped with its partner
    partner: Array  # (k,) place of that component, -1: none
    rest: Array  # (k,) checks until it may be merged or cut
    valleys: Array  # (k,) profiles in a row with a valley
    profile: Profile | None = None  # where components are split


class Scene(NamedTuple):
    """The model at an M-step, between the blend and the new parameters."""

    statistics: Statistics
    last: Parameters
    average: Average | None
    size: float  # effective sample size
    lookout: Lookout
    changes: tuple[Change, ...] = ()


def begin(statistics: Statistics, learning: Learning) -> Lookout | None:
    """A look-out that has seen nothing; None where nothing is to be merged or split."""
    if learning.merge is None and not learning.split:
        return None
    nothing = frozen(np.zeros(len(statistics.mass)))
    return Lookout(
        nothing,
        frozen(nothing - 1),
        nothing,
        nothing,
        profile.begin(statistics, learning.covariance) if learning.split else None,
    )


def as_asked(lookout: Lookout | None, statistics: Statistics, learning: Learning) -> Lookout | None:
    """The look-out of a state under this learning, which may ask for more or less than the one it was made under."""
    if lookout is None or (learning.merge is None and not learning.split):
        return begin(statistics, learning)
    if learning.split == (lookout.profile is not None):
        return lookout
    found = profile.begin(statistics, learning.covariance) if learning.split else None
    return lookout._replace(valleys=frozen(np.zeros(len(statistics.mass))), profile=found)


def counted(lookout: Lookout | None, rows: Rows, responsibilities: Array) -> Lookout | None:
    """The look-out that has seen these rows, with their responsibilities (n, k)."""
    if lookout is None or lookout.profile is None:
        return lookout
    return lookout._replace(profile=profile.add(lookout.profile, rows, responsibilities))


def check(scene: Scene, learning: Learning) -> Scene:
    """Merge what has become one, then split what has become two."""
    if learning.merge is not None:
        scene = _merged(scene, learning.merge, learning.covariance)
    if scene.lookout.profile is not None:
        scene = _split(scene, scene.lookout.profile, learning.covariance)
    rest = frozen(np.maximum(scene.lookout.rest - 1, 0.0))
    return scene._replace(lookout=scene.lookout._replace(rest=rest))


def reborn(lookout: Lookout, places: list[int], statistics: Statistics, covariance: Covariance) -> Lookout:
    """The look-out where other components are in these places, or they have changed: it knows nothing of them."""
    fields = {"close": 0.0, "partner": -1.0, "rest": float(REST), "valleys": 0.0}
    renewed = {name: _with(getattr(lookout, name), places, value) for name, value in fields.items()}
    found = lookout.profile and profile.anew(lookout.profile, places, statistics, covariance)
    return lookout._replace(**renewed, profile=found)


def _with(values: Array, places: list[int], value: float) -> Array:
    changed = values.copy()
    changed[places] = value
    return frozen(changed)


def _alive(scene: Scene) -> Flags:
    few = weak.counts(scene.statistics, scene.size) < weak.needed(scene.statistics)
    return np.asarray(~few & (scene.lookout.rest == 0))


def _merged(scene: Scene, bound: float, covariance: Covariance) -> Scene:
    pairs = overlap.overlapping(scene.last, _alive(scene), bound, covariance)
    scene = scene._replace(lookout=_paired(scene.lookout, pairs))
    for first in np.flatnonzero(scene.lookout.close >= PATIENCE).tolist():
        second = int(scene.lookout.partner[first])
        if first < second:
            scene = _merge(scene, (first, second), covariance)
    return scene


def _paired(lookout: Lookout, pairs: Pairs) -> Lookout:
    """Each component with one partner at most: those that were partners first, then those that overlap most."""
    partner = lookout.partner
    before = (partner[pairs.first] == pairs.second) & (partner[pairs.second] == pairs.first)
    close, now = np.zeros_like(partner), np.full_like(partner, -1.0)
    for m in np.argsort(~before, kind="stable").tolist():
        pair = [int(pairs.first[m]), int(pairs.second[m])]
        if (now[pair] < 0).all():
            close[pair] = lookout.close[pair] * before[m] + 1
            now[pair] = pair[::-1]
    return lookout._replace(close=frozen(close), partner=frozen(now))


def _merge(scene: Scene, pair: tuple[int, int], covariance: Covariance) -> Scene:
    mass = scene.statistics.mass
    into, gone = pair if mass[pair[0]] >= mass[pair[1]] else pair[::-1]
    statistics = joined(scene.statistics, gone, into, covariance)
    return Scene(
        statistics,
        vacated(scene.last, gone),
        joined_average(scene.average, gone, into, covariance),
        scene.size,
        reborn(scene.lookout, [gone, into], statistics, covariance),
        (*scene.changes, Change("merged", gone, into)),
    )


def _split(scene: Scene, seen: Profile, covariance: Covariance) -> Scene:
    full = profile.counted(seen) >= ENOUGH
    for k in np.flatnonzero(full & _alive(scene)).tolist():
        sides = valley(seen.counts[k], float(seen.squares[k]))
        twice = sides is not None and scene.lookout.valleys[k] + 1 >= IN_A_ROW
        place = _place(scene) if twice else None
        if sides is not None and place is not None and _large_enough(scene, k, sides):
            scene = _cut(scene, Cut(k, place, _along(scene, seen.direction[k], k, covariance), sides), covariance)
        else:
            scene = scene._replace(lookout=_looked(scene, k, covariance, found=sides is not None))
    return scene


def _looked(scene: Scene, k: int, covariance: Covariance, *, found: bool) -> Lookout:
    """The look-out that goes on with component k: along the same line where a valley was found, else the next."""
    lookout = scene.lookout
    assert lookout.profile is not None  # noqa: S101 - a profile was looked at
    before = profile.again(lookout.profile, k) if found else lookout.profile
    valleys = _with(lookout.valleys, [k], min(lookout.valleys[k] + 1, IN_A_ROW) if found else 0.0)
    anew = profile.anew(before, [k], scene.statistics, covariance)
    return lookout._replace(valleys=valleys, profile=anew)


def _place(scene: Scene) -> int | None:
    """A vacant place, else that of a dead component."""
    empty = vacant(scene.last.weights) & (scene.statistics.mass == 0)
    dead = weak.counts(scene.statistics, scene.size) < weak.DEAD_BELOW
    free = np.flatnonzero(empty if empty.any() else dead)
    return int(free[0]) if len(free) else None


def _large_enough(scene: Scene, k: int, sides: Sides) -> bool:
    counts = weak.counts(scene.statistics, scene.size)
    return bool(sides.share * counts[k] >= weak.needed(scene.statistics))


def _along(scene: Scene, direction: Array, k: int, covariance: Covariance) -> Array:
    """How a vector of component k moves on the mean with its place on the line: (d,), for a standard deviation."""
    statistics = scene.statistics
    spread = covariance.factors(covariance.form(statistics.scatter, statistics.mass), statistics.mean.shape)[k]
    moved = (spread * direction).sum(axis=-1) if spread.ndim == 2 else spread * direction
    return np.asarray(moved / np.sqrt((moved * direction).sum()))


def _cut(scene: Scene, how: Cut, covariance: Covariance) -> Scene:
    old = scene.statistics
    mass = old.mass.copy()
    mass[how.parent] += mass[how.child]  # what a dead component still holds
    statistics = cut(mass, old.mean, covariance.form(old.scatter, old.mass), how, covariance)
    return scene._replace(
        statistics=statistics,
        average=None,
        lookout=reborn(scene.lookout, [how.parent, how.child], statistics, covariance),
        changes=(*scene.changes, Change("split", how.child, how.parent)),
    )
