import numpy as np
import pytest

from streamgmm.mixture import gaussian, scoring, stepwise_em, threads
from tests.mixture.samples import NAMES, all_finite, as_full, bits, learning, random_state


@pytest.mark.parametrize("name", NAMES)
def test_a_row_has_the_same_bits_in_every_place(name):
    state, settings = random_state(name, 3, 5, np.random.default_rng(0)), learning(name)
    vector = np.random.default_rng(1).normal(size=5)
    stream = np.random.default_rng(2).normal(size=(600, 5)) * 3
    _, alone = stepwise_em.score(state, vector[None], None, settings)
    for place in (0, 1, 7, 200, 255, 256, 257, 511, 599):
        stream[place] = vector
        _, info = stepwise_em.score(state, stream, None, settings)
        assert bits((info.responsibilities[place], info.log_likelihood[place])) == bits(
            (alone.responsibilities[0], alone.log_likelihood[0])
        )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("far", [1e9, 1e30, 1e150, 1e308])
def test_a_vector_beyond_every_density_has_a_finite_answer(name, far):
    state, settings = random_state(name, 3, 2, np.random.default_rng(0)), learning(name)
    narrow = state._replace(
        parameters=state.parameters._replace(precisions_cholesky=1e12 * state.parameters.precisions_cholesky)
    )
    scored, info = stepwise_em.score(narrow, [[far, -far], [far, far]], None, settings)
    assert all_finite(info)
    np.testing.assert_allclose(info.responsibilities.sum(axis=1), 1)
    learnt, _ = stepwise_em.learn(scored, settings)
    assert all_finite(learnt)


def test_a_tiny_mass_keeps_its_moments():
    settings = learning("diag")
    state = random_state("diag", 1, 2, np.random.default_rng(0))
    vectors = np.random.default_rng(1).normal(size=(100, 2))
    scored, _ = stepwise_em.score(state, vectors, np.full(100, 1e-200), settings)
    learnt, _ = stepwise_em.learn(
        scored._replace(statistics=state.statistics._replace(mass=np.zeros(1))),
        settings._replace(exponent=1.0, delay=0.0),
    )
    np.testing.assert_allclose(learnt.statistics.mean[0], vectors.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(learnt.statistics.scatter[0], vectors.var(axis=0), rtol=1e-12)


@pytest.fixture
def all_threads_afterwards():
    yield
    threads.use(None)


@pytest.mark.usefixtures("all_threads_afterwards")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("k", "d"), [(3, 2), (10, 9), (40, 24)])
def test_the_number_of_threads_does_not_matter(name, k, d):
    generator = np.random.default_rng(0)
    state, settings = random_state(name, k, d, generator), learning(name)
    vectors, weights = generator.normal(size=(70_001, d)) * 3, generator.uniform(size=70_001)
    answers = []
    for count in (1, 2, 4):
        threads.use(count)
        scored, info = stepwise_em.score(state, vectors, weights, settings)
        again = scoring.log_likelihood(state.parameters, vectors, settings.covariance)
        answers.append(bits((scored, info, stepwise_em.learn(scored, settings), again)))
    assert answers[0] == answers[1] == answers[2]
    np.testing.assert_allclose(again, info.log_likelihood, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("k", "d"), [(1, 1), (3, 2), (4, 7), (10, 8), (5, 17)])
def test_scores_are_those_of_the_book(name, k, d):
    generator = np.random.default_rng(1)
    state, settings = random_state(name, k, d, generator), learning(name)
    vectors = generator.normal(size=(300, d)) * 3
    _, info = stepwise_em.score(state, vectors, None, settings)
    truth = (state.parameters, vectors, settings.covariance)
    np.testing.assert_allclose(info.log_likelihood, gaussian.log_evidence(*truth), rtol=1e-12)
    np.testing.assert_allclose(info.responsibilities, gaussian.responsibilities(*truth), rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("gaps", [0.0, 0.3])
@pytest.mark.parametrize("n", [1, 100, 256, 700])
def test_says_without_learning_what_score_says(name, gaps, n):
    generator = np.random.default_rng(3)
    state, settings = random_state(name, 3, 5, generator), learning(name)
    vectors, weights = generator.normal(size=(n, 5)) * 3, generator.uniform(size=n)
    vectors[generator.uniform(size=vectors.shape) < gaps] = np.nan
    _, same = stepwise_em.score(state, vectors, weights, settings)
    assert bits(scoring.e_step(state.parameters, vectors, settings.covariance)) == bits(same)


@pytest.mark.parametrize("name", NAMES)
def test_the_cut_does_not_matter_whether_features_fill_whole_tiles_or_not(name):
    generator = np.random.default_rng(4)
    for d in (1, 5, 64):
        state, settings = random_state(name, 6, d, generator), learning(name)
        vectors = generator.normal(size=(3000, d)) * 3
        whole = bits(stepwise_em.learn(stepwise_em.score(state, vectors, None, settings)[0], settings))
        cut = state
        for piece in np.split(vectors, np.sort(generator.integers(0, 3000, size=7))):
            cut, _ = stepwise_em.score(cut, piece, None, settings)
        assert bits(stepwise_em.learn(cut, settings)) == whole


@pytest.mark.parametrize("name", NAMES)
def test_a_component_far_from_its_vectors_learns_their_scatter(name):
    state, settings = random_state(name, 1, 5, np.random.default_rng(0)), learning(name, exponent=1.0, delay=0.0)
    vectors = np.random.default_rng(1).normal(size=(1000, 5)) + 1e6
    learnt, _ = stepwise_em.update(state, vectors, settings)
    spread = as_full(name, learnt.statistics.scatter, 1, 5)[0]
    truth = np.cov(vectors.T, bias=True)
    np.testing.assert_allclose(np.trace(spread), np.trace(truth), rtol=1e-9)
    if name in ("full", "tied"):
        np.testing.assert_allclose(spread, truth, rtol=1e-9, atol=1e-9)
