"""How each component's vectors lie along one line through it: a histogram for each, in standard deviations.

A component's line stays where it is until enough of its vectors were counted. It is the direction in which it is
widest, then another of its principal axes, one after the other, the widest every second time. A vector counts by its
weight times its responsibility. Vectors with missing features are not counted.
"""

import math
from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import LARGEST, Output, Rows
from streamgmm.mixture.compiled import compiled
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.pieces import pieces
from streamgmm.mixture.statistics import Statistics
from streamgmm.mixture.valley import BINS, REACH

_LEAST = 0.01  # responsibility that is counted: others' vectors are most of all


class Profile(NamedTuple):
    """Histograms, and the lines they are along. A value on a line is (x - origin) . direction."""

    origin: Array  # (k, d)
    direction: Array  # (k, d) per standard deviation
    counts: Array  # (k, b)
    squares: Array  # (k,) of the weights counted, times their responsibility
    turn: Array  # (k,) lines looked along before


def begin(statistics: Statistics, covariance: Covariance) -> Profile:
    """Nothing counted yet, each along its widest direction."""
    k, d = statistics.mean.shape
    empty = Profile(np.zeros((k, d)), np.zeros((k, d)), np.zeros((k, BINS)), np.zeros(k), np.full(k, -1.0))
    return anew(empty, list(range(k)), statistics, covariance)


def anew(profile: Profile, places: list[int], statistics: Statistics, covariance: Covariance) -> Profile:
    """The components at these places through where they are now, along their next line, nothing counted."""
    origin, direction, counts, squares, turn = (np.array(part) for part in profile)
    spread = covariance.form(statistics.scatter, statistics.mass)
    for k in places:
        turn[k] += 1
        axis = covariance.axis(spread, k, origin.shape[1], _rank(int(turn[k]), origin.shape[1]))
        length = float(np.square(axis).sum())
        origin[k], direction[k] = statistics.mean[k], axis / length if length > 0 else 0.0
        counts[k], squares[k] = 0.0, 0.0
    return Profile(*map(frozen, (origin, direction, counts, squares, turn)))


def again(profile: Profile, k: int) -> Profile:
    """The profile in which component k will next be looked at along the same line as now."""
    turn = profile.turn.copy()
    turn[k] -= 1
    return profile._replace(turn=frozen(turn))


def _rank(turn: int, n_features: int) -> int:
    return 1 + (turn // 2) % (n_features - 1) if turn % 2 and n_features > 1 else 0


def counted(profile: Profile) -> Array:
    """How many vectors of equal weight the histograms hold as much as (k,)."""
    totals = profile.counts.sum(axis=1)
    return np.asarray(np.divide(totals**2, profile.squares, out=np.zeros_like(totals), where=profile.squares > 0))


def add(profile: Profile, rows: Rows, responsibilities: Array) -> Profile:
    """Count rows, one after the other: the same bits however they were cut."""
    counts, squares = profile.counts.copy(), profile.squares.copy()
    lines = frozen(profile.origin), frozen(profile.direction)
    for piece, place in pieces(rows, Output(responsibilities, responsibilities[:, 0])):
        _add(*lines, piece, frozen(place.responsibilities), counts, squares)
    return profile._replace(counts=frozen(counts), squares=frozen(squares))


@compiled
def _add(origin: Array, direction: Array, rows: Rows, responsibilities: Array, counts: Array, squares: Array) -> None:
    for n in range(len(rows.weights)):
        weight = min(rows.weights[n], LARGEST)
        for k in range(len(origin)):
            if responsibilities[n, k] >= _LEAST and weight > 0.0:
                place = 0.0
                for i in range(origin.shape[1]):
                    place += (rows.vectors[n, i] - origin[k, i]) * direction[k, i]
                if not math.isnan(place):
                    bin_ = int(min(max((place + REACH) * (BINS / (2 * REACH)), 0.0), BINS - 1.0))
                    counts[k, bin_] += weight * responsibilities[n, k]
                    squares[k] += weight * weight * responsibilities[n, k]
