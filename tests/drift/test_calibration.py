"""How many vectors pass between false alarms, against the number asked for: seeded, with confidence bounds."""

import numpy as np
import pytest

from benchmarks.drifting import run_lengths
from benchmarks.drifting.run_lengths import Case, Lengths
from streamgmm.drift import monitor
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


@pytest.mark.parametrize("memory", [0.0, 0.3])
def test_the_run_length_is_the_one_asked_for(memory):
    found = [
        lengths(
            draw(ASKED // 10, [seed, 1], memory=memory),
            lambda number, seed=seed: draw(HORIZON, [seed, number, 2], memory=memory),
        )
        for seed in range(8)
    ]
    low, high = run_lengths.interval(found, ASKED)
    assert 1 / 1.5 < run_lengths.mean(found) / ASKED < 1.5
    assert 0.5 < low < high < 2


def test_the_same_reference_gives_the_same_limits_and_a_longer_run_length_higher_ones():
    first, again, longer = (watching(plan(run_length=length)) for length in (10_000, 10_000, 100_000))
    assert np.array_equal(first.watch.standard.alarm, again.watch.standard.alarm)
    assert (longer.watch.standard.alarm >= first.watch.standard.alarm).all()
    assert (first.watch.standard.alarm >= first.watch.standard.warning).all()


@pytest.mark.long
@pytest.mark.parametrize("correlation", [0.0, 0.3])
def test_the_run_length_of_ten_components_that_were_learnt_is_the_one_asked_for(correlation):
    case = Case(8, 10_000, correlation, streams=6)
    found = [run_lengths.measure(case, seed) for seed in range(20)]
    low, high = run_lengths.interval(found, case.run_length)
    assert 1 / 1.5 < run_lengths.mean(found) / case.run_length < 1.5
    assert 0.6 < low < high < 1.8
