"""How many vectors pass between false alarms, against the number asked for."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.drifting import mixtures, ours

_PIECE = 20_000
_HORIZON = 4  # run lengths after which a stream is left without an alarm


class Case(NamedTuple):
    """Streams of one kind."""

    features: int
    run_length: int
    correlation: float
    streams: int = 1  # for each reference

    @property
    def name(self) -> str:
        """As it stands in the table."""
        kind = f"AR {self.correlation:g}" if self.correlation else "independent"
        return f"{self.features} features, {kind}, {self.run_length:,} asked for"


class Lengths(NamedTuple):
    """Of the streams held against one reference: vectors until their alarms or their ends, and how many alarmed."""

    vectors: int
    alarms: int


def measure(case: Case, seed: int) -> Lengths:
    """A model, a reference of a tenth of the run length, and streams that do not change."""
    rng = np.random.default_rng([seed, case.features, case.run_length])
    of = mixtures.mixture(case.features, case.features)
    model = ours.learnt(mixtures.draw(of, ours.SETTLE, rng, case.correlation), mixtures.COMPONENTS)
    reference = mixtures.draw(of, case.run_length // 10, rng, case.correlation)
    window = ours.window_for(case.run_length)
    watched = ours.calibrated(model, reference, case.run_length, window=window, seed=seed)
    horizon = _HORIZON * case.run_length
    firsts = []
    for _ in range(case.streams):
        pieces = (mixtures.draw(of, _PIECE, rng, case.correlation) for _ in range(-(-horizon // _PIECE)))
        firsts.append(next(ours.alarms(watched, pieces), None))
    return Lengths(sum(first or horizon for first in firsts), sum(first is not None for first in firsts))


def mean(lengths: Sequence[Lengths]) -> float:
    """All vectors seen over all alarms: the mean where some streams ended without one."""
    return sum(one.vectors for one in lengths) / max(sum(one.alarms for one in lengths), 0.5)


def interval(lengths: Sequence[Lengths], run_length: float) -> tuple[float, float]:
    """95 % of bootstrap ratios of the mean to the run length asked for: references drawn with all their streams."""
    rng = np.random.default_rng(0)
    drawn = [mean([lengths[i] for i in rng.integers(0, len(lengths), len(lengths))]) for _ in range(2000)]
    low, high = np.quantile(drawn, [0.025, 0.975]) / run_length
    return float(low), float(high)
