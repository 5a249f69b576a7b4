import numpy as np
import pytest

from streamgmm.drift import ewma


# Lucas and Saccucci 1990, table 1: limits for a run length of 500.
@pytest.mark.parametrize(
    ("smoothing", "limit"), [(1.0, 3.090), (0.5, 3.071), (0.25, 2.998), (0.1, 2.814), (0.05, 2.615)]
)
def test_the_published_limits_give_the_published_run_length(smoothing, limit):
    assert ewma.limit(500, smoothing) == pytest.approx(limit, abs=0.01)


def test_simulated_run_lengths_agree_with_the_chain():
    rng = np.random.default_rng(5)
    at, smoothing, lengths = ewma.limit(100, 0.2), 0.2, []
    for _ in range(1500):
        state, steps = ewma.init(), 0
        while True:
            state, info = ewma.update(state, float(rng.standard_normal()), smoothing=smoothing)
            steps += 1
            if abs(info.standardised) > at:
                break
        lengths.append(steps)
    assert np.mean(lengths) == pytest.approx(100, rel=0.1)


def test_a_constant_is_approached_from_nothing():
    state = ewma.init()
    for _ in range(200):
        state, _ = ewma.update(state, 2.0, smoothing=0.1)
    assert state.average == pytest.approx(2.0)
