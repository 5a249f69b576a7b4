"""Passes over data that are all there: what they say, and what the weights' scale has to do with it."""

import numpy as np
import pytest

from streamgmm.mixture import averaging, effective_size, passes, scoring, stepwise_em
from streamgmm.mixture.arrays import frozen
from streamgmm.mixture.block import Rows
from streamgmm.mixture.passes import Passes
from tests.mixture.samples import bits, learning

CENTRES = np.array([[0.0, 0], [9, 2], [0, 9]])


def data(count, weight=1.0):
    generator = np.random.default_rng(0)
    vectors = CENTRES[generator.integers(0, 3, count)] + generator.normal(size=(count, 2))
    return Rows(frozen(vectors), frozen(np.full(count, weight)))


def fitted(rows, hyper, n_components=3, at_most=8):
    state = stepwise_em.init(rows.vectors, n_components, hyper, weights=rows.weights)
    return passes.fit(state, rows, hyper, Passes(at_most, 1e-3), np.random.default_rng(0))


@pytest.mark.parametrize("count", [300, 3000])
@pytest.mark.parametrize("scale", [2.0**-15, 2.0**13])
def test_the_scale_of_the_weights_changes_no_bit(count, scale):
    rows, hyper = data(count), learning("full", averaging=True)
    rows = rows._replace(weights=frozen(np.random.default_rng(1).integers(1, 4, count).astype(float)))
    other = rows._replace(weights=frozen(rows.weights * scale))
    one, two = fitted(rows, hyper), fitted(other, hyper)
    assert bits(two.state) == bits(one.state)
    assert bits(two.averaged) == bits(one.averaged)


@pytest.mark.parametrize("weight", [1e-30, 1 / 20_000, 1000.0])
def test_a_common_weight_of_any_size_is_none(weight):
    hyper = learning("full", averaging=True)
    one, two = fitted(data(2000), hyper), fitted(data(2000, weight), hyper)
    assert two.state.steps == one.state.steps
    np.testing.assert_allclose(two.averaged.parameters.means, one.averaged.parameters.means, atol=0.02)
    assert two.state.time == pytest.approx(one.state.time)


@pytest.mark.parametrize("count", [46, 2000])
def test_rows_that_pass_again_and_again_say_no_more_than_they_are(count):
    rows = data(count)._replace(weights=frozen(np.random.default_rng(2).random(count) + 0.01))
    found = fitted(rows, learning("full", averaging=True))
    size = effective_size.of_each(rows.weights)
    assert found.state.effective_sample_size <= size
    assert found.averaged.effective_sample_size <= size
    assert found.state.effective_sample_size == pytest.approx(size, rel=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_a_component_of_few_rows_borrows_in_passes_too(seed):
    generator = np.random.default_rng(seed)

    def draw(many, few):
        return np.vstack([generator.normal(size=(many, 8)), generator.normal(size=(few, 8)) + 20])

    rows, hyper = Rows(frozen(draw(40, 6)), frozen(np.ones(46))), learning("full", averaging=True)
    found = fitted(rows, hyper, n_components=2)
    held_out = draw(4000, 600)
    for state in (found.state, found.averaged):
        assert np.linalg.eigvalsh(state.parameters.covariances).min() > 0.05
        assert scoring.log_likelihood(state.parameters, held_out, hyper.covariance).mean() > -20


def test_a_model_that_goes_on_keeps_what_it_has_learnt_before():
    hyper = learning("full")
    before = fitted(data(3000), hyper).state
    after = passes.fit(before, data(50), hyper, Passes(1, 0.0), np.random.default_rng(0)).state
    assert 50 < after.effective_sample_size <= before.effective_sample_size


def test_rows_that_weigh_nothing_beside_another_stop_nothing():
    rows = data(2000)
    weights = rows.weights.copy()
    weights[7] = 1e20
    found = fitted(rows._replace(weights=frozen(weights)), learning("full", averaging=True))
    assert np.isfinite(found.averaged.parameters.means).all()


@pytest.mark.parametrize("weight", [1e-2, 1.0, 100.0, 1e6])
@pytest.mark.parametrize("n_components", [1, 3])
def test_an_average_is_worth_the_same_whatever_unit_the_weights_have(weight, n_components):
    hyper, rows = learning("full", averaging=True, exponent=1.0, delay=0.0), data(2000)
    state = stepwise_em.init(rows.vectors[:250], n_components, hyper)
    for part in np.split(rows.vectors, 8):
        state, _ = stepwise_em.update(state, part, hyper, np.full(len(part), weight))
    assert state.effective_sample_size == pytest.approx(2000)
    assert averaging.averaged_size(state, hyper) == pytest.approx(2000, rel=0.2)


def test_an_average_under_weights_borrows_for_a_component_of_few_vectors():
    generator = np.random.default_rng(0)
    hyper = learning("full", averaging=True)

    def draw(many, few):
        return np.vstack([generator.normal(size=(many, 8)), generator.normal(size=(few, 8)) + 20])

    vectors, held_out = draw(400, 6), draw(4000, 60)
    state = stepwise_em.init(vectors, 2, hyper)
    for part in np.array_split(generator.permutation(vectors), 8):
        state, _ = stepwise_em.update(state, part, hyper, np.full(len(part), 100.0))
    settled = averaging.settled(state, hyper)
    assert settled.effective_sample_size < 600
    assert scoring.log_likelihood(settled.parameters, held_out, hyper.covariance).mean() > -13
