"""The detectors that run together, as one: their scales side by side, in the order in which they are named."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

from streamgmm.drift.joint import averages, suffixes, sums
from streamgmm.drift.joint.bounded import bounded
from streamgmm.drift.joint.interface import N_FAMILIES, Detector, Found, Frame, State
from streamgmm.drift.scores import Layout
from streamgmm.mixture.arrays import Array

Name = Literal["ewma", "cusum", "windows"]
NAMES: tuple[Name, ...] = get_args(Name)
_BY_NAME: Mapping[str, Detector] = {"ewma": averages.DETECTOR, "cusum": sums.DETECTOR, "windows": suffixes.DETECTOR}


class Bank(NamedTuple):
    """What is fixed of the detectors."""

    layout: Layout
    detectors: tuple[Detector, ...]

    def init(self) -> tuple[State, ...]:
        """Nothing seen yet."""
        return tuple(detector.init(self.layout) for detector in self.detectors)

    def update(
        self, states: Sequence[State], scores: Array, doubt: Array, most: Array | None = None
    ) -> tuple[tuple[State, ...], Found]:
        """Take in the standardised scores of windows (m, p); `doubt` (f,) and `most` (s, f) as in `Frame`.

        A window counts as much as `bounded` says, at most.
        """
        scores = bounded(self.layout, scores)
        most = np.full((self.scales, N_FAMILIES), np.inf) if most is None else most
        both, first = list[tuple[State, Found]](), 0
        for detector, state in zip(self.detectors, states, strict=True):
            frame = Frame(self.layout, doubt, most[first : first + detector.scales])
            both.append(detector.update(state, scores, frame))
            first += detector.scales
        return tuple(state for state, _ in both), _beside([found for _, found in both])

    def departure(self, states: Sequence[State], scale: int) -> Array:
        """How far the windows that a scale (of all) remembers lie off on the mean (p,), in deviations of a window."""
        for detector, state in zip(self.detectors, states, strict=True):
            if scale < detector.scales:
                return detector.departure(state, scale)
            scale -= detector.scales
        raise IndexError("no such scale")

    @property
    def scales(self) -> int:
        """s, of all detectors."""
        return sum(detector.scales for detector in self.detectors)


def _beside(found: Sequence[Found]) -> Found:
    """What several detectors say, as one says it."""
    if len(found) == 1:
        return found[0]
    return Found(*(np.concatenate(parts, axis=1) for parts in zip(*found, strict=True)))


def bank(layout: Layout, names: Sequence[str]) -> Bank:
    """The detectors of these names."""
    return Bank(layout, tuple(_BY_NAME[name] for name in names))
