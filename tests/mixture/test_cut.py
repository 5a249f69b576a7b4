"""A component cut in two: both sides together are what it was."""

import numpy as np
import pytest

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture.cut import Cut, Sides, cut
from tests.mixture.samples import as_full, random_state

K, D = 4, 3


@pytest.mark.parametrize("name", ["full", "diag"])
@pytest.mark.parametrize("sides", [Sides(0.5, -0.5), Sides(0.2, 1.4), Sides(0.07, -3.0)])
def test_both_sides_have_the_moments_of_the_whole(name, sides):
    covariance, state = covariances.by_name(name), random_state(name, K, D, np.random.default_rng(3))
    spread, means, mass = state.parameters.covariances, state.parameters.means, state.statistics.mass.copy()
    mass[2] = 0.0
    along = covariance.axis(spread, 0, D)
    after = cut(mass, means, spread, Cut(0, 2, along, sides), covariance)
    assert after.mass[2] == pytest.approx(sides.share * mass[0])
    assert after.mass[[0, 2]].sum() == pytest.approx(mass[0], rel=1e-15)
    share = after.mass[[0, 2]] / mass[0]
    np.testing.assert_allclose(share @ after.mean[[0, 2]], means[0], rtol=1e-12, atol=1e-12)
    formed = as_full(name, covariance.form(after.scatter, after.mass), K, D)
    off = after.mean[[0, 2]] - means[0]
    together = share @ formed[[0, 2]].reshape(2, -1) + (share @ (off[:, :, None] * off[:, None, :]).reshape(2, -1))
    np.testing.assert_allclose(together.reshape(D, D), as_full(name, spread, K, D)[0], rtol=1e-10, atol=1e-12)
    assert np.linalg.eigvalsh(formed[0]).min() > 0
    np.testing.assert_array_equal(after.mean[[1, 3]], means[[1, 3]])


@pytest.mark.parametrize("name", ["tied", "spherical"])
def test_what_lies_between_the_sides_is_taken_from_the_shape_that_is_shared(name):
    covariance, state = covariances.by_name(name), random_state(name, K, D, np.random.default_rng(3))
    spread, mass = state.parameters.covariances, state.statistics.mass
    after = cut(
        mass, state.parameters.means, spread, Cut(0, 2, covariance.axis(spread, 0, D), Sides(0.5, 0.9)), covariance
    )
    formed = as_full(name, covariance.form(after.scatter, after.mass), K, D)
    before = as_full(name, spread, K, D)
    assert np.trace(formed[0]) < np.trace(before[0])
    assert np.linalg.eigvalsh(formed[0]).min() > 0


@pytest.mark.parametrize("held", [0.0, 0.1])
def test_a_shared_covariance_holds_what_it_held_whatever_was_in_the_place(held):
    covariance, state = covariances.by_name("tied"), random_state("tied", K, D, np.random.default_rng(3))
    spread, means, mass = state.parameters.covariances, state.parameters.means, state.statistics.mass.copy()
    mass[2] = held
    along = covariance.axis(spread, 0, D)
    after = cut(mass, means, spread, Cut(0, 2, along, Sides(0.3, 0.9)), covariance)
    others = np.where(np.arange(K) == 2, 0.0, mass)
    assert after.mass.sum() == pytest.approx(others.sum(), rel=1e-15)
    before = others.sum() * spread + np.einsum("k,ki,kj->ij", others, means, means)
    second = after.scatter + np.einsum("k,ki,kj->ij", after.mass, after.mean, after.mean)
    np.testing.assert_allclose(second, before, rtol=1e-12, atol=1e-12)
