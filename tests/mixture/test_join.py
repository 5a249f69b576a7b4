"""Two components joined hold what both held, in the statistics and in their average."""

import numpy as np
import pytest

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture.average import Average
from streamgmm.mixture.join import joined, joined_average
from tests.mixture.samples import NAMES, as_full, random_state

K, D = 4, 3


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def raw_moments(name, statistics):
    """Mass, sum of vectors and sum of their outer products of each component, and the scatter within; tied: of all."""
    mass, mean, scatter = statistics
    own = as_full(name, scatter, K, D) if name != "tied" else np.zeros((K, D, D))
    second = own + mass[:, None, None] * mean[:, :, None] * mean[:, None, :]
    whole = second.sum(axis=0) + (scatter if name == "tied" else 0.0)
    return mass, mass[:, None] * mean, second, whole


def as_told(name, moments):
    """Of a spherical model only the trace of the second moments is kept."""
    return np.trace(moments, axis1=-2, axis2=-1) if name == "spherical" else moments


@pytest.mark.parametrize(("gone", "into"), [(1, 3), (3, 1), (2, 0)])
def test_what_both_held_together_is_kept_exactly(name, gone, into):
    before = random_state(name, K, D, np.random.default_rng(gone)).statistics
    after = joined(before, gone, into, covariances.by_name(name))
    old, new = raw_moments(name, before), raw_moments(name, after)
    assert after.mass[gone] == 0.0
    assert after.mass[into] == before.mass[gone] + before.mass[into]
    np.testing.assert_allclose(new[1][into], old[1][gone] + old[1][into], rtol=1e-12, atol=1e-14)
    if name == "diag":  # a diagonal keeps the features' own
        old, new = ((*m[:2], *(np.diagonal(part, axis1=-2, axis2=-1) for part in m[2:])) for m in (old, new))
    if name != "tied":
        together = as_told(name, old[2])[[gone, into]].sum(axis=0) if name != "diag" else old[2][[gone, into]].sum(0)
        kept = as_told(name, new[2])[into] if name != "diag" else new[2][into]
        np.testing.assert_allclose(kept, together, rtol=1e-12, atol=1e-13)
    whole = (as_told(name, m[3]) if name != "diag" else m[3] for m in (old, new))
    np.testing.assert_allclose(*whole, rtol=1e-12, atol=1e-13)
    others = [k for k in range(K) if k not in (gone, into)]
    np.testing.assert_array_equal(after.mean[others], before.mean[others])


def test_the_average_of_joined_statistics_is_the_joined_average(name):
    covariance, generator = covariances.by_name(name), np.random.default_rng(0)
    early, late = (random_state(name, K, D, generator).statistics for _ in range(2))
    average = Average(early, 3.0, 8.0, late, 4.0)
    found = joined_average(average, 2, 1, covariance)
    for block, before in ((found.recent, early), (found.earlier, late)):
        np.testing.assert_array_equal(block.mean, joined(before, 2, 1, covariance).mean)
    assert (found.recent_time, found.length, found.earlier_time) == (3.0, 8.0, 4.0)
    assert joined_average(None, 2, 1, covariance) is None


def test_nothing_joined_to_nothing_stays_where_it_was():
    before = random_state("full", K, D, np.random.default_rng(0)).statistics
    mass = before.mass.copy()
    mass[:2] = 0.0
    after = joined(
        before._replace(mass=mass, scatter=before.scatter * (mass > 0)[:, None, None]),
        0,
        1,
        covariances.by_name("full"),
    )
    np.testing.assert_array_equal(after.mean[1], before.mean[1])
    assert np.isfinite(after.scatter).all()
