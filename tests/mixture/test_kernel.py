import numpy as np
import pytest

from streamgmm.mixture import stepwise_em
from tests.mixture.samples import NAMES, all_finite, bits, learning, random_state


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
