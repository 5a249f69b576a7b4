"""Missing features, held against marginals and an exact EM step written as a book has them."""

from collections import deque
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from streamgmm.mixture import patterns, prepared, scoring, stepwise_em, threads
from tests.mixture.oracles import em_step, log_joint
from tests.mixture.samples import NAMES, all_finite, bits, learning, random_state


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def with_gaps(generator, n, d, share=0.3):
    vectors = generator.normal(size=(n, d)) * 3
    vectors[generator.uniform(size=(n, d)) < share] = np.nan
    return vectors


@pytest.mark.parametrize(("k", "d"), [(1, 1), (3, 2), (4, 5), (2, 9)])
def test_scores_are_marginal(name, k, d):
    generator = np.random.default_rng(k + d)
    state, vectors = random_state(name, k, d, generator), with_gaps(generator, 60, d)
    _, info = stepwise_em.score(state, vectors, None, learning(name))
    joint = log_joint(name, state.parameters, vectors)
    np.testing.assert_allclose(info.log_likelihood, logsumexp(joint, axis=1), rtol=1e-10, atol=1e-10)
    truth = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    np.testing.assert_allclose(info.responsibilities, truth, rtol=1e-8, atol=1e-12)
    alone = scoring.log_likelihood(state.parameters, vectors, learning(name).covariance)
    np.testing.assert_allclose(alone, info.log_likelihood, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("k", "d"), [(1, 2), (3, 4), (2, 7)])
def test_a_full_step_is_exact_em(name, k, d, weighted):
    generator = np.random.default_rng(k + d)
    state, vectors = random_state(name, k, d, generator), with_gaps(generator, 400, d)
    weights = generator.uniform(0, 3, size=400).round() if weighted else np.ones(400)
    whole = learning(name, exponent=1.0, delay=0.0, reg_relative=0.0)
    learnt, _ = stepwise_em.update(state, vectors, whole, weights)
    for ours, theirs in zip(learnt.parameters, em_step(name, state.parameters, vectors, weights), strict=False):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9)
    assert learnt.time == pytest.approx(weights.sum() / 512)


@given(
    name=st.sampled_from(NAMES),
    seed=st.integers(0, 2**32 - 1),
    share=st.sampled_from([0.001, 0.1, 0.7, 1.0]),
    cut=st.lists(st.integers(0, 700), max_size=6).map(lambda inner: [0, *sorted(inner), 700]),
)
@settings(max_examples=40, deadline=None)
def test_any_cutting_gives_the_same_bits(name, seed, share, cut):
    generator = np.random.default_rng(seed)
    state, hyper = random_state(name, 3, 4, generator), learning(name)
    vectors, weights = with_gaps(generator, 700, 4, share), generator.uniform(0, 2, size=700).round(1)
    whole, info = stepwise_em.score(state, vectors, weights, hyper)
    infos, pieces = [], state
    for start, end in pairwise(cut):
        pieces, part = stepwise_em.score(pieces, vectors[start:end], weights[start:end], hyper)
        infos.append(part)
    assert bits(pieces) == bits(whole)
    assert bits(stepwise_em.Info(*map(np.concatenate, zip(*infos, strict=True)))) == bits(info)
    assert bits(stepwise_em.learn(pieces, hyper)) == bits(stepwise_em.learn(whole, hyper))


@pytest.fixture
def all_threads_afterwards():
    yield
    threads.use(None)


@pytest.mark.usefixtures("all_threads_afterwards")
@pytest.mark.parametrize(("k", "d"), [(10, 8), (7, 17)])
def test_neither_threads_nor_waves_nor_cuts_change_a_bit(name, k, d):
    generator, n = np.random.default_rng(0), 7_000  # some waves of rows, and work for several threads
    state, hyper = random_state(name, k, d, generator), learning(name)
    vectors, weights = with_gaps(generator, n, d), generator.uniform(0, 2, size=n).round(1)
    answers = []
    for count, cut in ((1, [0, n]), (2, [0, n]), (4, [0, n]), (3, [0, 1, 30, 3_300, 6_999, n])):
        threads.use(count)
        scored, infos = state, []
        for start, end in pairwise(cut):
            scored, info = stepwise_em.score(scored, vectors[start:end], weights[start:end], hyper)
            infos.append(info)
        answers.append(bits((scored, stepwise_em.Info(*map(np.concatenate, zip(*infos, strict=True))))))
    assert answers[0] == answers[1] == answers[2] == answers[3]


def test_complete_rows_have_the_bits_they_have_without_the_others(name):
    generator = np.random.default_rng(0)
    state, vectors = random_state(name, 3, 4, generator), generator.normal(size=(600, 4))
    mixed = np.insert(vectors, [0, 100, 100, 599], with_gaps(generator, 4, 4, 1.0), axis=0)
    _, info = stepwise_em.score(state, vectors, None, learning(name))
    _, other = stepwise_em.score(state, mixed, None, learning(name))
    known = ~np.isnan(mixed).any(axis=1)
    assert bits((other.responsibilities[known], other.log_likelihood[known])) == bits(info)


def test_a_row_without_any_feature_says_nothing_of_them(name):
    state = random_state(name, 3, 4, np.random.default_rng(0))
    scored, info = stepwise_em.score(state, np.full((2, 4), np.nan), None, learning(name))
    np.testing.assert_allclose(info.responsibilities, np.stack([state.parameters.weights] * 2), rtol=1e-12)
    np.testing.assert_allclose(info.log_likelihood, 0, atol=1e-12)
    learnt, _ = stepwise_em.learn(scored, learning(name, reg_relative=0.0))
    for a, b in zip(learnt.parameters, state.parameters, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_more_patterns_than_the_table_holds():
    generator = np.random.default_rng(0)
    state, vectors = random_state("full", 2, 12, generator), with_gaps(generator, 1500, 12, 0.5)
    _, info = stepwise_em.score(state, vectors, None, learning("full"))
    truth = logsumexp(log_joint("full", state.parameters, vectors), axis=1)
    np.testing.assert_allclose(info.log_likelihood, truth, rtol=1e-10)


@pytest.mark.parametrize("kept", [1, 5])
def test_blocks_of_more_patterns_than_the_table_holds(name, kept, monkeypatch):
    generator = np.random.default_rng(0)
    state, vectors = random_state(name, 3, 6, generator), with_gaps(generator, 600, 6, 0.5)
    hyper, whole = learning(name), learning(name, exponent=1.0, delay=0.0, reg_relative=0.0)
    _, roomy = stepwise_em.score(state, vectors, None, hyper)
    monkeypatch.setattr(prepared, "_kept", deque(maxlen=3))
    monkeypatch.setattr(patterns, "_MOST_NUMBERS", 2 * kept * int(np.prod(hyper.covariance.kernel.shape(3, 8))))
    scored, info = stepwise_em.score(state, vectors, None, hyper)
    assert bits(info) == bits(roomy)
    pieces = state
    for part in np.array_split(vectors, 7):
        pieces, _ = stepwise_em.score(pieces, part, None, hyper)
    assert bits(pieces) == bits(scored)
    learnt, _ = stepwise_em.learn(scored, whole)
    for ours, theirs in zip(learnt.parameters, em_step(name, state.parameters, vectors, np.ones(600)), strict=False):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9)


def test_patterns_are_made_once_for_a_model_however_many_calls_there_are(name, monkeypatch):
    monkeypatch.setattr(prepared, "_kept", deque(maxlen=3))
    generator, hyper = np.random.default_rng(0), learning(name)
    state, vectors = random_state(name, 3, 5, generator), with_gaps(generator, 90, 5, 0.5)

    def called(state, of_model):
        for part in np.array_split(vectors, 30):
            state, _ = stepwise_em.score(state, part, None, hyper)
        kept = next(one for one in prepared._kept if np.array_equal(one.source.means, of_model.parameters.means))
        (table,) = kept.tables
        return state, table

    scored, table = called(state, state)
    made = table.constants.copy()
    incomplete = np.isnan(vectors[np.isnan(vectors).any(axis=1)])
    assert (table.used != 0).sum() == len(np.unique(incomplete, axis=0))
    table.constants[:] += 1.0  # a pattern made again would undo this
    _, again = called(state, state)
    assert again is table
    np.testing.assert_array_equal(table.constants[table.used != 0], made[table.used != 0] + 1)
    learnt, _ = stepwise_em.learn(scored, hyper)
    assert called(learnt, learnt)[1] is not table


WILD = {
    "a value at 1e9": lambda g: np.where(g.uniform(size=(400, 3)) < 0.01, 1e9, with_gaps(g, 400, 3)),
    "values beyond all bounds": lambda g: with_gaps(g, 400, 3) * 1e300,
    "a constant feature": lambda g: with_gaps(g, 400, 3) * [1, 0, 1] + [0, 7, 0],
    "collinear features": lambda g: with_gaps(g, 400, 3) * 0 + g.normal(size=(400, 1)) * [1, 2, 3],
    "offset 1e8": lambda g: with_gaps(g, 400, 3) + 1e8,
    "scale 1e-200": lambda g: with_gaps(g, 400, 3) * 1e-200,
    "a feature that is never known": lambda g: np.where([True, True, False], with_gaps(g, 400, 3), np.nan),
}


@pytest.mark.parametrize("kind", WILD)
def test_wild_data_leave_a_finite_positive_definite_model(name, kind):
    vectors, hyper = WILD[kind](np.random.default_rng(0)), learning(name, batch_size=100)
    state = stepwise_em.init(vectors[:200], 3, hyper)
    for part in np.array_split(vectors, 4):
        state, info = stepwise_em.update(state, part, hyper)
        assert all_finite((state, info))
        assert hyper.covariance.factorise(state.parameters.covariances)[1].all()


def test_variances_do_not_collapse_and_correlation_is_found():
    generator = np.random.default_rng(1)
    spread = np.array([[1.0, 0.8], [0.8, 2.0]])
    vectors = generator.multivariate_normal([3.0, -1e6], spread, size=20_000)
    vectors[generator.uniform(size=(20_000, 2)) < 0.4] = np.nan
    hyper = learning("full")
    state = stepwise_em.init(vectors[:1000], 1, hyper)
    for part in np.array_split(vectors, 40):
        state, _ = stepwise_em.update(state, part, hyper)
    np.testing.assert_allclose(state.parameters.means[0], [3.0, -1e6], atol=0.1)
    np.testing.assert_allclose(state.parameters.covariances[0], spread, atol=0.15)
