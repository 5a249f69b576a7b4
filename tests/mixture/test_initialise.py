import warnings

import numpy as np
import pytest

from streamgmm.mixture import stepwise_em
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
