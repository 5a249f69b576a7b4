"""The mean over the newest windows, as many as a scale says: longer windows from sums of the windows of `drift.window`.

A scale of size n keeps two sums: over the n windows that ended when the count last passed a multiple of n, and over
those since. Together they are the newest n to 2 n - 1 windows. ADWIN (Bifet and Gavalda 2007, `windows`) cuts what it
has seen at such places and compares both sides; here the older side is the reference, so that a change that stays is
not forgotten. What came before the window counts no more, whereas averages forget slowly.
"""

from typing import NamedTuple

import numpy as np

from streamgmm.drift.joint.interface import Detector, Found, Frame, State, largest, normal, nothing
from streamgmm.drift.scores import Layout
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.compiled import compiled, inlined

_OLDER, _NEWER = range(2)  # the rows of a size


class Suffixes(NamedTuple):
    """The detector."""

    sizes: tuple[int, ...] = (1, 4, 16, 64, 256)  # windows

    @property
    def scales(self) -> int:
        """One for each size."""
        return len(self.sizes)

    def init(self, layout: Layout) -> State:
        """See `Detector`."""
        return State(frozen(np.zeros((2 * self.scales, layout.size))), 0)

    def update(self, state: State, scores: Array, frame: Frame) -> tuple[State, Found]:
        """See `Detector`."""
        memory, found = np.array(state.memory), nothing(len(scores), self.scales)
        _advance(frame, np.array(self.sizes), memory, state.seen, scores, found)
        return State(frozen(memory), state.seen + len(scores)), found

    def departure(self, state: State, scale: int) -> Array:
        """See `Detector`."""
        length = max(_length(self.sizes[scale], state.seen), 1)
        return np.asarray((state.memory[2 * scale + _OLDER] + state.memory[2 * scale + _NEWER]) / length)


DETECTOR: Detector = Suffixes()


@inlined
def _length(size: int, seen: int) -> int:
    """Windows in both sums."""
    return seen if seen < size else size + seen % size


@compiled
def _advance(frame: Frame, sizes: Array, memory: Array, seen: int, scores: Array, found: Found) -> None:
    layout, both = frame.layout, np.empty(memory.shape[1])
    for m in range(len(scores)):
        seen += 1
        for s in range(len(sizes)):
            older, newer = memory[2 * s + _OLDER], memory[2 * s + _NEWER]
            for i in range(len(newer)):
                newer[i] += scores[m, i]
            if seen % sizes[s] == 0:
                older[:] = newer
                newer[:] = 0.0
            for i in range(len(both)):
                both[i] = older[i] + newer[i]
            values, groups = found.values[m, s], found.groups[m, s]
            largest(layout, both, values, groups)
            length = _length(sizes[s], seen)
            for f in range(len(values)):
                g = groups[f]
                squared = values[f] / (length * (1.0 + length * frame.doubt[f]))
                values[f] = normal(squared, layout.edges[g + 1] - layout.edges[g])
