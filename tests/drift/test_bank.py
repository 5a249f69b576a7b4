"""The detectors of the service's alarm: each behind the same interface, alone and together."""

from itertools import pairwise

import numpy as np
import pytest

from streamgmm.drift import scores
from streamgmm.drift.bank import NAMES, bank
from streamgmm.drift.cusum import Cusum
from streamgmm.drift.ewma import Ewma
from streamgmm.drift.joint.averages import Averages
from streamgmm.drift.joint.bounded import FAR, bounded
from streamgmm.drift.joint.suffixes import Suffixes
from streamgmm.drift.joint.sums import Sums
from streamgmm.drift.scores import LOG_LIKELIHOOD, MEAN
from streamgmm.mixture.arrays import frozen
from streamgmm.service.plain import to_plain

LAYOUT = scores.layout(2, 3)
NO_DOUBT = np.zeros(5)
rng = np.random.default_rng(0)
WINDOWS = rng.normal(size=(700, LAYOUT.size))
MOVED = np.concatenate([WINDOWS, WINDOWS + np.where(LAYOUT.family.repeat(np.diff(LAYOUT.edges)) == MEAN, 0.5, 0)])


@pytest.mark.parametrize("names", [*((name,) for name in NAMES), NAMES], ids=str)
def test_any_cut_gives_the_same_states_and_values_bit_for_bit(names):
    of = bank(LAYOUT, names)
    whole, found = of.update(of.init(), WINDOWS, NO_DOUBT)
    states, values = of.init(), []
    for part in np.split(WINDOWS, [1, 2, 255, 256, 257, 600]):
        states, piece = of.update(states, part, NO_DOUBT)
        values.append(piece.values)
    assert to_plain(states) == to_plain(whole)
    assert np.array_equal(np.concatenate(values), found.values)
    assert found.values.shape == (700, of.scales, 5)


def test_together_they_say_what_each_says_alone():
    of = bank(LAYOUT, NAMES)
    _, found = of.update(of.init(), WINDOWS, NO_DOUBT)
    alone = [bank(LAYOUT, (name,)).update(bank(LAYOUT, (name,)).init(), WINDOWS, NO_DOUBT)[1] for name in NAMES]
    assert np.array_equal(found.values, np.concatenate([one.values for one in alone], axis=1))
    assert np.array_equal(found.groups, np.concatenate([one.groups for one in alone], axis=1))


def test_averages_of_one_number_are_the_averages_of_a_number():
    of, scalar = bank(LAYOUT, ("ewma",)), Ewma(rate=2 / (1 + Averages().spans[1]), limit=9.0)
    states, found = of.update(of.init(), WINDOWS, NO_DOUBT)
    state = scalar.init()
    for value in WINDOWS[:, LOG_LIKELIHOOD]:
        state, said = scalar.update(state, value)
    assert states[0].memory[1, 0] == pytest.approx(state.mean)
    away = found.values[-1, 1, LOG_LIKELIHOOD] * np.sqrt(2 / 9) + 1 - 2 / 9  # Wilson and Hilferty undone
    assert away**3 == pytest.approx(said.statistic**2)


def test_sums_of_one_number_that_goes_one_way_are_those_of_a_number():
    of, scalar = bank(LAYOUT, ("cusum",)), Cusum(allowance=Sums().allowances[1], limit=99.0)
    rising = np.abs(WINDOWS[:40])
    _, found = of.update(of.init(), rising, NO_DOUBT)
    _, falling = of.update(of.init(), -rising, NO_DOUBT)
    state = scalar.init()
    for window, value in enumerate(rising[:, LOG_LIKELIHOOD]):
        state, said = scalar.update(state, value)
        assert found.values[window, 1, LOG_LIKELIHOOD] == pytest.approx(said.statistic)
    assert falling.values == pytest.approx(found.values)


@pytest.mark.parametrize("seen", [1, 3, 4, 7, 8, 255, 256, 400, 700])
def test_suffixes_are_the_newest_windows_of_each_size(seen):
    detector, of = Suffixes(), bank(LAYOUT, ("windows",))
    states, _ = of.update(of.init(), WINDOWS[:seen], NO_DOUBT)
    for scale, size in enumerate(detector.sizes):
        length = seen if seen < size else size + seen % size
        assert size <= length < 2 * size or length == seen
        expected = WINDOWS[seen - length : seen].mean(axis=0)
        assert of.departure(states, scale) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_each_sees_a_change_and_says_how_large_it_is(name):
    of = bank(LAYOUT, (name,))
    states, found = of.update(of.init(), MOVED, NO_DOUBT)
    before, after = found.values[200:700, :, MEAN].max(axis=0), found.values[-1, :, MEAN]
    scale = int((after / before).argmax())
    assert after[scale] > 1.5 * before[scale]
    moved = of.departure(states, scale)[LAYOUT.family.repeat(np.diff(LAYOUT.edges)) == MEAN]
    assert moved.mean() == pytest.approx(0.5, abs=0.2)


def test_a_sum_does_not_grow_far_above_its_limit_so_that_it_comes_back():
    of = bank(LAYOUT, ("cusum",))
    limits = np.full((of.scales, 5), 10.0)
    far = np.full((1000, LAYOUT.size), 3.0)
    states, found = of.update(of.init(), far, NO_DOUBT, limits)
    assert found.values.max() == pytest.approx(10.0)
    _, found = of.update(states, np.zeros((40, LAYOUT.size)), NO_DOUBT, limits)
    assert found.values[-1] == pytest.approx(0.0)


def test_a_centre_that_is_not_known_well_makes_long_scales_say_less():
    for name in ("ewma", "windows"):
        of = bank(LAYOUT, (name,))
        (_, sure), (_, unsure) = (of.update(of.init(), MOVED, doubt) for doubt in (NO_DOUBT, np.full(5, 0.01)))
        less = (unsure.values[-1, :, MEAN] / sure.values[-1, :, MEAN]).tolist()
        assert less == sorted(less, reverse=True)
        assert less[0] > 0.97
        assert less[-1] < 0.8


def test_a_window_counts_no_more_than_one_that_is_far_and_others_count_whole():
    rows = np.array(WINDOWS[:3])
    rows[1] = 1e150 * np.where(np.arange(LAYOUT.size) % 2, 1.0, -1.0)
    rows[2] *= 1e30
    shortened = bounded(LAYOUT, frozen(rows))
    assert bounded(LAYOUT, WINDOWS) is WINDOWS
    assert np.array_equal(shortened[0], rows[0])
    for before, after in zip(rows[1:], shortened[1:], strict=True):
        for first, last in pairwise(LAYOUT.edges):
            part, most = after[first:last], np.sqrt(last - first) + FAR
            assert np.linalg.norm(part) == pytest.approx(most)
            assert part / most == pytest.approx(before[first:last] / np.linalg.norm(before[first:last]))


def test_what_averages_hold_far_above_their_limits_is_let_go_but_not_by_the_shortest():
    of, limits = bank(LAYOUT, ("ewma",)), np.full((4, 5), 4.0)
    far = np.full((1000, LAYOUT.size), 3.0)
    (states, found), (_, whole) = (of.update(of.init(), far, NO_DOUBT, most) for most in (limits, None))
    assert np.array_equal(found.values[:, 0], whole.values[:, 0])
    for scale in range(1, 4):
        first = int((whole.values[:, scale, MEAN] > 4.0).argmax())
        assert np.array_equal(found.values[: first + 1, scale, MEAN], whole.values[: first + 1, scale, MEAN])
    _, after = of.update(states, np.zeros((1, LAYOUT.size)), NO_DOUBT, limits)
    assert (after.values[0, 1:] < 4.0).all()
