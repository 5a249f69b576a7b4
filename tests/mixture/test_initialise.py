import warnings

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from streamgmm.mixture import stepwise_em
from streamgmm.mixture.block import Rows
from streamgmm.mixture.initialise import Start
from streamgmm.mixture.start import k_means
from tests.mixture.samples import NAMES, all_finite, bits, learning


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def clusters(generator, n=600):
    centres = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8000.0]])
    which = generator.integers(3, size=n)
    return centres[which] + generator.normal(size=(n, 2)) * [1.0, 1000.0], which


@pytest.mark.parametrize("name", ["full", "tied", "diag"])  # a sphere cannot be narrow in one unit and wide in another
def test_finds_clusters_whatever_the_units(name):
    vectors, _ = clusters(np.random.default_rng(0))
    state = stepwise_em.init(vectors, 3, learning(name))
    means = state.parameters.means[np.lexsort((state.parameters.means[:, 0] > 4, state.parameters.means[:, 1] > 4000))]
    np.testing.assert_allclose(means / [1, 1000], [[0, 0], [8, 0], [0, 8]], atol=0.4)


def test_the_same_seed_gives_the_same_bits(name):
    vectors, _ = clusters(np.random.default_rng(1))
    assert bits(stepwise_em.init(vectors, 3, learning(name), random_state=7)) == bits(
        stepwise_em.init(vectors, 3, learning(name), random_state=7)
    )


def test_starts_at_time_zero_with_nothing_pending(name):
    state = stepwise_em.init(clusters(np.random.default_rng(2))[0], 3, learning(name))
    assert (state.time, state.steps, state.repairs, len(state.pending.rows)) == (0, 0, 0, 0)
    assert state.statistics.mass.sum() == pytest.approx(1)
    np.testing.assert_allclose(state.statistics.mass, state.parameters.weights, rtol=1e-12)


def test_rows_of_weight_zero_are_as_if_absent(name):
    vectors, _ = clusters(np.random.default_rng(3))
    weights = np.ones(len(vectors))
    weights[::3] = 0.0
    vectors[::3] = 1e9
    one = stepwise_em.init(vectors, 3, learning(name), weights=weights)
    assert bits(one) == bits(stepwise_em.init(vectors[weights > 0], 3, learning(name)))


@pytest.mark.parametrize(
    "vectors",
    [
        np.full((20, 3), 5.0),
        np.full((20, 3), 0.1),
        np.zeros((20, 3)),
        np.repeat(np.arange(6.0).reshape(2, 3), 10, axis=0),
        np.column_stack([np.arange(20.0), np.full(20, 1e8), np.arange(20.0)]),
        np.vstack([np.random.default_rng(0).normal(size=(19, 3)) * 1e-12, np.full((1, 3), 1e9)]),
        np.vstack([np.random.default_rng(0).normal(size=(19, 3)), np.full((1, 3), 1e300)]),
        np.random.default_rng(0).normal(size=(20, 3)) * 1e-12,
        np.random.default_rng(0).normal(size=(20, 3)) + 1e8,
        np.random.default_rng(0).normal(size=(4, 3)),
    ],
    ids=["identical", "inexact", "zero", "two points", "constant", "wild", "overflow", "small", "offset", "few"],
)
def test_degenerate_buffers_give_a_finite_model(name, vectors):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        state = stepwise_em.init(vectors, 4, learning(name))
        state, info = stepwise_em.update(state, vectors, learning(name))
    assert all_finite(state)
    assert all_finite(info)
    assert learning(name).covariance.factorise(state.parameters.covariances)[1].all()


@pytest.mark.parametrize(
    ("k", "bound"),
    [(0, "must be an integer of at least 1"), (True, "n_components is True"), (5, "number of vectors, 4")],
)
def test_too_many_components_are_refused(k, bound):
    with pytest.raises(ValueError, match=bound):
        stepwise_em.init(np.eye(4), k, learning("full"))


def strips(generator, n=800):
    """Three thin clusters side by side, which k-means cuts across."""
    which = generator.integers(3, size=n)
    vectors = generator.normal(size=(n, 2)) * [2.0, 0.2] + 2.5 * which[:, None] * [0.0, 1.0]
    return vectors @ (np.array([[1.0, 1.0], [-1.0, 1.0]]) / np.sqrt(2)), which


def test_clusters_that_distance_cannot_tell_apart_are_found_by_the_shape_they_share():
    found = 0
    for seed in range(8):
        vectors, which = strips(np.random.default_rng(seed))
        state = stepwise_em.init(vectors, 3, learning("full"), random_state=seed, start=Start(k_means))
        labels = stepwise_em.score(state, vectors, None, learning("full"))[1].responsibilities.argmax(axis=1)
        found += adjusted_rand_score(which, labels) > 0.95
    assert found >= 4  # one, where each component has its own covariance from the first step on


@pytest.mark.parametrize(("n_runs", "share"), [(1, 0.9), (8, 1.0)])
def test_k_means_finds_clusters_in_nearly_every_run_and_in_the_tightest_of_eight(n_runs, share):
    tightest = []
    for seed in range(20):
        generator = np.random.default_rng(seed)
        centres = generator.normal(0, 3, (30, 8))
        vectors = centres[np.arange(600) % 30] + generator.normal(size=(600, 8))
        labels = k_means(Rows(vectors, np.ones(600)), 30, generator, n_runs=n_runs).argmax(axis=1)
        tightest.append(adjusted_rand_score(np.arange(600) % 30, labels) > 0.9)
    assert np.mean(tightest) >= share  # .7 from the seeds alone


def test_large_values_that_are_lost_oftener_do_not_hide_their_cluster():
    generator = np.random.default_rng(0)
    which = generator.choice(3, 3000, p=[0.4, 0.3, 0.3])
    vectors = generator.normal(size=(3000, 3)) + 5.0 * which[:, None]
    lost = generator.random((3000, 3)) < np.array([0.0, 0.3, 0.9])[which, None]
    lost[:, 0] = False
    state = stepwise_em.init(np.where(lost, np.nan, vectors), 3, learning("full"))
    means = state.parameters.means[state.parameters.means[:, 0].argsort()]
    np.testing.assert_allclose(means, 5.0 * np.arange(3)[:, None] * np.ones(3), atol=0.5)
