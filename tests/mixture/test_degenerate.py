"""Data that break other programs: the model is finite, positive definite, and the right one where there is one.

Every kind goes through both ways in: a stream, piece by piece, and the estimator's `fit`; for every covariance type.
"""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from streamgmm import StreamingGaussianMixture
from streamgmm.mixture import background, stepwise_em
from streamgmm.mixture.arrays import Array
from streamgmm.mixture.conditional import conditional
from streamgmm.mixture.imputation import impute
from streamgmm.mixture.mahalanobis import distances
from streamgmm.mixture.parameters import Parameters
from tests.mixture.samples import NAMES, all_finite, as_full, learning

COUNT = 1200
WHICH = np.arange(COUNT) % 2


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture(params=["stream", "fit"])
def learnt(request, name):
    """Parameters learnt from vectors by k components, checked to be sound."""

    def by_stream(vectors: Array, k: int) -> Parameters:
        hyper = learning(name, batch_size=100)
        state = stepwise_em.init(vectors[: COUNT // 3], k, hyper)
        for _ in range(3):
            for part in np.array_split(vectors, 12):
                state, info = stepwise_em.update(state, part, hyper)
                assert all_finite((state, info))
        return state.parameters

    def by_fit(vectors: Array, k: int) -> Parameters:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = StreamingGaussianMixture(k, covariance_type=name, n_init=3, random_state=0).fit(vectors)
        assert np.isfinite(model.score_samples(vectors)).all()
        np.testing.assert_allclose(model.predict_proba(vectors).sum(axis=1), 1)
        return model.state_.parameters

    def of(vectors: Array, k: int) -> Parameters:
        parameters = {"stream": by_stream, "fit": by_fit}[request.param](vectors, k)
        covariance = learning(name).covariance
        assert all_finite(parameters)
        assert covariance.factorise(parameters.covariances)[1].all()
        gaps = vectors[:50].copy()
        gaps[::2, 0] = np.nan
        assert np.isfinite(impute(parameters, gaps, covariance)).all()
        assert np.isfinite(distances(parameters, gaps, covariance)).all()
        missing = np.arange(vectors.shape[1]) == 0
        assert all_finite(conditional(parameters, gaps[:, 1:], missing, covariance))
        return parameters

    return of


def two(distance: float = 9.0) -> Array:
    """Two round clusters, one after the other."""
    return np.random.default_rng(0).normal(size=(COUNT, 2)) + distance * WHICH[:, None]


def assert_is_two(
    name: str, parameters: Parameters, vectors: Array, which: Array = WHICH, *, scale: float = 1.0
) -> None:
    """The two clusters' own moments, in either order."""
    order = np.argsort(parameters.means[:, 0])
    spread = as_full(name, parameters.covariances, 2, vectors.shape[1])[order] / scale**2
    np.testing.assert_allclose(parameters.weights, 0.5, atol=0.02)
    for k in range(2):
        own = vectors[which == k]
        np.testing.assert_allclose((parameters.means[order[k]] - own.mean(axis=0)) / scale, 0, atol=0.1)
        if name != "spherical":
            np.testing.assert_allclose(spread[k], np.cov(own.T / scale), atol=0.2)
        np.testing.assert_allclose(np.trace(spread[k]), np.trace(np.cov(own.T / scale)), rtol=0.1)


def test_a_constant_feature_changes_nothing_of_the_others(name, learnt):
    vectors = np.insert(two(), 1, 0.1, axis=1)
    parameters = learnt(vectors, 2)
    np.testing.assert_allclose(parameters.means[:, 1], 0.1, rtol=1e-12)
    assert_is_two(name, parameters, vectors)
    if name != "spherical":
        assert as_full(name, parameters.covariances, 2, 3)[:, 1, 1].max() < 1e-5


def test_points_that_repeat_are_the_means(learnt):
    points = np.array([[0.1, -3.0], [7.0, 5.0], [-4.0, 0.3]])
    parameters = learnt(points[np.arange(COUNT) % 3], 3)
    np.testing.assert_allclose(parameters.means[parameters.means[:, 0].argsort()], points[[2, 0, 1]], atol=1e-9)
    np.testing.assert_allclose(parameters.weights, 1 / 3, atol=0.01)


@pytest.mark.parametrize("k", [1, 3])
def test_one_point_is_the_mean_of_all(learnt, k):
    np.testing.assert_allclose(learnt(np.full((COUNT, 2), 0.1), k).means, 0.1, rtol=1e-9)


def test_collinear_features_have_the_covariance_of_their_line(name, learnt):
    vectors = np.random.default_rng(0).normal(size=(COUNT, 1)) * [1.0, 2.0, 3.0]
    spread = np.cov(vectors.T, bias=True)
    found = as_full(name, learnt(vectors, 1).covariances, 1, 3)[0]
    np.testing.assert_allclose(np.trace(found), np.trace(spread), rtol=0.05)
    if name in ("full", "tied"):
        np.testing.assert_allclose(found, spread, rtol=0.05)
    if name == "diag":
        np.testing.assert_allclose(np.diag(found), np.diag(spread), rtol=0.05)


def test_an_offset_of_1e8_moves_the_means(name, learnt):
    vectors = two() + 1e8
    assert_is_two(name, learnt(vectors, 2), vectors)


def test_clusters_1e8_apart_keep_their_shapes(name, learnt):
    vectors = two(distance=1e8)
    assert_is_two(name, learnt(vectors, 2), vectors)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_any_scale_is_the_same_model(name, learnt, scale):
    vectors = two() * scale
    assert_is_two(name, learnt(vectors, 2), vectors, scale=scale)


def test_a_vector_at_1e9_is_told_from_clusters_far_narrower(name, learnt):
    """Their width is 1e-12. It gets a component of its own; they are found as if it were not there."""
    vectors = two() * 1e-12
    vectors[100] = 1e9
    parameters = learnt(vectors, 3)
    wild = int(parameters.means[:, 0].argmax())
    np.testing.assert_allclose(parameters.means[wild], 1e9, rtol=1e-6)
    rest = np.delete(np.arange(3), wild)
    kept = parameters._replace(
        weights=parameters.weights[rest] / parameters.weights[rest].sum(),
        means=parameters.means[rest],
        covariances=parameters.covariances if name == "tied" else parameters.covariances[rest],
    )
    assert_is_two(name, kept, np.delete(vectors, 100, axis=0), np.delete(WHICH, 100), scale=1e-12)


def struck(vectors: Array) -> Array:
    """With one vector at 1e9 among them."""
    found = vectors.copy()
    found[650] = 1e9
    return found


def test_a_vector_at_1e9_in_the_stream_costs_a_component_at_most(name):
    """But where all share a covariance: it widens that for all, and only forgetting mends it."""
    vectors, hyper = two() * 1e-12, learning(name, batch_size=100)
    state = stepwise_em.init(vectors[:600], 2, hyper)
    for part in np.split(struck(vectors)[600:], 6):
        state, info = stepwise_em.update(state, part, hyper)
        assert all_finite((state, info))
        assert hyper.covariance.factorise(state.parameters.covariances)[1].all()
    spared = np.abs(state.parameters.means).max(axis=1).argmin()
    assert name == "tied" or (np.abs(state.parameters.means[spared]) < 10e-12).all()


def test_a_vector_at_1e9_in_the_stream_costs_nothing_beside_a_background(name):
    vectors = two() * 1e-12
    beside = background.over(np.full(2, -1e-9), np.full(2, 1e-9))
    hyper = learning(name, batch_size=100, background=beside)
    state = stepwise_em.init(vectors[:600], 2, hyper)
    for part in np.split(struck(vectors)[600:], 6):
        state, _ = stepwise_em.update(state, part, hyper)
    assert_is_two(name, state.parameters, vectors, scale=1e-12)
