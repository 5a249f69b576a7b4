import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import softmax
from scipy.stats import norm

from streamgmm.drift import transform
from tests.drift.models import FULL, MEANS, SPREADS, WEIGHTS, parameters


def test_it_is_the_integral_of_the_density_by_responsibilities():
    of = transform.margins(parameters(), FULL)
    rows, r = np.array([[0.4, -1.0], [5.0, 7.0]]), softmax(np.random.default_rng(0).normal(size=(2, 3)), axis=1)
    found = transform.transforms(of, rows, r)
    for n, i in np.ndindex(rows.shape):
        densities = [norm(MEANS[k, i], np.sqrt(SPREADS[k, i, i])).pdf for k in range(3)]
        parts = [quad(density, -50, rows[n, i], points=[0.0], limit=200)[0] for density in densities]
        assert found[n, i] == pytest.approx(r[n] @ parts, abs=3e-6)


def test_weighted_by_the_shares_it_is_uniform_where_the_model_is_right():
    """The oracle of the definition: only by the responsibilities it is not quite."""
    rng = np.random.default_rng(1)
    labels = rng.choice(3, size=20_000, p=WEIGHTS)
    rows = MEANS[labels] + np.sqrt(SPREADS[labels][:, [0, 1], [0, 1]]) * rng.standard_normal((20_000, 2))
    of = transform.margins(parameters(), FULL)
    by_share = transform.transforms(of, rows, np.tile(WEIGHTS, (len(rows), 1)))
    shares = np.stack([np.histogram(by_share[:, i], transform.BINS, (0, 1))[0] / len(rows) for i in (0, 1)])
    assert transform.distances(shares, np.full_like(shares, 0.1)).max() < 1.63 / np.sqrt(len(rows))  # 1 % bound


def test_far_away_it_ends_at_0_and_1_and_what_is_missing_stays_so():
    of = transform.margins(parameters(), FULL)
    found = transform.transforms(of, np.array([[-1e300, 1e300], [np.nan, 0.0]]), np.full((2, 3), 1 / 3))
    assert found[0].tolist() == pytest.approx([0.0, 1.0], abs=1e-12)
    assert np.isnan(found[1, 0]) and 0 < found[1, 1] < 1


def test_the_distance_is_the_largest_difference_of_sums():
    one, other = np.array([[0.5, 0.5, 0.0, 0.0]]), np.array([[0.0, 0.25, 0.25, 0.5]])
    assert transform.distances(one, other) == pytest.approx([0.75])
