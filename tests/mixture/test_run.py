"""Batches in a run give the bits of `score` and `learn`, and what is not ordinary is left to these."""

import numpy as np
import pytest

from streamgmm.mixture import background, revive, stepwise_em, threads
from streamgmm.mixture.run import run
from streamgmm.mixture.run_loop import learn_batches
from streamgmm.mixture.step_size import HalfLife
from tests.mixture.samples import bits, learning

K, D = 3, 5


def stream(n, seed=0, d=D):
    generator = np.random.default_rng(seed)
    centres = generator.normal(0, 4, (K, d))
    return centres[generator.integers(K, size=n)] + generator.standard_normal((n, d))


def one_by_one(state, vectors, ends, hyper, times=None):
    infos, steps = [], []
    for first, end, time in zip([0, *ends], ends, times or [None] * len(ends), strict=False):
        state, info = stepwise_em.score(state, vectors[first:end], None, hyper)
        state, step = stepwise_em.learn(state, hyper, time)
        infos.append(info)
        steps.append(step.step_size)
    return state, np.concatenate([i.responsibilities for i in infos]), [i.log_likelihood for i in infos], steps


def in_runs(state, vectors, ends, hyper, times=None):
    """A run, then one batch by itself, and so on; also the batches that were learnt in runs."""
    at, row, said, learnt = 0, 0, [], 0
    while at < len(ends):
        rest = [end - row for end in ends[at:]]
        found = run(state, vectors[row:], rest, hyper, times and times[at:])
        state, at, learnt = found.state, at + found.batches, learnt + found.batches
        said.append(found.info)
        row = ends[at - 1] if at else 0
        if at < len(ends):
            state, info = stepwise_em.score(state, vectors[row : ends[at]], None, hyper)
            state, _ = stepwise_em.learn(state, hyper, times and times[at])
            said.append(info)
            row, at = ends[at], at + 1
    return state, said, learnt


@pytest.mark.parametrize("name", ["full", "diag"])
@pytest.mark.parametrize("batch_size", [1, 31, 256, 700])
@pytest.mark.parametrize("more", [{}, {"averaging": True}, {"half_life": HalfLife(seconds=30.0), "reg_covar": 0.1}])
def test_a_run_gives_the_bits_of_batch_by_batch(name, batch_size, more):
    hyper = learning(name, batch_size=batch_size, **more)
    vectors = stream(max(40 * batch_size, 200))
    begun = stepwise_em.init(stream(300), K, hyper)
    ends = [batch_size * (i + 1) + (i % 3 == 2) for i in range(39)]  # a record may carry a batch past its end
    times = [float(i**2) for i in range(39)]
    state, responsibilities, log_likelihood, _ = one_by_one(begun, vectors, ends, hyper, times)
    after, said, learnt = in_runs(begun, vectors, ends, hyper, times)
    assert bits(after) == bits(state)
    assert np.concatenate([i.responsibilities for i in said]).tobytes() == responsibilities.tobytes()
    assert np.concatenate([i.log_likelihood for i in said]).tobytes() == np.concatenate(log_likelihood).tobytes()
    assert learnt >= 30 or batch_size == 1  # batches so small leave components too few vectors
    assert not after.parameters.means.flags.writeable


def test_it_tells_the_step_size_of_its_last_batch():
    hyper, vectors, ends = learning("full", batch_size=100), stream(1000), list(range(100, 1001, 100))
    begun = stepwise_em.init(vectors, K, hyper)
    found = run(begun, vectors, ends, hyper)
    assert (found.batches, found.step_size) == (10, one_by_one(begun, vectors, ends, hyper)[3][-1])


UNUSUAL = {
    "a background": {"background": background.over([-9.0] * D, [9.0] * D)},
    "merges": {"merge": 0.9},
    "splits": {"split": True},
}


@pytest.mark.parametrize("more", UNUSUAL.values(), ids=UNUSUAL)
def test_what_a_run_does_not_know_is_left(more):
    hyper, vectors = learning("full", batch_size=100, **more), stream(400)
    state = stepwise_em.init(vectors, K, hyper)
    assert run(state, vectors, [100, 200], hyper).batches == 0


def test_a_weight_of_the_background_that_is_asked_for_no_more_is_left():
    hyper, vectors = learning("full", batch_size=100), stream(400)
    state = stepwise_em.init(vectors, K, hyper)._replace(background=0.1)
    assert run(state, vectors, [100, 200], hyper).batches == 0


def test_a_state_in_columns_goes_on_like_one_in_rows():
    hyper, vectors, ends = learning("full", batch_size=100), stream(1000), list(range(100, 1001, 100))
    begun = stepwise_em.init(vectors, K, hyper)
    turned = begun._replace(
        parameters=type(begun.parameters)(*map(np.asfortranarray, begun.parameters)),
        statistics=type(begun.statistics)(*map(np.asfortranarray, begun.statistics)),
    )
    assert bits(run(turned, vectors, ends, hyper)) == bits(run(begun, vectors, ends, hyper))


def test_many_rows_are_a_run_of_some_of_them_and_compile_nothing_more():
    hyper, vectors = learning("diag", batch_size=1000), stream(70_000)
    begun = stepwise_em.init(vectors[:400], K, hyper)
    assert run(begun, vectors[:1000], [1000], hyper).batches == 1
    before = list(learn_batches.signatures)
    found = run(begun, vectors, list(range(1000, 70_001, 1000)), hyper)
    assert found.batches == 65
    assert learn_batches.signatures == before


@pytest.mark.parametrize("name", ["tied", "spherical"])
def test_types_without_a_run_are_left(name):
    hyper, vectors = learning(name, batch_size=100), stream(400)
    found = run(stepwise_em.init(vectors, K, hyper), vectors, [100, 200], hyper)
    assert (found.batches, found.info.responsibilities.shape) == (0, (0, K))


def test_gaps_and_what_waits_are_left():
    hyper, vectors = learning("full", batch_size=100), stream(400)
    state = stepwise_em.init(vectors, K, hyper)
    gaps = vectors.copy()
    gaps[150, 2] = np.nan
    assert run(state, gaps, [100, 200], hyper).batches == 0
    waiting, _ = stepwise_em.score(state, vectors[:7], None, hyper)
    assert run(waiting, vectors, [100, 200], hyper).batches == 0
    with pytest.raises(ValueError, match="infinity in row 3"):
        run(state, np.where(np.arange(400)[:, None] == 3, np.inf, vectors), [100], hyper)


def test_a_component_that_runs_dry_ends_the_run_before_the_batch_that_tells():
    """Its effective count falls below d + 1 in the middle: what becomes of it is for `learn` to say."""
    hyper = learning("diag", batch_size=100, half_life=HalfLife(batches=2.0), dead_components=revive.by_name("respawn"))
    vectors = np.concatenate([stream(400), np.random.default_rng(1).normal(0, 1, (4000, D))])
    begun = stepwise_em.init(vectors[:400], K, hyper)
    ends = list(range(100, 4401, 100))
    found = run(begun, vectors, ends, hyper)
    assert 0 < found.batches < len(ends)
    state, *_ = one_by_one(begun, vectors, ends, hyper)
    assert state.revived > 0
    assert bits(in_runs(begun, vectors, ends, hyper)[0]) == bits(state)


def test_a_covariance_that_needs_repair_ends_the_run():
    hyper = learning("full", batch_size=100, reg_relative=0.0)
    vectors = 1e3 * stream(6000)
    vectors[1000:] = vectors[1000:, :1] * np.array([1.0, 1.1, 0.7, 1.3, 0.9])  # from here on the features are one
    hyper = hyper._replace(half_life=HalfLife(batches=1.0))
    begun, ends = stepwise_em.init(vectors[:1000], K, hyper), list(range(100, 6001, 100))
    state, *_ = one_by_one(begun, vectors, ends, hyper)
    assert state.repairs > 0
    assert bits(in_runs(begun, vectors, ends, hyper)[0]) == bits(state)


def test_batches_that_are_worth_a_second_thread_are_left_where_there_is_one():
    before = threads.count()
    hyper, vectors = learning("full", batch_size=60_000), stream(60_000)
    state = stepwise_em.init(vectors[:1000], K, hyper)
    try:
        threads.use(2)
        assert run(state, vectors, [60_000], hyper).batches == 0
        threads.use(1)
        assert run(state, vectors, [60_000], hyper).batches == 1
    finally:
        threads.use(before)
