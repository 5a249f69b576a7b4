import numpy as np
import pytest

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import stepwise_em, weak
from streamgmm.mixture.given import given
from streamgmm.mixture.initialise import Start
from streamgmm.mixture.weak import Change
from tests.mixture.samples import NAMES, all_finite, as_full, learning, random_state

K, D = 3, 4


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def statistics(name):
    return random_state(name, K, D, np.random.default_rng(0)).statistics


def test_enough_vectors_borrow_nothing(name):
    found = statistics(name)
    assert weak.lean(found, (D + 1) / found.mass.min(), covariances.by_name(name)) is found


def test_a_weak_component_is_filled_up_to_d_plus_one_from_the_pool(name):
    found, covariance = statistics(name), covariances.by_name(name)
    size = 0.5 * (D + 1) / found.mass.min()
    least = int(found.mass.argmin())
    own = covariance.form(found.scatter, found.mass)
    leaned = covariance.form(weak.lean(found, size, covariance).scatter, found.mass)
    own, leaned = as_full(name, own, K, D), as_full(name, leaned, K, D)
    pool = np.einsum("k,kij->ij", found.mass, own)
    np.testing.assert_allclose(leaned[least], 0.5 * own[least] + 0.5 * pool, rtol=1e-10, atol=1e-12)
    strongest = int(found.mass.argmax())
    if found.mass[strongest] * size >= D + 1:
        np.testing.assert_allclose(leaned[strongest], own[strongest], rtol=1e-12)


def test_what_was_seen_in_one_direction_alone_is_held_up_by_the_others():
    generator = np.random.default_rng(0)
    hyper = learning("full", batch_size=1000, exponent=1.0, delay=0.0)
    state = random_state("full", 2, 3, generator)
    far = state.parameters._replace(means=np.array([[0.0, 0, 0], [500, 500, 500]]))
    vectors = np.vstack([generator.normal(size=(997, 3)), [[500, 500, 500], [501, 500, 500], [502, 500, 500]]])
    learnt, _ = stepwise_em.update(state._replace(parameters=far), vectors, hyper)
    assert all_finite(learnt)
    eigenvalues = np.linalg.eigvalsh(learnt.parameters.covariances[1])
    assert eigenvalues.min() > 0.2
    np.testing.assert_allclose(learnt.statistics.scatter[1][1:], 0, atol=1e-12)  # nothing enters the statistics


def test_changes_are_told_once():
    assert weak.changes(np.array([10.0, 10, 3, 3, 0.5]), np.array([10.0, 4, 5, 0.5, 0.4]), 5) == (
        Change("weakened", 1),
        Change("recovered", 2),
        Change("died", 3),
    )
    assert weak.changes(np.array([5.0]), np.array([6.0]), 5) == ()


def test_a_step_counts_what_is_weak_and_tells_what_changed():
    hyper = learning("full", batch_size=10, exponent=0.51, delay=0.0)
    state = random_state("full", 2, 2, np.random.default_rng(0))
    told = []
    for _ in range(60):
        scored, _ = stepwise_em.score(state, np.zeros((10, 2)) + state.parameters.means[0], None, hyper)
        state, info = stepwise_em.learn(scored, hyper)
        told += info.changes
    assert [change.kind for change in told if change.component == 1] == ["weakened", "died"]
    assert info.weak == 1
    assert all_finite(state)


def test_a_model_that_is_given_whole_counts_as_known_whatever_the_buffer_holds(name):
    known, hyper = random_state(name, 3, 4, np.random.default_rng(0)).parameters, learning(name)
    parts = {"weights_init": known.weights, "means_init": known.means, "covariances_init": known.covariances}
    whole = given(hyper.covariance, (3, 4), **parts)
    state = stepwise_em.init(np.eye(4), 3, hyper, start=Start(given=whole))
    assert state.effective_sample_size == 5120
    np.testing.assert_array_equal(state.parameters.covariances, known.covariances)
