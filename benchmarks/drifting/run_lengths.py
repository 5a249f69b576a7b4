"""How many vectors pass between false alarms, against the number asked for."""

from typing import NamedTuple

import numpy as np

from benchmarks.drifting import mixtures, ours

_PIECE = 20_000


class Case(NamedTuple):
    """Streams of one kind."""

    features: int
    run_length: int
    correlation: float

    @property
    def name(self) -> str:
        """As it stands in the table."""
        kind = f"AR {self.correlation:g}" if self.correlation else "independent"
        return f"{self.features} features, {kind}, {self.run_length:,} asked for"


class Length(NamedTuple):
    """Of one stream: vectors until the first alarm, or those seen without one."""

    vectors: int
    alarmed: bool


def measure(case: Case, seed: int) -> Length:
    """A model, a reference of a tenth of the run length, and a stream that does not change."""
    rng = np.random.default_rng([seed, case.features, case.run_length])
    of = mixtures.mixture(case.features, case.features)
    model = ours.learnt(mixtures.draw(of, ours.SETTLE, rng, case.correlation), mixtures.COMPONENTS)
    reference = mixtures.draw(of, case.run_length // 10, rng, case.correlation)
    window = ours.window_for(case.run_length)
    watched = ours.calibrated(model, reference, case.run_length, window=window, seed=seed)
    horizon = 4 * case.run_length
    pieces = (mixtures.draw(of, _PIECE, rng, case.correlation) for _ in range(-(-horizon // _PIECE)))
    first = next(ours.alarms(watched, pieces), None)
    return Length(horizon, alarmed=False) if first is None else Length(first, alarmed=True)


def mean(lengths: list[Length]) -> float:
    """All vectors seen over all alarms: the mean where some streams ended without one."""
    return sum(one.vectors for one in lengths) / max(sum(one.alarmed for one in lengths), 0.5)


def interval(lengths: list[Length], run_length: float) -> tuple[float, float]:
    """95 % of bootstrap ratios of the mean to the run length asked for."""
    rng = np.random.default_rng(0)
    drawn = [mean([lengths[i] for i in rng.integers(0, len(lengths), len(lengths))]) for _ in range(2000)]
    low, high = np.quantile(drawn, [0.025, 0.975]) / run_length
    return float(low), float(high)
