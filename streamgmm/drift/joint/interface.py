"""What detectors of all scores have in common: `init`, and `update(state, scores) -> (state, found)`.

A window's standardised scores (p,) have mean 0 and variance 1 where nothing changes. A detector gathers them on some
scales, each in a row of p numbers; how far a group of scores has departed on a scale is the length of its part of the
row, and a family's value there is the largest over its groups. What is unusual of a value is not the detector's
business: `calibration` simulates it, for all detectors that run together.
"""

from typing import NamedTuple, Protocol

import numpy as np

from streamgmm.drift.scores import FAMILIES, Layout, Places
from streamgmm.mixture.arrays import Array
from streamgmm.mixture.compiled import inlined

N_FAMILIES = len(FAMILIES)


class State(NamedTuple):
    """What the next window needs; a value, which nothing clears."""

    memory: Array  # (rows, p)
    seen: int  # windows


class Found(NamedTuple):
    """What is said of several windows."""

    values: Array  # (m, s, f)
    groups: Places  # (m, s, f) the group of scores that has the value


class Frame(NamedTuple):
    """What scores are measured in."""

    layout: Layout
    doubt: Array  # (f,) variance of what is taken as their centre, in variances of a window
    most: Array  # (s, f) what a value that lasts need not exceed: far above its limit it would not come back


class Detector(Protocol):
    """One way to gather."""

    @property
    def scales(self) -> int:
        """s, how many values of each family it gives."""

    def init(self, layout: Layout) -> State:
        """Nothing seen yet."""

    def update(self, state: State, scores: Array, frame: Frame) -> tuple[State, Found]:
        """Take in the standardised scores of windows (m, p), in their order."""

    def departure(self, state: State, scale: int) -> Array:
        """How far the windows that a scale remembers lie off on the mean (p,), in deviations of a window."""


def nothing(windows: int, scales: int) -> Found:
    """Room for what is said of so many windows."""
    shape = (windows, scales, N_FAMILIES)
    return Found(np.zeros(shape), np.zeros(shape, np.intp))


@inlined
def largest(layout: Layout, row: Array, squares: Array, groups: Places) -> None:
    """Of each family the largest squared length of a group's part of a row (p,), and the group: (f,) in place."""
    edges, family = layout.edges, layout.family
    squares[:] = -1.0
    for g in range(len(family)):
        squared = 0.0
        for i in range(edges[g], edges[g + 1]):
            squared += row[i] * row[i]
        if squared > squares[family[g]]:
            squares[family[g]], groups[family[g]] = squared, g


@inlined
def normal(squared: float, size: int) -> float:
    """The squared length of so many standard normal numbers as one that is near standard normal.

    Wilson and Hilferty (1931). So groups of any size and scales of any length can be compared.
    """
    spread = 2.0 / (9.0 * size)
    return float(((squared / size) ** (1.0 / 3.0) - 1.0 + spread) / np.sqrt(spread))


@inlined
def squared_of(value: float, size: int) -> float:
    """The squared length of so many numbers whose `normal` is a value."""
    spread = 2.0 / (9.0 * size)
    return float(size * (1.0 - spread + value * np.sqrt(spread)) ** 3)
