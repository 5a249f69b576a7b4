import numpy as np
import pytest

from streamgmm.mixture import average, averaging, scoring, stepwise_em
from streamgmm.mixture import covariance as covariances
from tests.mixture.samples import NAMES, bits, learning, leaves, random_state


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def assert_close(one, other):
    for a, b in zip(leaves(one), leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_the_last_two_blocks_are_kept():
    covariance, kept, covered = covariances.by_name("diag"), None, []
    for step in range(40):
        found = random_state("diag", 1, 1, np.random.default_rng(step)).statistics
        kept = average.extended(kept, found._replace(mean=np.array([[float(step)]])), 1.0, covariance)
        covered.append(kept.recent_time + kept.earlier_time)
        assert average.over_both(kept, covariance).mean[0, 0] == pytest.approx(step - (covered[-1] - 1) / 2)
    assert covered[:8] == [1, 2, 3, 3, 4, 5, 6, 5]  # blocks of 1, 2, 4, 8, 16
    assert all(0.45 * (step + 1) <= time <= 0.8 * (step + 1) for step, time in enumerate(covered) if step > 8)


def test_a_batch_counts_by_its_weight(name):
    covariance = covariances.by_name(name)
    first, second = (random_state(name, 3, 2, np.random.default_rng(seed)).statistics for seed in (1, 2))
    long = average.Average(first, 1.0, 100.0)
    twice = average.extended(average.extended(long, second, 1.0, covariance), second, 1.0, covariance)
    assert_close(average.extended(long, second, 2.0, covariance), twice)


def test_without_averaging_there_is_none(name):
    state = random_state(name, 3, 2, np.random.default_rng(0))
    learnt, _ = stepwise_em.update(state, np.ones((5, 2)), learning(name))
    assert learnt.average is None
    assert averaging.averaged(learnt, learning(name)) is learnt.parameters


def test_after_one_step_the_average_is_that_step_and_a_restart_begins_anew(name):
    generator = np.random.default_rng(0)
    state, hyper = random_state(name, 3, 2, generator), learning(name, averaging=True)
    for _ in range(5):
        state, _ = stepwise_em.update(state, generator.normal(size=(512, 2)) * 3, hyper)
    state, _ = stepwise_em.update(averaging.restart_average(state), generator.normal(size=(512, 2)) * 3, hyper)
    assert bits(state.average.recent) == bits(state.statistics)
    assert_close(averaging.averaged(state, hyper), state.parameters)


def test_the_average_changes_nothing_else(name):
    generator = np.random.default_rng(0)
    plain = other = random_state(name, 3, 2, generator)
    for _ in range(5):
        vectors = generator.normal(size=(300, 2)) * 3
        plain, _ = stepwise_em.update(plain, vectors, learning(name))
        other, _ = stepwise_em.update(other, vectors, learning(name, averaging=True))
    assert bits(other._replace(average=None)) == bits(plain)


def test_averaging_is_closer_to_the_truth():
    generator = np.random.default_rng(1)
    vectors = generator.normal(size=(100_000, 2)) + 3.5 * generator.integers(0, 2, size=(100_000, 1))
    hyper = learning("full", averaging=True)
    state = stepwise_em.init(vectors[:500], 2, hyper)
    for part in np.array_split(vectors, 200):
        state, _ = stepwise_em.update(state, part, hyper)
    last, mean = (
        scoring.log_likelihood(parameters, vectors, hyper.covariance).sum()
        for parameters in (state.parameters, averaging.averaged(state, hyper))
    )
    assert mean > last
