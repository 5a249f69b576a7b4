"""The oracles: what a step of stepwise EM must equal."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgmm.mixture import scoring, stepwise_em
from streamgmm.mixture.parameters import Parameters
from tests.mixture.oracles import scikit_learn_step
from tests.mixture.samples import (
    NAMES,
    all_finite,
    as_full,
    bits,
    learning,
    leaves,
    random_state,
)


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def cuts(total):
    return st.lists(st.integers(0, total), max_size=6).map(lambda inner: [0, *sorted(inner), total])


@pytest.mark.parametrize("offset", [0.0, 1e8])
@given(cut=cuts(1000))
@settings(max_examples=10)
def test_one_component_is_the_sample_mean_and_covariance_however_it_is_cut(offset, cut):
    vectors = np.random.default_rng(0).normal(size=(1000, 3)) @ np.array([[2.0, 1, 0], [0, 1, 1], [0, 0, 3]]) + offset
    plain = learning("full", exponent=1.0, delay=0.0, reg_relative=0.0)
    state = stepwise_em.init(vectors[:50], 1, plain)
    for start, end in pairwise(cut):
        state, _ = stepwise_em.update(state, vectors[start:end], plain)
    tolerance = 1e-12 if offset == 0 else 1e-7
    np.testing.assert_allclose(state.parameters.means[0], vectors.mean(axis=0), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(state.parameters.covariances[0], np.cov(vectors.T, bias=True), rtol=tolerance)
    assert state.time == pytest.approx(1000 / 512)


@pytest.mark.parametrize(("k", "d"), [(1, 1), (3, 2), (6, 9)])
def test_a_full_step_is_scikit_learns(name, k, d):
    generator = np.random.default_rng(k)
    state, vectors = random_state(name, k, d, generator), generator.normal(size=(2000, d)) * 3
    whole = learning(name, exponent=1.0, delay=0.0, reg_relative=0.0)
    learnt, _ = stepwise_em.update(state, vectors, whole)
    for ours, theirs in zip(learnt.parameters, scikit_learn_step(name, state.parameters, vectors), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@given(
    name=st.sampled_from(NAMES),
    shape=st.tuples(st.integers(1, 6), st.integers(1, 9)),
    seed=st.integers(0, 2**32 - 1),
    batches=st.lists(cuts(700), min_size=1, max_size=3),
    weighted=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_any_cutting_gives_the_same_bits(name, shape, seed, batches, weighted):
    generator = np.random.default_rng(seed)
    state, hyper = random_state(name, *shape, generator), learning(name)
    whole = pieces = state
    for cut in batches:
        vectors = generator.normal(size=(700, shape[1])) * 3
        weights = generator.uniform(0, 2, size=700).round(1) if weighted else None
        whole, info = stepwise_em.score(whole, vectors, weights, hyper)
        infos = []
        for start, end in pairwise(cut):
            piece = slice(start, end)
            pieces, part = stepwise_em.score(pieces, vectors[piece], None if weights is None else weights[piece], hyper)
            infos.append(part)
        assert bits(pieces) == bits(whole)
        assert bits(stepwise_em.Info(*map(np.concatenate, zip(*infos, strict=True)))) == bits(info)
        (whole, of_whole), (pieces, of_pieces) = stepwise_em.learn(whole, hyper), stepwise_em.learn(pieces, hyper)
        assert bits((whole, of_whole)) == bits((pieces, of_pieces))


def test_vectors_one_by_one_give_the_same_bits(name):
    state, hyper = random_state(name, 3, 4, np.random.default_rng(0)), learning(name)
    vectors = np.random.default_rng(1).normal(size=(530, 4))
    whole, info = stepwise_em.score(state, vectors, None, hyper)
    for n in range(len(vectors)):
        state, single = stepwise_em.score(state, vectors[n : n + 1], None, hyper)
        assert bits(single) == bits((info.responsibilities[n : n + 1], info.log_likelihood[n : n + 1]))
    assert bits(stepwise_em.learn(state, hyper)) == bits(stepwise_em.learn(whole, hyper))


def assert_close(one, other):
    for a, b in zip(leaves(one), leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_weight_zero_is_scored_and_otherwise_absent(name):
    generator = np.random.default_rng(0)
    state, vectors, hyper = random_state(name, 3, 4, generator), generator.normal(size=(300, 4)), learning(name)
    weights = generator.integers(0, 2, size=300).astype(float)
    vectors[weights == 0] *= 1e6
    weighted, info = stepwise_em.update(state, vectors, hyper, weights)
    absent, _ = stepwise_em.update(state, vectors[weights > 0], hyper)
    assert_close(weighted, absent)
    assert len(info.log_likelihood) == 300


def test_without_weight_nothing_is_learnt(name):
    state, hyper = random_state(name, 3, 4, np.random.default_rng(0)), learning(name)
    assert stepwise_em.learn(state, hyper) == (state, stepwise_em.StepInfo(0.0, 0.0, 0))
    scored, _ = stepwise_em.score(state, np.ones((2, 4)), np.zeros(2), hyper)
    learnt, info = stepwise_em.learn(scored, hyper)
    assert learnt is scored
    assert info.weight == 0


def test_no_vectors_change_nothing(name):
    state, hyper = random_state(name, 3, 4, np.random.default_rng(0)), learning(name)
    scored, info = stepwise_em.score(state, np.zeros((0, 4)), None, hyper)
    assert bits(scored) == bits(state)
    assert info.responsibilities.shape == (0, 3)


def test_time_counts_weight_and_steps_count_m_steps(name):
    state, hyper = random_state(name, 2, 3, np.random.default_rng(0)), learning(name, batch_size=100)
    for _ in range(3):
        state, _ = stepwise_em.update(state, np.random.default_rng(1).normal(size=(150, 3)), hyper)
    assert (state.time, state.steps) == (4.5, 3)


def test_every_array_of_every_value_is_read_only(name):
    vectors = np.random.default_rng(0).normal(size=(700, 3))
    hyper = learning(name)
    state = stepwise_em.init(vectors, 2, hyper)
    scored, info = stepwise_em.score(state, vectors, None, hyper)
    learnt, _ = stepwise_em.learn(scored, hyper)
    arrays = [leaf for leaf in leaves((state, scored, learnt, info)) if isinstance(leaf, np.ndarray)]
    assert not any(array.flags.writeable for array in arrays)


def test_the_callers_vectors_stay_theirs(name):
    vectors = np.random.default_rng(0).normal(size=(300, 3))
    hyper = learning(name)
    scored, _ = stepwise_em.score(random_state(name, 2, 3, np.random.default_rng(1)), vectors, None, hyper)
    before = bits(scored)
    assert vectors.flags.writeable
    vectors[:] = 0
    assert bits(scored) == before


WILD = {
    "a vector at 1e9": lambda g: np.vstack([g.normal(size=(400, 3)), np.full((1, 3), 1e9), g.normal(size=(400, 3))]),
    "identical vectors": lambda g: np.full((800, 3), 0.1),
    "a constant feature": lambda g: g.normal(size=(800, 3)) * [1, 0, 1] + [0, 7, 0],
    "collinear features": lambda g: g.normal(size=(800, 1)) * [1, 2, 3],
    "offset 1e8": lambda g: g.normal(size=(800, 3)) + 1e8,
    "clusters 1e8 apart": lambda g: g.normal(size=(800, 3)) + 1e8 * g.integers(0, 3, size=(800, 1)),
    "scale 1e-12": lambda g: g.normal(size=(800, 3)) * 1e-12,
    "scale 1e12": lambda g: g.normal(size=(800, 3)) * 1e12,
    "scale 1e-200": lambda g: g.normal(size=(800, 3)) * 1e-200,
    "scale 1e200": lambda g: g.normal(size=(800, 3)) * 1e200,
    "from nothing to 1e9": lambda g: np.vstack([np.zeros((400, 3)), g.normal(size=(400, 3)) * 1e9]),
}


@pytest.mark.parametrize("kind", WILD)
def test_wild_data_leave_a_finite_positive_definite_model(name, kind):
    vectors, hyper = WILD[kind](np.random.default_rng(0)), learning(name, batch_size=100)
    state = stepwise_em.init(vectors[:200], 4, hyper)
    for part in (*np.array_split(vectors, 8), np.zeros((50, 3)), vectors):
        state, info = stepwise_em.update(state, part, hyper)
        assert all_finite(state)
        assert all_finite(info)
        assert hyper.covariance.factorise(state.parameters.covariances)[1].all()


def test_clusters_far_apart_keep_their_shapes(name):
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(6000, 2)) + 1e8 * generator.integers(0, 3, size=(6000, 1))
    hyper = learning(name, batch_size=200)
    state = stepwise_em.init(vectors[:500], 3, hyper)
    for part in np.split(vectors, 30):
        state, _ = stepwise_em.update(state, part, hyper)
    spread = as_full(name, state.parameters.covariances, 3, 2)
    np.testing.assert_allclose(spread, np.broadcast_to(np.eye(2), (3, 2, 2)), atol=0.15)


@given(
    name=st.sampled_from(NAMES),
    values=st.lists(st.tuples(*[st.floats(-1e308, 1e308)] * 2), min_size=3, max_size=30),
    weights=st.data(),
)
@settings(max_examples=100, deadline=None)
def test_any_finite_numbers_leave_a_finite_model(name, values, weights):
    count = len(values)
    drawn = weights.draw(
        st.lists(st.floats(0, 1e308), min_size=count, max_size=count).filter(lambda w: sum(x > 0 for x in w) >= 3)
    )
    hyper = learning(name, batch_size=10)
    state = stepwise_em.init(values, 3, hyper, weights=drawn)
    for _ in range(3):
        state, info = stepwise_em.update(state, values, hyper, drawn)
        assert all_finite((state, info))


def test_one_pass_recovers_a_known_mixture(name):
    generator = np.random.default_rng(5)
    spread = {
        "full": [[[1.0, 0.6], [0.6, 1]], [[0.5, 0], [0, 2]], [[1, -0.5], [-0.5, 0.6]]],
        "tied": [[[1.0, 0.6], [0.6, 1]]] * 3,
        "diag": [np.diag([1.0, 0.3]), np.diag([0.4, 2]), np.diag([1, 1.0])],
        "spherical": [np.eye(2), 0.5 * np.eye(2), 2 * np.eye(2)],
    }[name]
    weights, means = np.array([0.5, 0.3, 0.2]), np.array([[0.0, 0], [4, 1], [-2, 4]])
    which = generator.choice(3, size=50_000, p=weights)
    vectors = means[which] + np.einsum(
        "nij,nj->ni", np.linalg.cholesky(spread)[which], generator.normal(size=(50_000, 2))
    )
    truth = as_truth(weights, means, np.array(spread))
    hyper = learning(name)
    state = stepwise_em.init(vectors[:1000], 3, hyper)
    for part in np.array_split(vectors, 98):
        state, _ = stepwise_em.update(state, part, hyper)
    learnt = scoring.log_likelihood(state.parameters, vectors, hyper.covariance).mean()
    best = scoring.log_likelihood(truth, vectors, learning("full").covariance).mean()
    assert learnt > best - 0.004


def as_truth(weights, means, spread):
    return Parameters(weights, means, spread, learning("full").covariance.factorise(spread)[0])


def test_an_update_tells_of_its_m_step(name):
    hyper, generator = learning(name), np.random.default_rng(0)
    state = stepwise_em.init(generator.normal(size=(100, 3)), 2, hyper)
    vectors = np.r_[generator.normal(size=(400, 3)), np.full((400, 3), 5.0)]
    scored, info = stepwise_em.score(state, vectors, None, hyper)
    learnt, step = stepwise_em.learn(scored, hyper)
    assert bits(stepwise_em.update(state, vectors, hyper)) == bits((learnt, stepwise_em.UpdateInfo(*info, step)))
