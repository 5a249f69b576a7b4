import numpy as np
import pytest

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture.m_step import LEAST_MASS
from streamgmm.mixture.parameters import m_step
from streamgmm.mixture.statistics import Statistics
from tests.mixture.samples import NAMES, all_finite, as_state, learning, random_parameters

K, D = 3, 4


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def statistics_of(parameters, name):
    return as_state(parameters, covariances.by_name(name)).statistics


def test_gives_back_the_parameters_that_made_the_statistics(name):
    parameters = random_parameters(name, K, D, np.random.default_rng(0))
    found, repairs = m_step(statistics_of(parameters, name), parameters, learning(name, reg_relative=0.0))
    assert repairs == 0
    for a, b in zip(found, parameters, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_regularisation_is_added_when_the_covariance_is_formed(name):
    parameters = random_parameters(name, K, D, np.random.default_rng(1))
    settings = learning(name, reg_relative=0.0, reg_covar=0.25)
    found, _ = m_step(statistics_of(parameters, name), parameters, settings)
    expected = settings.covariance.add_to_diagonal(parameters.covariances, np.full(D, 0.25))
    np.testing.assert_allclose(found.covariances, expected, rtol=1e-12)


def test_a_component_without_mass_keeps_its_place_and_its_shape(name):
    last = random_parameters(name, K, D, np.random.default_rng(2))
    statistics = statistics_of(random_parameters(name, K, D, np.random.default_rng(3)), name)
    statistics = statistics._replace(mass=statistics.mass * [1, 0, 1])
    found, repairs = m_step(statistics, last, learning(name))
    assert repairs == 0
    assert found.weights[1] == LEAST_MASS
    np.testing.assert_array_equal(found.means[1], last.means[1])
    if name != "tied":
        np.testing.assert_array_equal(found.covariances[1], last.covariances[1])
    assert all_finite(found)


def test_what_is_not_positive_definite_is_repaired_and_counted(name):
    last = random_parameters(name, K, D, np.random.default_rng(4))
    statistics = statistics_of(last, name)
    found, repairs = m_step(statistics._replace(scatter=-1e-9 * statistics.scatter), last, learning(name))
    assert repairs == (1 if name == "tied" else K)
    assert all_finite(found)
    assert learning(name).covariance.factorise(found.covariances)[1].all()


def test_what_cannot_be_repaired_keeps_the_last_good_covariance(name):
    last = random_parameters(name, K, D, np.random.default_rng(5))
    statistics = statistics_of(last, name)
    found, repairs = m_step(statistics._replace(scatter=-statistics.scatter), last, learning(name))
    assert repairs == (1 if name == "tied" else K)
    np.testing.assert_array_equal(found.covariances, last.covariances)
    np.testing.assert_array_equal(found.precisions_cholesky, last.precisions_cholesky)


def test_only_the_broken_component_is_repaired():
    last = random_parameters("full", K, D, np.random.default_rng(6))
    statistics = statistics_of(last, "full")
    scatter = statistics.scatter.copy()
    scatter[1] = 0.0
    scatter[1, 0, 0] = -1e-6
    found, repairs = m_step(statistics._replace(scatter=scatter), last, learning("full", reg_relative=0.0))
    assert repairs == 1
    np.testing.assert_allclose(found.covariances[[0, 2]], last.covariances[[0, 2]], rtol=1e-12)


@pytest.mark.parametrize("times", [0.0, 1e30])
def test_one_component_does_not_move_the_ridge_of_the_others(times):
    last = random_parameters("diag", K, D, np.random.default_rng(10))
    spread = np.ones((K, D))
    spread[1] = times
    mass = np.full(K, 1 / K)
    found, _ = m_step(Statistics(mass, last.means, spread / K), last, learning("diag", reg_relative=0.25))
    np.testing.assert_allclose(found.covariances, spread + 0.25, rtol=1e-12)


def test_collinear_features_become_positive_definite():
    direction = np.array([1.0, 2.0, -1.0])
    statistics = Statistics(np.ones(1), np.zeros((1, 3)), np.outer(direction, direction)[None])
    last = random_parameters("full", 1, 3, np.random.default_rng(7))
    found, repairs = m_step(statistics, last, learning("full"))
    assert repairs == 0
    np.testing.assert_allclose(found.covariances[0], np.outer(direction, direction), atol=1e-5)


def test_clusters_far_apart_do_not_blur_one_another(name):
    parameters = random_parameters(name, 2, D, np.random.default_rng(8))
    parameters = parameters._replace(means=parameters.means + np.array([[0.0], [1e8]]))
    found, _ = m_step(statistics_of(parameters, name), parameters, learning(name))
    np.testing.assert_allclose(found.covariances, parameters.covariances, rtol=1e-4, atol=1e-5)


def test_arrays_are_read_only(name):
    last = random_parameters(name, K, D, np.random.default_rng(9))
    found, _ = m_step(statistics_of(last, name), last, learning(name))
    assert not any(array.flags.writeable for array in found)
