"""Exponentially weighted moving averages of all scores (Lowry et al. 1992), on several scales.

    m <- m + rate (x - m),   value = the length of a group's part of m, as a number that is near standard normal

with rate 2 / (1 + span): a scale remembers about `span` windows. A large change is seen at once by the short scales, a
small one after a while by the long ones. What a long one holds above `Frame.most` it lets go: else a change that was
there for long would be told of for longer still. (What is said is not less for it: whatever takes a scale so far is
above the limits of the shorter ones too, and the shortest is asked how far it goes.)
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from streamgmm.drift.joint.interface import Detector, Found, Frame, State, largest, normal, nothing, squared_of
from streamgmm.drift.scores import Layout
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.compiled import compiled, inlined


class Averages(NamedTuple):
    """The detector."""

    spans: tuple[float, ...] = (3.0, 15.0, 63.0, 255.0)  # windows

    @property
    def scales(self) -> int:
        """One for each span."""
        return len(self.spans)

    def init(self, layout: Layout) -> State:
        """See `Detector`."""
        return State(frozen(np.zeros((self.scales, layout.size))), 0)

    def update(self, state: State, scores: Array, frame: Frame) -> tuple[State, Found]:
        """See `Detector`."""
        memory, found = np.array(state.memory), nothing(len(scores), self.scales)
        _advance(frame, _rates(self.spans), memory, scores, found)
        return State(frozen(memory), state.seen + len(scores)), found

    def departure(self, state: State, scale: int) -> Array:
        """See `Detector`."""
        return np.asarray(state.memory[scale])


@lru_cache(maxsize=4)  # those of one detector, for each call
def _rates(spans: tuple[float, ...]) -> Array:
    """(s,) weight of the newest window."""
    return frozen(2 / (1 + np.array(spans)))


DETECTOR: Detector = Averages()


@compiled
def _advance(frame: Frame, rates: Array, memory: Array, scores: Array, found: Found) -> None:
    layout, units = frame.layout, np.empty((len(rates), len(frame.doubt)))
    for s in range(len(rates)):
        for f in range(len(frame.doubt)):
            units[s, f] = 1 / (rates[s] / (2 - rates[s]) + frame.doubt[f])
    for m in range(len(scores)):
        for s in range(len(rates)):
            row, values, groups = memory[s], found.values[m, s], found.groups[m, s]
            for i in range(len(row)):
                row[i] += rates[s] * (scores[m, i] - row[i])
            largest(layout, row, values, groups)
            for f in range(len(values)):
                g = groups[f]
                size = layout.edges[g + 1] - layout.edges[g]
                values[f] = normal(values[f] * units[s, f], size)
                if s > 0 and values[f] > frame.most[s, f]:
                    _let_go(layout, row, f, squared_of(frame.most[s, f], size) / units[s, f])


@inlined
def _let_go(layout: Layout, row: Array, family: int, most: float) -> None:
    """Shorten the groups of a family in a row (p,), in place, whose squared length is above the most."""
    for g in range(len(layout.family)):
        part = row[layout.edges[g] : layout.edges[g + 1]]
        squared = 0.0
        for i in range(len(part)):
            squared += part[i] * part[i]
        if layout.family[g] == family and squared > most:
            part *= np.sqrt(most / squared)
