from itertools import pairwise

import numpy as np
import pytest

from streamgmm.mixture import background, scoring, stepwise_em
from tests.mixture.samples import NAMES, all_finite, bits, learning, random_parameters, random_state


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def beside(name, **settings):
    return learning(name, background=background.over([-50.0] * 3, [50.0] * 3), **settings)


def begun(name):
    hyper = beside(name)
    known = random_state(name, 3, 3, np.random.default_rng(0))
    return stepwise_em.begin(known.statistics, known.parameters, hyper), hyper


def test_the_e_step_is_that_of_the_two_together(name):
    state, hyper = begun(name)
    vectors = np.random.default_rng(1).normal(size=(50, 3)) * 5
    vectors[0], vectors[1] = 1e9, [np.nan, 1.0, np.nan]
    known = 3 - np.isnan(vectors).sum(axis=1)
    own = scoring.log_likelihood(state.parameters, vectors, hyper.covariance)
    _, info = stepwise_em.score(state, vectors, None, hyper)
    truth = np.logaddexp(np.log(0.99) + own, np.log(0.01) - known * np.log(100))
    np.testing.assert_allclose(info.log_likelihood, truth, rtol=1e-10)
    np.testing.assert_allclose(info.responsibilities.sum(axis=1), 0.99 * np.exp(own - truth), rtol=1e-9, atol=1e-12)


def test_its_weight_is_learnt_and_wild_vectors_leave_the_components_alone(name):
    generator = np.random.default_rng(2)
    wild = generator.uniform(size=20_000) < 0.1
    vectors = np.where(wild[:, None], generator.uniform(-50, 50, size=(20_000, 3)), generator.normal(size=(20_000, 3)))
    vectors[77] = 1e9
    hyper = beside(name, batch_size=500)
    state = stepwise_em.init(generator.normal(size=(100, 3)), 1, hyper)
    for part in np.split(vectors, 40):
        state, _ = stepwise_em.update(state, part, hyper)
        assert state.background + state.statistics.mass.sum() == pytest.approx(1)
    assert state.background == pytest.approx(0.1, abs=0.02)
    assert state.time == pytest.approx(40)
    np.testing.assert_allclose(state.parameters.means, 0, atol=0.1)
    np.testing.assert_allclose(state.parameters.covariances.ravel()[0], 1, atol=0.15)


def test_any_cutting_gives_the_same_bits(name):
    whole, hyper = begun(name)
    pieces, vectors = whole, np.random.default_rng(3).normal(size=(700, 3)) * 20
    vectors[::9, 1] = np.nan
    whole, _ = stepwise_em.score(whole, vectors, None, hyper)
    for start, end in pairwise([0, 1, 99, 400, 400, 699, 700]):
        pieces, _ = stepwise_em.score(pieces, vectors[start:end], None, hyper)
    assert bits(pieces) == bits(whole)
    assert bits(stepwise_em.learn(pieces, hyper)) == bits(stepwise_em.learn(whole, hyper))


def test_a_stream_of_nothing_but_wild_vectors_leaves_the_model(name):
    state, hyper = begun(name)
    for _ in range(20):
        state, _ = stepwise_em.update(state, np.full((512, 3), 1e9), hyper)
        assert all_finite(state)
    np.testing.assert_allclose(state.parameters.means, begun(name)[0].parameters.means, rtol=1e-6)
    assert 0.9 < state.background <= 1


def test_off_by_default(name):
    parameters = random_parameters(name, 2, 3, np.random.default_rng(0))
    state = stepwise_em.init(np.random.default_rng(1).normal(size=(50, 3)), 2, learning(name))
    assert (state.background, len(parameters.weights)) == (0.0, 2)


def test_a_box_without_room_is_refused():
    with pytest.raises(ValueError, match="low must lie below high"):
        background.over([0.0, 1.0], [1.0, 1.0])


@pytest.mark.parametrize("features", [1, 2, 5000])
def test_one_of_another_number_of_features_is_refused(name, features):
    known = random_state(name, 3, 3, np.random.default_rng(0))
    hyper = learning(name, background=background.over([-20.0] * features, [20.0] * features))
    message = f"background has {features} features, but vectors have 3"
    with pytest.raises(ValueError, match=message):
        stepwise_em.begin(known.statistics, known.parameters, hyper)
    with pytest.raises(ValueError, match=message):
        stepwise_em.score(known, np.zeros((5, 3)), None, hyper)
