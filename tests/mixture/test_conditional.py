import numpy as np
import pytest
from scipy.stats import chi2, multivariate_normal

from streamgmm.mixture import conditional, mahalanobis, scoring
from streamgmm.mixture.imputation import impute
from streamgmm.mixture.sampling import sample
from tests.mixture.samples import NAMES, as_full, learning, random_state

K, D = 3, 4
MISSING = np.array([False, True, True, False])


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def mixture(name):
    return random_state(name, K, D, np.random.default_rng(0)).parameters, learning(name).covariance


def test_joint_is_marginal_times_conditional(name, mixture):
    parameters, covariance = mixture
    vectors = np.random.default_rng(1).normal(size=(5, D)) * 2
    given = conditional.conditional(parameters, vectors[:, ~MISSING], MISSING, covariance)
    for n, vector in enumerate(vectors):
        inner = [
            given.weights[n, k] * multivariate_normal(given.means[n, k], given.covariances[k]).pdf(vector[MISSING])
            for k in range(K)
        ]
        whole = scoring.log_likelihood(parameters, vector[None], covariance)[0]
        assert given.log_likelihood[n] + np.log(sum(inner)) == pytest.approx(whole, rel=1e-10)


def test_its_mean_is_what_is_imputed(mixture):
    parameters, covariance = mixture
    vectors = np.random.default_rng(1).normal(size=(50, D)) * 2
    given = conditional.conditional(parameters, vectors[:, ~MISSING], MISSING, covariance)
    filled = impute(parameters, np.where(MISSING, np.nan, vectors), covariance)
    np.testing.assert_allclose(filled[:, MISSING], np.einsum("nk,nkm->nm", given.weights, given.means), rtol=1e-9)


def test_wrong_shapes_are_refused(mixture):
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        conditional.conditional(mixture[0], np.zeros((1, 3)), MISSING, mixture[1])
    with pytest.raises(ValueError, match="a value for each"):
        conditional.conditional(mixture[0], [[np.nan, 1.0]], MISSING, mixture[1])


def test_distances_are_mahalanobis(name, mixture):
    parameters, covariance = mixture
    vectors = np.random.default_rng(1).normal(size=(6, D)) * 2
    vectors[4, 1], vectors[5] = np.nan, np.nan
    found, spread = mahalanobis.distances(parameters, vectors, covariance), as_full(name, parameters.covariances, K, D)
    for n, vector in enumerate(vectors):
        known = np.flatnonzero(~np.isnan(vector))
        for k in range(K):
            off = (vector - parameters.means[k])[known]
            expected = np.sqrt(off @ np.linalg.solve(spread[k][np.ix_(known, known)], off)) if len(known) else 0
            assert found[n, k] == pytest.approx(expected, rel=1e-10)


def test_samples_lie_as_far_as_chi_squared_says(mixture):
    parameters, covariance = mixture
    vectors, components = sample(parameters, 20_000, covariance, np.random.default_rng(4))
    own = mahalanobis.distances(parameters, vectors, covariance)[np.arange(20_000), components]
    for level in (0.1, 0.5, 0.9):
        assert (own**2 < chi2.ppf(level, D)).mean() == pytest.approx(level, abs=0.02)


@pytest.mark.parametrize("value", [1e100, 1e155, -1e300])
def test_answers_are_finite_however_far_a_value_lies(mixture, value):
    parameters, covariance = mixture
    rows = np.array([[value, np.nan, 1.0, 1.0], [value, value, value, value]])
    assert np.isfinite(impute(parameters, rows, covariance)).all()
    assert np.isfinite(mahalanobis.distances(parameters, rows, covariance)).all()
    found = conditional.conditional(parameters, [[value, value]], MISSING, covariance)
    assert all(np.isfinite(part).all() for part in found)
