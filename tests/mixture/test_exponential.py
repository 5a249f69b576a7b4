import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamgmm.mixture.exponential import LOWEST, exponentiate


def exp(values):
    result, total = np.array(values, dtype=float), np.full(len(values), 2.0)
    exponentiate(result, np.zeros_like(result), total, len(result))
    np.testing.assert_array_equal(total, 2 + result)
    return result


def test_accurate_over_its_whole_range():
    x = -np.concatenate([np.linspace(0, -LOWEST, 200_003), np.logspace(-20, 2.8, 50_000)])
    truth = np.exp(x.astype(np.longdouble))
    assert np.abs(exp(x) / truth - 1)[x > LOWEST].max() < 1e-14


def test_limits():
    assert exp([0.0, -0.0, LOWEST, -1e300, -math.inf]).tolist() == [1, 1, 0, 0, 0]


@given(st.floats(-800, 0), st.integers(0, 255), st.lists(st.floats(-800, 0), min_size=255, max_size=255))
def test_a_lane_does_not_depend_on_its_place_or_its_neighbours(x, lane, others):
    alone, among = exp([x] * 256)[0], exp([*others[:lane], x, *others[lane:]])[lane]
    assert alone.tobytes() == among.tobytes()
