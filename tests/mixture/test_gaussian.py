import numpy as np
import pytest
from scipy.stats import multivariate_normal

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import gaussian, scoring, stepwise_em
from tests.mixture.samples import NAMES, as_full, as_state, learning, random_parameters


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("k", "d"), [(1, 1), (3, 2), (5, 9)])
def test_log_densities_are_scipys(name, k, d):
    generator = np.random.default_rng(k)
    parameters, vectors = random_parameters(name, k, d, generator), generator.normal(size=(50, d)) * 4
    spread = as_full(name, parameters.covariances, k, d)
    truth = [multivariate_normal(m, s).logpdf(vectors) for m, s in zip(parameters.means, spread, strict=True)]
    densities = gaussian.log_densities(parameters, vectors, covariances.by_name(name))
    np.testing.assert_allclose(densities, np.stack(truth, axis=1), rtol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_the_compiled_e_step_is_the_one_in_the_book(name):
    generator = np.random.default_rng(0)
    covariance, parameters = covariances.by_name(name), random_parameters(name, 4, 5, generator)
    vectors = generator.normal(size=(700, 5)) * 3
    _, info = stepwise_em.score(as_state(parameters, covariance), vectors, None, learning(name))
    expected = gaussian.responsibilities(parameters, vectors, covariance)
    np.testing.assert_allclose(info.responsibilities, expected, rtol=1e-11, atol=1e-300)
    evidence = gaussian.log_evidence(parameters, vectors, covariance)
    np.testing.assert_allclose(info.log_likelihood, evidence, rtol=1e-12)
    frozen_reference = scoring.log_likelihood(parameters, vectors, covariance)
    assert frozen_reference.tobytes() == info.log_likelihood.tobytes()
