"""The detectors of all scores on all time scales, advanced window by window in one compiled pass.

A detector keeps a memory of a row of numbers for each scale, and says how far each group of scores has departed, as a
squared length with as many degrees of freedom as the group has numbers. Wilson and Hilferty (1931) turn such lengths
into numbers that are near standard normal, so that groups of any size and scales of any length can be compared; a
family's value on a scale is the largest over its groups. What is unusual is left to `calibration`, which simulates it.
"""

from typing import NamedTuple

import numpy as np

from streamgmm.drift.scores import FAMILIES, Layout, Places
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.compiled import compiled, inlined

N_FAMILIES = len(FAMILIES)


class Bank(NamedTuple):
    """What is fixed of the detectors."""

    layout: Layout
    rates: Array  # (s,) weight of the newest window on each scale, largest first


class Scales(NamedTuple):
    """The time scales, as the detectors take them."""

    rates: Array  # (s,)
    units: Array  # (s, f) what a squared memory is multiplied by, so that it has variance 1


class Found(NamedTuple):
    """What the detectors say of a window, or of several."""

    values: Array  # (..., s, f)
    groups: Places  # (..., s, f) the group of scores that has the value


def scales(bank: Bank, window: int, error: Array) -> Scales:
    """The scales for a window of so many vectors.

    `error` (f,) is the variance of what is taken as the centre, in variances of a single vector: a memory that is
    longer than the reference says no more than the reference does.
    """
    rates = bank.rates[:, None]
    return Scales(bank.rates, frozen(1 / (rates / (2 - rates) + window * error[None, :])))


def memory(bank: Bank) -> Array:
    """Nothing seen yet: (s, p)."""
    return np.zeros((len(bank.rates), bank.layout.size))


def nothing(bank: Bank, *windows: int) -> Found:
    """Room for what is said of so many windows; of one where none is given."""
    shape = (*windows, len(bank.rates), N_FAMILIES)
    return Found(np.zeros(shape), np.zeros(shape, np.intp))


@compiled
def advance(layout: Layout, scales: Scales, memory: Array, scores: Array, found: Found) -> None:
    """Take in the standardised scores of windows (m, p), in order and in place; `found` is of the m windows."""
    for m in range(len(scores)):
        _advance(layout, scales, memory, scores[m], found.values[m], found.groups[m])


@inlined
def _advance(layout: Layout, scales: Scales, memory: Array, scores: Array, values: Array, groups: Places) -> None:
    edges, family = layout.edges, layout.family
    for s in range(len(scales.rates)):
        rate, row = scales.rates[s], memory[s]
        for i in range(len(scores)):
            row[i] += rate * (scores[i] - row[i])
        g = 0
        while g < len(family):  # groups of a family lie side by side and have the same size
            of, size, largest, at = family[g], edges[g + 1] - edges[g], -1.0, g
            while g < len(family) and family[g] == of:
                squared = 0.0
                for i in range(edges[g], edges[g + 1]):
                    squared += row[i] * row[i]
                if squared > largest:
                    largest, at = squared, g
                g += 1
            spread = 2.0 / (9.0 * size)
            normal = ((largest * scales.units[s, of] / size) ** (1.0 / 3.0) - 1.0 + spread) / np.sqrt(spread)
            values[s, of], groups[s, of] = normal, at
