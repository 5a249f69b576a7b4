import numpy as np
import pytest

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import gaussian
from streamgmm.mixture.imputation import impute
from streamgmm.mixture.parameters import Parameters
from tests.mixture.samples import NAMES, as_full, random_parameters


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def with_gaps(n=60, d=4, seed=0):
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(n, d)) * 3
    return np.where(generator.random((n, d)) < 0.4, np.nan, vectors)


def by_the_book(parameters, vector, name):
    """Of one vector, from the covariances: mu_m + S_mo S_oo^-1 (x_o - mu_o), by marginal responsibilities."""
    k, d = parameters.means.shape
    spread, missing = as_full(name, parameters.covariances, k, d), np.isnan(vector)
    o, m = np.flatnonzero(~missing), np.flatnonzero(missing)
    means = []
    log_joint = np.log(parameters.weights)
    for j in range(k):
        inner, difference = spread[j][np.ix_(o, o)], vector[o] - parameters.means[j, o]
        means.append(parameters.means[j, m] + spread[j][np.ix_(m, o)] @ np.linalg.solve(inner, difference))
        log_joint[j] -= 0.5 * (
            np.linalg.slogdet(2 * np.pi * inner)[1] + difference @ np.linalg.solve(inner, difference)
        )
    shares = np.exp(log_joint - log_joint.max())
    filled = vector.copy()
    filled[m] = shares / shares.sum() @ np.stack(means)
    return filled


def test_is_the_expectation_of_what_is_missing(name):
    parameters = random_parameters(name, 3, 4, np.random.default_rng(1))
    vectors = with_gaps()
    found = impute(parameters, vectors, covariances.by_name(name))
    np.testing.assert_allclose(found, [by_the_book(parameters, v, name) for v in vectors], rtol=1e-9, atol=1e-9)


def test_what_is_known_stays_as_it_is(name):
    parameters, vectors = random_parameters(name, 3, 4, np.random.default_rng(1)), with_gaps()
    known = ~np.isnan(vectors)
    found = impute(parameters, vectors, covariances.by_name(name))
    np.testing.assert_array_equal(found[known], vectors[known])
    assert np.isnan(vectors).any()


def test_of_nothing_known_it_is_the_mean_of_the_mixture(name):
    parameters = random_parameters(name, 3, 2, np.random.default_rng(1))
    found = impute(parameters, [[np.nan, np.nan]], covariances.by_name(name))
    np.testing.assert_allclose(found[0], parameters.weights @ parameters.means)


def test_complete_vectors_are_returned(name):
    vectors = np.random.default_rng(0).normal(size=(5, 2))
    parameters = random_parameters(name, 3, 2, np.random.default_rng(1))
    np.testing.assert_array_equal(impute(parameters, vectors, covariances.by_name(name)), vectors)


def test_a_line_gives_the_other_coordinate():
    covariance = np.array([[[1.0, 2.0], [2.0, 4.0 + 1e-9]]])
    full = covariances.by_name("full")
    parameters = Parameters(np.ones(1), np.zeros((1, 2)), covariance, full.factorise(covariance)[0])
    assert impute(parameters, [[3.0, np.nan]], full)[0, 1] == pytest.approx(6.0)
    assert gaussian.log_evidence(parameters, np.array([[3.0, 6.0]]), full) > 0
