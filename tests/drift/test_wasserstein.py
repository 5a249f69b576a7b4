import numpy as np
import pytest
from scipy.stats import norm

from streamgmm.drift.wasserstein import distances
from streamgmm.mixture import covariance
from streamgmm.mixture.parameters import Parameters
from tests.drift.models import FULL, parameters


def one_dimensional(means, deviations):
    spreads = np.square(deviations)[:, None, None]
    factors, _ = FULL.factorise(spreads)
    return Parameters(np.full(len(means), 1 / len(means)), np.array(means)[:, None], spreads, factors)


def test_it_is_the_integral_over_quantiles():
    one, other = one_dimensional([0.0, 2.0], [1.0, 3.0]), one_dimensional([1.0], [2.0])
    at = (np.arange(200_000) + 0.5) / 200_000
    for k, (mean, deviation) in enumerate([(0.0, 1.0), (2.0, 3.0)]):
        difference = norm.ppf(at, mean, deviation) - norm.ppf(at, 1.0, 2.0)
        assert distances(one, other, FULL)[k, 0] == pytest.approx(np.sqrt(np.mean(difference**2)), rel=1e-3)


def test_a_component_is_nowhere_but_at_itself():
    apart = distances(parameters(), parameters(), FULL)
    assert np.diagonal(apart) == pytest.approx(0.0, abs=1e-7)
    assert (apart[~np.eye(3, dtype=bool)] > 1).all()


def test_diagonal_covariances_are_taken_as_matrices():
    diagonal = covariance.by_name("diag")
    variances = np.array([[1.0, 4.0]])
    one = Parameters(np.ones(1), np.zeros((1, 2)), variances, 1 / np.sqrt(variances))
    other = one._replace(covariances=variances * 4, precisions_cholesky=1 / np.sqrt(variances * 4))
    assert distances(one, other, diagonal)[0, 0] == pytest.approx(np.sqrt(1 + 4))
