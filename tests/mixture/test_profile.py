"""Histograms along a line through each component."""

import numpy as np
import pytest

from streamgmm.mixture import profile, scoring
from streamgmm.mixture.block import Rows
from streamgmm.mixture.pieces import ones
from streamgmm.mixture.sampling import sample
from streamgmm.mixture.valley import BINS, REACH
from tests.mixture.samples import NAMES, bits, learning, random_state

K, D, N = 3, 4, 40_000


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def seen(name, n=N):
    """A state, what it says of n vectors of its own, and the profile that has counted them."""
    generator = np.random.default_rng(0)
    state, covariance = random_state(name, K, D, generator), learning(name).covariance
    vectors, _ = sample(state.parameters, n, covariance, generator)
    rows = Rows(vectors, ones(n))
    responsibilities = scoring.e_step(state.parameters, vectors, covariance).responsibilities
    before = profile.begin(state.statistics, covariance)
    return state, rows, responsibilities, before, profile.add(before, rows, responsibilities)


def test_where_the_model_is_right_each_is_a_standard_normal(name):
    state, _, _, _, after = seen(name)
    middles = (np.arange(BINS) + 0.5) * (2 * REACH / BINS) - REACH
    total = after.counts.sum(axis=1)
    np.testing.assert_allclose(total, N * state.parameters.weights, rtol=0.03)
    mean = after.counts @ middles / total
    np.testing.assert_allclose(mean, 0.0, atol=0.03)
    np.testing.assert_allclose(after.counts @ middles**2 / total - mean**2, 1.0, rtol=0.04)


def test_the_cut_changes_no_bit(name):
    _, rows, responsibilities, before, after = seen(name, 3000)
    cut = before
    for start in range(0, 3000, 700):
        part = slice(start, start + 700)
        cut = profile.add(cut, Rows(rows.vectors[part], rows.weights[part]), responsibilities[part])
    assert bits(cut) == bits(after)


def test_small_responsibilities_gaps_and_weight_0_are_not_counted():
    _, rows, _, before, _ = seen("full", 3)
    vectors = rows.vectors.copy()
    vectors[1, 0] = np.nan
    responsibilities = np.array([[0.009, 0.011, 0.98], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    after = profile.add(before, Rows(vectors, np.array([2.0, 1.0, 0.0])), responsibilities)
    np.testing.assert_allclose(after.counts.sum(axis=1), [0.0, 2 * 0.011, 2 * 0.98], rtol=1e-15)
    np.testing.assert_allclose(after.squares, [0.0, 4 * 0.011, 4 * 0.98], rtol=1e-15)


def test_a_component_goes_on_along_its_next_line_and_the_widest_comes_every_second_time(name):
    state, _, _, first, counted = seen(name, 500)
    covariance, lines = learning(name).covariance, []
    found = counted
    for _ in range(2 * D):
        lines.append(found.direction[0])
        found = profile.anew(found, [0], state.statistics, covariance)
        assert found.counts[0].sum() == 0
        assert bits(found.counts[1:]) == bits(counted.counts[1:])
    assert all(bits(line) == bits(first.direction[0]) for line in lines[::2])
    directions = np.array([lines[0], *lines[1::2][: D - 1]])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    np.testing.assert_allclose(directions @ directions.T, np.eye(D), atol=1e-10)


def test_again_is_along_the_same_line():
    state, _, _, before, _ = seen("full", 10)
    covariance = learning("full").covariance
    again = profile.anew(profile.again(before, 1), [1], state.statistics, covariance)
    assert bits(again.direction[1]) == bits(before.direction[1])
    onward = profile.anew(before, [1], state.statistics, covariance)
    assert bits(onward.direction[1]) != bits(before.direction[1])
