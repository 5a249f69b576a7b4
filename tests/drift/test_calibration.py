"""How many vectors pass between false alarms, against the number asked for: seeded, with confidence bounds."""

from itertools import pairwise

import numpy as np
import pytest

from benchmarks.drifting import run_lengths
from benchmarks.drifting.run_lengths import Case, Lengths
from streamgmm.drift import calibration, monitor
from tests.drift.models import draw, frozen, plan, watching

ASKED, STREAMS, HORIZON = 2000, 10, 8000
PLAN = plan(reference_size=ASKED // 10, run_length=ASKED, window=20)


def lengths(reference, stream):
    """Streams held against one reference."""
    state, info = monitor.update(frozen(), reference, PLAN)
    assert info.calibrated
    seen, alarms = 0, 0
    for number in range(STREAMS):
        _, info = monitor.update(state, stream(number), PLAN)
        rises = [change.row for change in info.changes if change.kind == "raised"]
        seen, alarms = seen + (rises[0] if rises else HORIZON), alarms + bool(rises)
    return Lengths(seen, alarms)


def of_references(count, memory):
    return [
        lengths(
            draw(ASKED // 10, [seed, 1], memory=memory),
            lambda number, seed=seed: draw(HORIZON, [seed, number, 2], memory=memory),
        )
        for seed in range(count)
    ]


def within(found, asked, factor):
    """The mean run length is the one asked for within a factor, and its 95 % of references within twice as much."""
    low, high = run_lengths.interval(found, asked)
    assert 1 / factor < run_lengths.mean(found) / asked < factor
    assert 1 / factor / 2 < low < high < factor * 2


def test_the_run_length_is_the_one_asked_for():
    within(of_references(6, memory=0.0), ASKED, factor=1.5)


def test_a_longer_run_length_has_higher_limits():
    """Of each detector, where the same windows are simulated: also beyond what they reach to."""
    rng = np.random.default_rng(0)
    values = 3 + np.cumsum(rng.normal(size=(60, 600, 2, 3)), axis=1) / 10 + rng.gumbel(size=(60, 600, 2, 3))
    found = [calibration.chosen(values, target) for target in (20, 50, 200, 400, 500, 2000, 20_000)]
    for shorter, longer in pairwise(found):
        assert (longer.alarm >= shorter.alarm).all()
        assert (longer.alarm > shorter.alarm).any()
        assert (longer.warning >= shorter.warning).all()
    for one, target in zip(found[:4], (20, 50, 200, 400), strict=True):
        assert (one.alarm >= one.warning).all()
        assert one.simulated == pytest.approx(target, rel=0.05)


def test_a_longer_run_length_raises_the_limits_of_all_detectors_together():
    """Other windows are simulated for it, so a single limit may be lower by chance; the warning's lies far below."""
    shorter, longer = (watching(plan(run_length=length)).watch.standard for length in (10_000, 100_000))
    told = shorter.alarm > 3  # the least limit of what never varies
    assert (longer.alarm - shorter.alarm)[told].mean() > 0.2
    assert (shorter.alarm >= shorter.warning).all()


@pytest.mark.long
def test_the_run_length_of_a_stream_with_memory_is_the_one_asked_for():
    within(of_references(12, memory=0.3), ASKED, factor=2)  # two hundred vectors say little of a memory


@pytest.mark.long
@pytest.mark.parametrize(("correlation", "factor"), [(0.0, 1.5), (0.3, 2.0)])
def test_the_run_length_of_ten_components_that_were_learnt_is_the_one_asked_for(correlation, factor):
    case = Case(8, 10_000, correlation, streams=6)
    within([run_lengths.measure(case, seed) for seed in range(12)], case.run_length, factor)
