"""An exponentially weighted moving average of standardised values, and the limit that holds a wanted run length.

Source: S. W. Roberts 1959; the run length by the Markov chain of D. Brook and D. A. Evans 1972, as J. M. Lucas and
M. S. Saccucci 1990 apply it to the EWMA.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

_STATES = 101  # of the Markov chain: the run length is right to a percent


class State(NamedTuple):
    """The average, in the values' standard deviations; 0 when nothing has been seen."""

    average: float = 0.0


class Info(NamedTuple):
    """The average in its own standard deviations once it has settled: what is held against the limit."""

    standardised: float


def init() -> State:
    """An average of nothing."""
    return State()


def update(state: State, value: float, *, smoothing: float) -> tuple[State, Info]:
    """Take in one standardised value: e' = (1 - smoothing) e + smoothing value."""
    average = (1 - smoothing) * state.average + smoothing * value
    return State(average), Info(average / _deviation(smoothing))


@cache
def limit(expected_run_length: float, smoothing: float) -> float:
    """How far `standardised` may stray so that independent normal values cross it once in `expected_run_length`."""
    return float(brentq(lambda at: run_length(at, smoothing) - expected_run_length, 0.1, 8.0, xtol=1e-6))


def run_length(at: float, smoothing: float) -> float:
    """Mean number of independent standard normal values until the standardised average leaves ±`at`."""
    bound = at * _deviation(smoothing)
    edges = np.linspace(-bound, bound, _STATES + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    below = norm.cdf((edges[None, :] - (1 - smoothing) * middles[:, None]) / smoothing)
    lengths = np.linalg.solve(np.eye(_STATES) - np.diff(below, axis=1), np.ones(_STATES))
    return float(lengths[_STATES // 2])


def _deviation(smoothing: float) -> float:
    """Standard deviation of the settled average of independent values of variance 1."""
    return float(np.sqrt(smoothing / (2 - smoothing)))
