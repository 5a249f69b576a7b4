"""Half-lives, event time and the effective sample size, through whole steps."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgmm.mixture import stepwise_em
from streamgmm.mixture.step_size import HalfLife
from tests.mixture.samples import all_finite, learning, random_state


def stream(n=1000, d=2):
    return np.random.default_rng(3).normal(size=(n, d))


def start(name="full"):
    return random_state(name, 3, 2, np.random.default_rng(0))


def test_effective_sample_size_of_the_plain_mean_is_kishs():
    hyper = learning("full", exponent=1.0, delay=0.0)
    vectors, weights = stream(), np.random.default_rng(1).uniform(size=1000)
    state = start()
    for part in np.array_split(np.arange(1000), [7, 300, 301, 800]):
        state, _ = stepwise_em.update(state, vectors[part], hyper, weights[part])
    assert state.effective_sample_size == pytest.approx(weights.sum() ** 2 / np.square(weights).sum(), rel=1e-12)


def test_effective_sample_size_is_one_over_the_squared_shares():
    hyper, state, shares = learning("full", batch_size=100), start(), np.full(5000, 1 / 5000)
    for part in np.array_split(stream(), 13):
        scored, _ = stepwise_em.score(state, part, None, hyper)
        state, info = stepwise_em.learn(scored, hyper)
        shares = np.append((1 - info.step_size) * shares, np.full(len(part), info.step_size / len(part)))
    assert shares.sum() == pytest.approx(1)
    assert state.effective_sample_size == pytest.approx(1 / np.square(shares).sum(), rel=1e-12)


def test_a_buffer_counts_as_what_it_holds():
    hyper = learning("full")
    assert stepwise_em.init(stream(200), 2, hyper).effective_sample_size == 200
    weights = np.repeat([1.0, 3.0], 100)
    assert stepwise_em.init(stream(200), 2, hyper, weights=weights).effective_sample_size == pytest.approx(160)


@given(cut=st.lists(st.integers(0, 1000), max_size=6).map(lambda inner: [0, *sorted(inner), 1000]))
@settings(max_examples=20)
def test_small_calls_forget_exactly_like_large_ones(cut):
    hyper = learning("full", delay=1e6, half_life=HalfLife(batches=1.5), exponent=1.0)
    state, kept = start(), 1.0
    for first, last in pairwise(cut):
        scored, _ = stepwise_em.score(state, stream()[first:last], None, hyper)
        state, info = stepwise_em.learn(scored, hyper)
        kept *= 1 - info.step_size
    assert kept == pytest.approx(2 ** (-1000 / 512 / 1.5), rel=1e-5)


def steps_at(times, **settings):
    hyper, state, etas = learning("full", exponent=1.0, delay=1e9, **settings), start(), []
    for time in times:
        scored, _ = stepwise_em.score(state, stream(10), None, hyper)
        state, info = stepwise_em.learn(scored, hyper, time)
        etas.append(info.step_size)
    return state, etas


def test_event_time_forgets_by_its_growth_alone():
    state, etas = steps_at([100.0, 160.0, 130.0, None, 190.0, 1e6], half_life=HalfLife(seconds=60), max_gap=120.0)
    assert etas == pytest.approx([0, 1 / 2, 0, 0, 1 - 2**-0.5, 3 / 4], abs=1e-6)
    assert state.event_time == 1e6
    assert all_finite(state[:-1])


def test_without_weight_event_time_waits():
    hyper = learning("full", half_life=HalfLife(seconds=60))
    state, _ = steps_at([100.0], half_life=HalfLife(seconds=60))
    same, _ = stepwise_em.learn(state, hyper, 500.0)
    assert same.event_time == 100.0


@pytest.mark.parametrize("time", [math.nan, math.inf])
def test_a_time_that_is_none_is_refused(time):
    with pytest.raises(ValueError, match="event_time"):
        steps_at([time])
