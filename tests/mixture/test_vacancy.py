import numpy as np
import pytest

from streamgmm.mixture import scoring, stepwise_em
from streamgmm.mixture.vacancy import vacant, vacated
from tests.mixture.samples import NAMES, all_finite, learning, random_state


def test_one_place_is_vacated_and_the_others_keep_their_weight():
    parameters = random_state("full", 4, 2, np.random.default_rng(0)).parameters
    after = vacated(parameters, 2)
    assert vacant(parameters.weights).tolist() == [False] * 4
    assert vacant(after.weights).tolist() == [False, False, True, False]
    others = [0, 1, 3]
    assert after.weights[others].tolist() == parameters.weights[others].tolist()
    assert not after.weights.flags.writeable


@pytest.mark.parametrize("name", NAMES)
def test_no_vector_belongs_to_a_vacant_place_wherever_it_lies_and_it_stays_one(name):
    state, hyper = random_state(name, 3, 2, np.random.default_rng(1)), learning(name)
    mass = np.where(np.arange(3) == 1, 0.0, state.statistics.mass)
    left = state._replace(
        parameters=vacated(state.parameters, 1), statistics=state.statistics._replace(mass=mass / mass.sum())
    )
    vectors = np.concatenate(
        [state.parameters.means[[1]], np.random.default_rng(2).normal(size=(600, 2)), [[1e9, -1e9]]]
    )
    info = scoring.e_step(left.parameters, vectors, hyper.covariance)
    assert (info.responsibilities[:, 1] == 0).all()
    np.testing.assert_allclose(info.responsibilities.sum(axis=1), 1.0, rtol=1e-12)
    learnt, _ = stepwise_em.update(left, vectors, hyper)
    assert vacant(learnt.parameters.weights).tolist() == [False, True, False]
    assert all_finite(learnt)
