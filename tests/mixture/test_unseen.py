"""A feature that all vectors lack at first, and that comes later."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from streamgmm import StreamingGaussianMixture
from streamgmm.drift import wasserstein
from streamgmm.mixture import averaging, sampling, stepwise_em, unseen
from streamgmm.mixture.block import UNSEEN
from streamgmm.service import plain
from tests.mixture.samples import all_finite, bits, learning

CENTRES = np.array([[0.0, 0], [9, 2], [0, 9]])
APART = ("full", "tied", "diag")  # spherical has no variance of its own for a feature


@pytest.fixture(params=APART)
def name(request):
    return request.param


def draw(count, generator, share=1.0, offset=3.0, by_label=0.0):
    labels = generator.integers(0, 3, count)
    third = offset + by_label * labels + generator.normal(size=count)
    third[generator.random(count) >= share] = np.nan
    return labels, np.c_[CENTRES[labels] + generator.normal(size=(count, 2)), third]


def started(name, known=(), **settings):
    """A model of vectors that lack the third feature, all but the first few."""
    generator = np.random.default_rng(0)
    _, vectors = draw(1000, generator, share=0.0)
    vectors[: len(known), 2] = known
    hyper = learning(name, **settings)
    return stepwise_em.init(vectors, 3, hyper), hyper, generator


@pytest.mark.parametrize(
    ("known", "later"),
    [
        ((), {}),
        ((3.0,), {}),
        ((), {"share": 0.2}),
        ((), {"offset": 1000.0}),
        ((), {"by_label": 5.0}),
        ((), {"offset": 1e6, "share": 0.5}),
    ],
)
def test_the_mixture_survives_its_coming(name, known, later):
    state, hyper, generator = started(name, known)
    for _ in range(60):
        state, _ = stepwise_em.update(state, draw(512, generator, **later)[1], hyper)
    labels, vectors = draw(3000, generator, **later | {"share": 1.0})
    found = stepwise_em.score(state, vectors, None, hyper)[1].responsibilities.argmax(axis=1)
    assert adjusted_rand_score(labels, found) > 0.99
    assert all_finite(state)
    assert state.parameters.covariances.max() < UNSEEN


def test_it_is_narrow_soon_where_complete_vectors_bring_it(name):
    state, hyper, generator = started(name)
    vectors = draw(512, generator, offset=1e6)[1]
    state, _ = stepwise_em.update(state, vectors, hyper)
    variances = hyper.covariance.variances(state.parameters.covariances, (3, 3))[:, 2]
    np.testing.assert_allclose(variances, vectors[:, 2].var(), rtol=1e-3)
    np.testing.assert_allclose(state.parameters.means[:, 2], vectors[:, 2].mean(), rtol=1e-9)


def test_as_long_as_nothing_is_known_no_value_speaks_for_a_component(name):
    state, hyper, generator = started(name)
    for _ in range(3):
        state, _ = stepwise_em.update(state, draw(512, generator, share=0.0)[1], hyper)
    np.testing.assert_array_equal(unseen.flags(state.parameters, hyper.covariance), [False, False, True])
    np.testing.assert_array_equal(state.statistics.mean[:, 2], 0)
    vectors = draw(100, generator)[1]
    without = vectors.copy()
    without[:, 2] = np.nan
    for value in (0.0, -7.0, 1e9, 1e60):
        vectors[:, 2] = value
        one = stepwise_em.score(state, vectors, None, hyper)[1].responsibilities
        other = stepwise_em.score(state, without, None, hyper)[1].responsibilities
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_the_same_bits_however_the_stream_is_cut_and_after_a_restore(name):
    state, hyper, generator = started(name, averaging=True)
    vectors = draw(2048, generator, share=0.3)[1]
    vectors[:600, 2] = np.nan
    whole = cut = state
    for batch in np.split(vectors, 4):
        whole, _ = stepwise_em.update(whole, batch, hyper)
        for part in np.split(batch, [1, 77, 300, 511]):
            cut, _ = stepwise_em.score(cut, part, None, hyper)
            cut = plain.from_plain(stepwise_em.State, plain.to_plain(cut))
        cut, _ = stepwise_em.learn(cut, hyper)
    assert bits(cut) == bits(whole)


def test_the_average_begins_anew(name):
    state, hyper, generator = started(name, averaging=True)
    for share in (0.0, 0.0, 0.0, 1.0):
        state, _ = stepwise_em.update(state, draw(512, generator, share=share)[1], hyper)
    assert state.average.recent_time == 1.0
    assert averaging.averaged(state, hyper).covariances.max() < UNSEEN


def test_it_is_drawn_at_its_mean(name):
    state, hyper, generator = started(name)
    drawn, _ = sampling.sample(state.parameters, 100, hyper.covariance, generator)
    np.testing.assert_array_equal(drawn[:, 2], 0)
    assert np.abs(drawn).max() < 20


def test_a_feature_that_is_constant_is_known(name):
    generator = np.random.default_rng(0)
    vectors = np.c_[draw(1000, generator)[1][:, :2], np.zeros(1000)]
    state = stepwise_em.init(vectors, 3, learning(name))
    assert not unseen.any_in(state.parameters, learning(name).covariance)


def test_the_estimator_learns_it_in_passes_and_in_a_stream(name):
    generator = np.random.default_rng(0)
    model = StreamingGaussianMixture(3, covariance_type=name, random_state=0).fit(draw(2000, generator, share=0.0)[1])
    assert model.sample(5)[0].shape == (5, 3)
    model.partial_fit(draw(2000, generator)[1]).partial_fit(draw(20_000, generator)[1])
    labels, vectors = draw(3000, generator)
    assert adjusted_rand_score(labels, model.predict(vectors)) > 0.99
    assert model.score(vectors) > -5.45


@pytest.mark.parametrize("name", ["full", "diag"])
def test_a_place_without_mass_does_not_keep_a_feature_that_came_unknown(name):
    """As a merge leaves one: its covariance stays what it was."""
    state, hyper, generator = started(name)
    mass = state.statistics.mass.copy()
    mass[0], mass[1] = mass[0] + mass[1], 0.0
    weights = mass.copy()
    weights[1] = 1e-300
    state = state._replace(
        statistics=state.statistics._replace(mass=mass), parameters=state.parameters._replace(weights=weights)
    )
    for _ in range(60):
        state, _ = stepwise_em.update(state, draw(512, generator, by_label=5.0)[1], hyper)
    assert not unseen.any_in(state.parameters, hyper.covariance)
    assert np.allclose(sorted(state.parameters.means[[0, 2], 2]), [5.5, 13.0], atol=1.0)  # two labels in one, and one


def test_what_is_unknown_lies_in_no_distance(name):
    state, hyper, generator = started(name)
    moved = state.parameters._replace(means=state.parameters.means + np.array([3.0, 4.0, 0.0]))
    lacking = wasserstein.distances(state.parameters, moved, hyper.covariance)
    assert np.allclose(np.diag(lacking), 5.0)
    for _ in range(20):
        state, _ = stepwise_em.update(state, draw(512, generator)[1], hyper)
    after = wasserstein.distances(moved, state.parameters, hyper.covariance)
    assert (after < 50).all()
