import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamgmm.mixture.logarithm import logarithm


def log(values):
    result = np.array(values, dtype=float)
    logarithm(result, len(result))
    return result


def test_accurate_over_its_whole_range():
    x = np.concatenate([np.linspace(0.4, 3, 200_003), np.logspace(-307, 307, 100_000), 1 + np.logspace(-15, 0, 50_000)])
    truth = np.log(x.astype(np.longdouble))
    known = truth != 0
    assert np.abs(log(x)[known] / truth[known] - 1).max() < 4e-16


def test_of_one_is_exactly_zero():
    assert log([1.0, 1.0]).tolist() == [0.0, 0.0]


@given(st.floats(1, 1e6), st.integers(0, 255), st.lists(st.floats(1, 1e6), min_size=255, max_size=255))
def test_a_lane_does_not_depend_on_its_place_or_its_neighbours(x, lane, others):
    alone, among = log([x] * 256)[0], log([*others[:lane], x, *others[lane:]])[lane]
    assert alone.tobytes() == among.tobytes()
