"""The detectors against the literature's run lengths, and one suite that all of them pass."""

import numpy as np
import pytest

from streamgmm.drift.cusum import Cusum
from streamgmm.drift.ewma import Ewma
from streamgmm.drift.windows import SAME, Windows
from streamgmm.service.plain import from_plain, to_plain

EWMA, CUSUM, WINDOWS = Ewma(0.1, 2.814), Cusum(0.5, 5.0), Windows(span=6.0)
CAREFUL = [Ewma(0.1, 4.5), Cusum(0.5, 10.0), WINDOWS]
ALL = pytest.mark.parametrize("detector", CAREFUL, ids=lambda detector: type(detector).__name__)


def run(detector, values):
    state, said = detector.init(), []
    for value in values:
        state, info = detector.update(state, float(value))
        said.append(info)
    return state, said


def run_length(detector, mean, seed):
    rng, state = np.random.default_rng(seed), detector.init()
    for n in range(1, 100_000):
        state, info = detector.update(state, np.float64(rng.normal(mean)))
        if info.rose:
            return n
    return None


@pytest.mark.parametrize(
    ("detector", "mean", "published"),
    [(EWMA, 0.0, 500), (EWMA, 1.0, 10.3), (CUSUM, 0.0, 465), (CUSUM, 1.0, 10.4), (CUSUM, -2.0, 4.01)],
)
def test_run_lengths_are_the_published_ones(detector, mean, published):
    runs = 80 if mean == 0 else 300
    lengths = np.array([run_length(detector, mean, (seed, int(10 * abs(mean)))) for seed in range(runs)])
    assert abs(lengths.mean() - published) < 3 * lengths.std() / np.sqrt(runs) + 0.05 * published


@ALL
@pytest.mark.parametrize("way", [1, -1])
def test_a_change_either_way_rises_once_and_stands(detector, way):
    values = way * np.concatenate([np.random.default_rng(3).normal(size=200), np.full(60, 2.5)])
    state, said = run(detector, values)
    assert [info.rose for info in said[:200]] == [False] * 200
    (rose,) = [info for info in said if info.rose]
    assert (rose.direction, rose.statistic > rose.limit) == (way, True)
    assert (state.level.above, state.level.risen) == (True, 1)


@ALL
def test_who_looks_late_misses_nothing(detector):
    rng = np.random.default_rng(4)
    there = np.concatenate([rng.normal(size=150), rng.normal(3, 1, size=60), rng.normal(-0.5, 0.1, size=300)])
    state, said = run(detector, there)
    assert state.level.risen == sum(info.rose for info in said) >= 1


@ALL
def test_a_state_is_a_value_and_survives_a_checkpoint(detector):
    values = np.random.default_rng(5).normal(size=80)
    state, _ = run(detector, values)
    restored = from_plain(type(state), to_plain(state))
    assert restored == state
    after = detector.update(state, 4.0)
    assert detector.update(restored, 4.0) == after == detector.update(state, 4.0)


@ALL
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(detector, value):
    with pytest.raises(ValueError, match="leave out what is not finite"):
        detector.update(detector.init(), value)


@ALL
def test_equal_values_are_no_change(detector):
    state, said = run(detector, np.zeros(300))
    assert state.level.risen == 0
    assert all(np.isfinite(info.statistic) for info in said)


@pytest.mark.parametrize(
    "wrong", [Ewma(0, 3), Ewma(1.5, 3), Ewma(0.1, 0), Cusum(-1, 5), Cusum(0.5, np.nan), Windows(1.0), Windows(0.1, 0)]
)
def test_what_is_out_of_bounds_is_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        wrong.init()


def test_a_window_needs_no_mean_forgets_what_was_and_stays_small():
    rng, state = np.random.default_rng(6), WINDOWS.init()
    for value in rng.normal(500.0, 1.0, size=3000):
        state, _ = WINDOWS.update(state, value)
    assert state.level.risen == 0
    assert sum(bucket.size for bucket in state.buckets) == 3000
    assert len(state.buckets) <= (SAME + 1) * 12
    for value in rng.normal(502.0, 1.0, size=200):
        state, _ = WINDOWS.update(state, value)
    assert state.level.risen == 1
    held = sum(bucket.size for bucket in state.buckets)
    assert 150 < held < 260
    mean = sum(bucket.size * bucket.mean for bucket in state.buckets) / held
    assert mean == pytest.approx(502, abs=0.5)


def test_what_a_window_holds_is_the_sum_of_what_it_was_given():
    values = np.random.default_rng(7).normal(size=500)
    state, _ = run(Windows(1e-6, span=10.0), values)
    whole = state.buckets[0]
    for bucket in state.buckets[1:]:
        assert bucket.size >= whole.size / 100
    total = sum(bucket.size * bucket.mean for bucket in state.buckets)
    assert total == pytest.approx(values.sum())
    assert [bucket.size for bucket in state.buckets] == sorted(bucket.size for bucket in state.buckets)
