"""What falls in two has a valley; what is merely not normal has none."""

import numpy as np
import pytest

from streamgmm.mixture.valley import BINS, REACH, valley

N = 4096
SEEDS = range(20)


def counted(values):
    """Counts of values in standard deviations from their mean."""
    standard = (values - values.mean()) / values.std()
    edges = np.linspace(-REACH, REACH, BINS + 1)
    return np.histogram(np.clip(standard, -REACH, np.nextafter(REACH, 0)), edges)[0].astype(float)


def two(generator, share, apart):
    return generator.normal(size=N) + apart * (generator.random(N) < share)


@pytest.mark.parametrize(("share", "apart"), [(0.5, 3.5), (0.5, 4), (0.3, 4), (0.15, 5), (0.85, 5)])
def test_two_are_found_where_they_are(share, apart):
    for seed in SEEDS:
        check_two(share, apart, seed)


def check_two(share, apart, seed):
    values = two(np.random.default_rng(seed), share, apart)
    found = valley(counted(values), N)
    assert found is not None
    smaller = min(share, 1 - share)
    assert found.share == pytest.approx(smaller, abs=0.05)
    opposite = -found.share * found.at / (1 - found.share)
    assert abs(found.at - opposite) * values.std() == pytest.approx(apart, abs=0.45)


SHAPES = {
    "normal": lambda g: g.normal(size=N),
    "flat": lambda g: g.uniform(size=N),
    "skewed": lambda g: g.gamma(1.5, size=N),
    "very skewed": lambda g: g.lognormal(sigma=1.0, size=N),
    "heavy-tailed": lambda g: g.standard_t(2.5, size=N),
    "two that overlap": lambda g: two(g, 0.5, 2.0),
    "a few far away": lambda g: two(g, 0.01, 8.0),
    "one value": lambda g: np.append(np.zeros(N - 1), 1.0),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_one_has_no_valley(shape):
    for seed in SEEDS:
        assert valley(counted(SHAPES[shape](np.random.default_rng(seed))), N) is None


def test_weights_count_for_less_than_as_many_vectors():
    """A valley of 4096 vectors is none of 40 vectors with a weight of 100 each."""
    counts = counted(two(np.random.default_rng(0), 0.5, 4))
    assert valley(counts, N) is not None
    assert valley(counts, 100.0 * N) is None
