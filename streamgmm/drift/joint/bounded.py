"""How much one window may count in what the detectors gather.

A window whose scores lie further off than `FAR` is as sure a sign as one that lies there; beyond it counts no more. So
a single wild vector, however far off, raises an alarm but does not hold it: on the long scales it is below every limit.
The simulation of streams that do not change goes the same way, so the limits are those of what is gathered.
"""

import numpy as np

from streamgmm.drift.scores import Layout
from streamgmm.mixture.arrays import Array
from streamgmm.mixture.compiled import compiled, inlined

FAR = 12.0  # deviations of a window, beyond the length that noise gives a group
_HUGE = 1e100  # a number beyond it is as far off: its square would overflow


def bounded(layout: Layout, scores: Array) -> Array:
    """The standardised scores of windows (m, p), each group of a window no further off than far, in its direction."""
    if not _suspected(layout, scores):
        return scores
    found = np.clip(scores, -_HUGE, _HUGE)
    _shorten(layout, found)
    return found


def is_far(layout: Layout, scores: Array, group: int) -> bool:
    """Whether a group of a window's standardised scores (p,) is further off than counts."""
    part = scores[layout.edges[group] : layout.edges[group + 1]]
    return bool(np.linalg.norm(np.clip(part, -_HUGE, _HUGE)) > _most(len(part)))


@inlined
def _most(size: int) -> float:
    """The length that a group of so many numbers counts with, at most."""
    return float(np.sqrt(size) + FAR)


@compiled
def _suspected(layout: Layout, scores: Array) -> bool:
    """Whether any group may be too long: one number is as large as those of a long one are at least on the mean."""
    count, size = 0, 1
    for g in range(len(layout.family)):
        size = max(size, layout.edges[g + 1] - layout.edges[g])
    least = _most(size) / np.sqrt(size)
    for row in scores:
        for i in range(len(row)):  # without a branch
            count += abs(row[i]) > least
    return count > 0


@compiled
def _shorten(layout: Layout, scores: Array) -> None:
    """In place."""
    edges = layout.edges
    for row in scores:
        for g in range(len(edges) - 1):
            part, most = row[edges[g] : edges[g + 1]], _most(edges[g + 1] - edges[g])
            squared = 0.0
            for i in range(len(part)):
                squared += part[i] * part[i]
            if squared > most * most:
                part *= most / np.sqrt(squared)
