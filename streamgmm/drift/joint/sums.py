"""Cumulative sums of all scores (Crosier 1988), with several allowances: both ways, and in every direction.

    c = |s + x|,   s <- (s + x) (1 - allowance / c), or 0 where c is not above the allowance,   value = |s|

for each group's part x of a window's scores. A sum of one number goes up or down; one of several goes where they go. It
is soonest for a change of about twice its allowance, and begins anew by itself where nothing adds up. A sum does not
tell by how much its windows lie off; an average beside each does, of about as many windows as the sum is good for.
What is above `Frame.most` adds no more: else a change that was there for long would be told of for as long again.
"""

from typing import NamedTuple

import numpy as np

from streamgmm.drift.joint.interface import Detector, Found, Frame, State, largest, nothing
from streamgmm.drift.scores import Layout
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.compiled import compiled

_SUM, _MEAN = range(2)  # the rows of an allowance
_WINDOWS = 4.0  # that the average remembers, over the allowance squared


class Sums(NamedTuple):
    """The detector."""

    allowances: tuple[float, ...] = (0.25, 0.5, 1.0)  # deviations of a window's score

    @property
    def scales(self) -> int:
        """One for each allowance."""
        return len(self.allowances)

    def init(self, layout: Layout) -> State:
        """See `Detector`. Of each allowance the sum and the average."""
        return State(frozen(np.zeros((2 * self.scales, layout.size))), 0)

    def update(self, state: State, scores: Array, frame: Frame) -> tuple[State, Found]:
        """See `Detector`."""
        memory, found = np.array(state.memory), nothing(len(scores), self.scales)
        _advance(frame, np.array(self.allowances), memory, scores, found)
        return State(frozen(memory), state.seen + len(scores)), found

    def departure(self, state: State, scale: int) -> Array:
        """See `Detector`."""
        return np.asarray(state.memory[2 * scale + _MEAN])


DETECTOR: Detector = Sums()


@compiled
def _advance(frame: Frame, allowances: Array, memory: Array, scores: Array, found: Found) -> None:
    layout, edges = frame.layout, frame.layout.edges
    for m in range(len(scores)):
        for s in range(len(allowances)):
            total, mean = memory[2 * s + _SUM], memory[2 * s + _MEAN]
            rate = 2.0 / (1.0 + _WINDOWS / allowances[s] ** 2)
            for g in range(len(edges) - 1):
                squared = 0.0
                for i in range(edges[g], edges[g + 1]):
                    total[i] += scores[m, i]
                    mean[i] += rate * (scores[m, i] - mean[i])
                    squared += total[i] * total[i]
                length = np.sqrt(squared)
                left = min(length - allowances[s], frame.most[s, layout.family[g]])
                kept = left / length if left > 0.0 else 0.0
                for i in range(edges[g], edges[g + 1]):
                    total[i] *= kept
            values = found.values[m, s]
            largest(layout, total, values, found.groups[m, s])
            for f in range(len(values)):
                values[f] = np.sqrt(values[f])
