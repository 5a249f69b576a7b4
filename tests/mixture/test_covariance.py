import numpy as np
import pytest

from streamgmm.mixture import covariance as covariances
from tests.mixture.samples import NAMES, as_full, random_covariances

K, D = 3, 4


@pytest.fixture(params=NAMES)
def covariance(request):
    return covariances.by_name(request.param)


def test_every_type_goes_by_its_name(covariance):
    assert covariances.by_name(covariance.name) is covariance


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'round'.*full, tied, diag, spherical"):
        covariances.by_name("round")


def test_factors_determinants_and_whitening_agree(covariance):
    spread = random_covariances(covariance.name, K, D, np.random.default_rng(1))
    factors, sound = covariance.factorise(spread)
    assert sound.all()
    assert factors.shape == spread.shape
    full = as_full(covariance.name, spread, K, D)
    log_determinants = np.broadcast_to(covariance.log_determinants(factors, D), K)
    np.testing.assert_allclose(log_determinants, -0.5 * np.linalg.slogdet(full)[1], rtol=1e-12)
    deviations = np.random.default_rng(2).normal(size=(K, 7, D))
    distances = np.einsum("kni,kij,knj->kn", deviations, np.linalg.inv(full), deviations)
    np.testing.assert_allclose(np.square(covariance.whiten(deviations, factors)).sum(axis=2), distances, rtol=1e-10)


def test_outer_is_the_scatter_of_points(covariance):
    generator = np.random.default_rng(3)
    mass, shift = generator.uniform(size=K), generator.normal(size=(K, D))
    full = mass[:, None, None] * shift[:, :, None] * shift[:, None, :]
    diagonal = np.diagonal(full, axis1=1, axis2=2)
    by_kernel = {2: full, 1: diagonal}[covariance.kernel.order]
    np.testing.assert_allclose(covariance.outer(mass, shift), covariance.of_sums(by_kernel), rtol=1e-12)


def test_a_component_without_mass_has_no_spread(covariance):
    mass = np.array([0.5, 0.0, 0.5])
    scatter = covariance.of_sums(np.zeros(covariance.kernel.shape(K, D)))
    assert not covariance.form(scatter, mass).any()


def test_leaning_on_the_pool_keeps_the_pooled_scatter_of_equal_components(covariance):
    mass = np.full(K, 1 / K)
    spread = random_covariances(covariance.name, 1, D, np.random.default_rng(5))
    scatter = spread if covariance.name == "tied" else np.repeat(spread / K, K, axis=0)
    np.testing.assert_allclose(covariance.lean_on_pool(scatter, mass, 0.3), scatter, rtol=1e-12)


def test_leaning_fills_what_is_singular(covariance):
    mass = np.array([0.5, 0.01, 0.49])
    scatter = random_covariances(covariance.name, K, D, np.random.default_rng(6))
    thin = (
        scatter if covariance.name == "tied" else scatter * (np.arange(K) != 1).reshape(K, *(1,) * (scatter.ndim - 1))
    )
    _, sound = covariance.factorise(covariance.form(covariance.lean_on_pool(thin, mass, 0.01), mass))
    assert sound.all()
