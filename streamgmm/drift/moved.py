"""What moved, largest first: read from the detectors' memory.

A memory holds standardised means of scores; undone, they say by how much a component's share, place and spread differ
from the reference's in the vectors that the memory reaches back to. Where the newest window lies further off than
counts in a memory, it says so alone. A component's place is told feature by feature, in its own standard deviations.
All values are of the transformed features; `words` takes them to the features' units.
"""

from typing import Literal, NamedTuple

import numpy as np

from streamgmm.drift.joint.bounded import is_far
from streamgmm.drift.reference import Reference, layout_of
from streamgmm.drift.scores import FAMILIES, LOG_LIKELIHOOD, MISSING, SPREAD, WEIGHTS, Family, Layout, held
from streamgmm.drift.watch import Watch, bank_of
from streamgmm.mixture.arrays import Array
from streamgmm.mixture.conditional import full_covariances
from streamgmm.mixture.covariance import Covariance

_SMALL = 0.1  # of a component's standard deviation: less is not told
_LEAST_SHARE = 1e-3  # a component without vectors is no division by zero
MOST = 12  # entries
What = Literal["mean", "spread", "weight", "log_likelihood", "missing"]


class Moved(NamedTuple):
    """One thing that moved, in the transformed features."""

    what: What
    component: int | None  # id; None: the stream as a whole
    feature: int | None  # index; None: not of one feature
    before: float
    now: float
    deviations: float  # how far, signed; a mean's in the component's standard deviations, else in standard errors


class Statistic(NamedTuple):
    """A family's value where it is nearest to its limit."""

    name: Family
    value: float
    limit: float
    warning: float  # the lower limit, of a warning
    scale: int
    group: int


def statistics(watch: Watch) -> tuple[Statistic, ...]:
    """Each family on the scale where it is nearest to its limit."""
    limits = watch.standard.alarm
    at = (np.maximum(watch.values, 0) / limits).argmax(axis=0)
    return tuple(
        Statistic(
            name,
            max(float(watch.values[s, f]), 0.0),
            float(limits[s, f]),
            float(watch.standard.warning[s, f]),
            int(s),
            int(watch.groups[s, f]),
        )
        for f, (name, s) in enumerate(zip(FAMILIES, at, strict=True))
    )


def moved(reference: Reference, watch: Watch, window: int, covariance: Covariance) -> tuple[Moved, ...]:
    """What is above its warning limit, furthest first; empty where nothing is."""
    layout = layout_of(reference)
    scene = _Scene(reference, watch, window, covariance, layout)
    above = [_newest(watch, one) for one in statistics(watch) if one.value > one.warning]
    told = [(one.value / one.limit, scene.of(one)) for one in above]
    found = [pair for pair in told if pair[1]]
    found.sort(key=lambda pair: (pair[1][0].what == "log_likelihood", -pair[0]))  # it says that, not what
    return tuple(entry for _, entries in found for entry in entries)[:MOST]


def _newest(watch: Watch, one: Statistic) -> Statistic:
    """The same family on the shortest scale that is above its warning limit: it holds least of what was before."""
    family = FAMILIES.index(one.name)
    scale = int(np.argmax(watch.values[:, family] > watch.standard.warning[:, family]))
    return one._replace(scale=scale, group=int(watch.groups[scale, family]))


class _Scene:
    """The detectors' memory, undone."""

    def __init__(self, reference: Reference, watch: Watch, window: int, covariance: Covariance, layout: Layout) -> None:
        self._reference, self._watch, self._layout, self._window = reference, watch, layout, window
        self._covariance = covariance

    def of(self, one: Statistic) -> list[Moved]:
        """What a statistic says, largest first."""
        family = FAMILIES.index(one.name)
        if family == LOG_LIKELIHOOD:
            centre, away = self._part(0, one)
            return [self._entry("log_likelihood", None, None, centre[0], centre[0] + away[0], one)]
        if family == WEIGHTS:
            return self._weights(one)
        if family == MISSING:
            centre, away = self._part(len(self._layout.family) - 1, one)
            rates = [(i, centre[i], centre[i] + away[i]) for i in np.argsort(-np.abs(away))[:3]]
            return [self._entry("missing", None, int(i), a, b, one) for i, a, b in rates if abs(b - a) > 0.01]
        return self._spread(one) if family == SPREAD else self._mean(one)

    def _departure(self, one: Statistic) -> Array:
        """Of the windows that the scale remembers; of the newest alone where it is further off than they can say."""
        watch = self._watch
        if is_far(self._layout, watch.scores, one.group):
            return watch.scores
        return bank_of(self._reference, watch.standard.wanted).departure(watch.states, one.scale)

    def _part(self, group: int, one: Statistic) -> tuple[Array, Array]:
        """A group's centre, and how far from it the windows are that a statistic is about, per vector."""
        at = slice(self._layout.edges[group], self._layout.edges[group + 1])
        usual = self._watch.standard.usual
        away = self._departure(one)[at] * usual.deviation[at] / np.sqrt(self._window)
        return usual.centre[at], away

    def _shares(self, one: Statistic) -> tuple[Array, Array]:
        """Mass of each component in the reference and now."""
        centre, away = self._part(1, one)
        roots = np.sqrt(np.maximum(self._reference.parameters.weights, 1e-12))
        return centre * roots, np.maximum((centre + away) * roots, 0.0)

    def _weights(self, one: Statistic) -> list[Moved]:
        before, now = self._shares(one)
        order = np.argsort(-np.abs(self._departure(one)[1 : 1 + len(now)]))[:3]
        return [
            self._entry("weight", k, None, before[k], now[k], one) for k in order if abs(now[k] - before[k]) > 0.005
        ]

    def _spread(self, one: Statistic) -> list[Moved]:
        """The mean squared whitened distance of a component's vectors, over the number of features."""
        k = int(self._layout.component[one.group])
        d = self._reference.parameters.means.shape[1]
        before, now = (max(1.0 + float(part[0]) / d, 0.0) for part in self._of_component(k, one))
        return [self._entry("spread", k, None, before, now, one)]

    def _of_component(self, k: int, one: Statistic) -> tuple[Array, Array]:
        """A group of component k per vector of the component: as it was usual, and now.

        What was usual is where the stream lay while the reference was calibrated; that need not be where the model is.
        """
        centre, away = self._part(one.group, one)
        before, now = (max(float(shares[k]), _LEAST_SHARE) for shares in self._shares(one))
        return centre / before, (centre + away) / now

    def _mean(self, one: Statistic) -> list[Moved]:
        k = int(self._layout.component[one.group])
        parameters = self._reference.parameters
        whitened = np.stack(self._of_component(k, one), axis=1)
        factor = held(parameters, self._covariance).factors[k]
        before, now = parameters.means[k] + np.linalg.solve(factor.T, whitened).T
        spread = np.sqrt(np.diagonal(full_covariances(parameters, self._covariance)[k]))
        deviations = (now - before) / spread
        told = [int(i) for i in np.argsort(-np.abs(deviations))[:3] if abs(deviations[i]) > _SMALL]
        return [
            Moved(
                "mean",
                int(self._reference.ids[k]),
                i,
                float(before[i]),
                float(now[i]),
                float(deviations[i]),
            )
            for i in told
        ]

    def _entry(
        self,
        what: What,
        component: int | None,
        feature: int | None,
        before: float,
        now: float,
        one: Statistic,
    ) -> Moved:
        identity = None if component is None else int(self._reference.ids[component])
        size = one.value if now >= before else -one.value
        return Moved(what, identity, feature, float(before), float(now), float(size))
