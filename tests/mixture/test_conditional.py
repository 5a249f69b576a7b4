import numpy as np
import pytest
from scipy.linalg import rq
from scipy.stats import chi2, multivariate_normal

from streamgmm.mixture import conditional, mahalanobis, scoring
from streamgmm.mixture import covariance as covariances
from streamgmm.mixture.imputation import impute
from streamgmm.mixture.m_step import VACANT
from streamgmm.mixture.parameters import Parameters
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


def nearly_singular(features, generator):
    """One component in which a feature is all but a sum of the others, by its factor."""
    lower = np.tril(generator.normal(size=(features, features)), -1) + np.eye(features)
    lower[-1, -1] = 1e-8
    factor = np.linalg.inv(lower).T
    return Parameters(np.ones(1), np.zeros((1, features)), (lower @ lower.T)[None], factor[None]), lower


@pytest.mark.parametrize("seed", range(20))
def test_a_nearly_singular_covariance_is_answered(seed):
    generator, full = np.random.default_rng(seed), covariances.by_name("full")
    parameters, lower = nearly_singular(4, generator)
    row = lower @ generator.normal(size=4)
    last = lower[-1, :-1] @ np.linalg.solve(lower[:-1, :-1], row[:-1])  # what the sum says
    for first in range(4):
        order = np.roll(np.arange(4), first)
        upper, _ = rq(parameters.precisions_cholesky[0][order])
        turned = parameters._replace(
            covariances=parameters.covariances[:, order][:, :, order],
            precisions_cholesky=(upper * np.sign(np.diagonal(upper)))[None],
        )
        gaps = np.where(order == 3, np.nan, row[order])
        assert impute(turned, gaps[None], full)[0, order == 3] == pytest.approx(last, abs=1e-6)
        assert np.isfinite(mahalanobis.distances(turned, [gaps, row[order]], full)).all()
    drawn, _ = sample(parameters, 20_000, full, generator)
    off = drawn[:, -1] - drawn[:, :-1] @ np.linalg.solve(lower[:-1, :-1].T, lower[-1, :-1])
    assert off.std() == pytest.approx(1e-8, rel=0.05)


def test_a_vacant_place_expects_nothing(mixture):
    parameters, covariance = mixture
    weights = np.append(parameters.weights[:-1], VACANT)
    far = 1e3 * parameters.means[-1, ~MISSING] + 1e5
    found = conditional.conditional(parameters._replace(weights=weights), far[None], MISSING, covariance)
    assert found.weights[0, -1] == 0
    assert found.weights.sum() == pytest.approx(1)


def test_each_pattern_has_its_rows():
    generator = np.random.default_rng(0)
    kinds = generator.random((5, 70)) < 0.3  # more features than a number has bits
    of_row = generator.integers(5, size=300)
    found = conditional.by_pattern(np.where(kinds[of_row], np.nan, 1.0))
    assert len(found) == 5
    for missing, rows in found:
        kind = int(np.flatnonzero((kinds == missing).all(axis=1))[0])
        np.testing.assert_array_equal(rows, np.flatnonzero(of_row == kind))
    assert conditional.by_pattern(np.empty((0, 3))) == []
