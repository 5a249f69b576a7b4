import pytest

from streamgmm.demo import history
from streamgmm.demo.history import History
from streamgmm.service.snapshot import DriftState
from tests.demo.snapshots import running


def played(seconds: float, alarm: tuple[float, float] = (1e9, 1e9)) -> History:
    """Ten commits a second of 200 records each; the first weight grows by .02 a second."""
    past = history.init()
    for tick in range(int(seconds * 10) + 1):
        now = tick / 10
        drift: DriftState = "alarm" if alarm[0] <= now < alarm[1] else "none"
        past = history.update(past, running(tick * 200, drift, (0.1 + 0.02 * now, 0.3, 0.6 - 0.02 * now)), now)
    return past


def test_rate_is_records_a_second() -> None:
    assert history.rate(history.init()) is None
    assert history.rate(played(0)) is None
    assert history.rate(played(20)) == pytest.approx(2000)


def test_trends_follow_the_weights() -> None:
    past = played(10)
    assert [history.trend(past, component) for component in (0, 1, 2, 99)] == [1, 0, -1, 0]
    assert history.trend(history.init(), 0) == 0


def test_a_slot_holds_the_mean_of_its_commits() -> None:
    past = history.init()
    for now, value in ((0.0, -4.0), (0.2, None), (0.4, -6.0), (0.6, -3.0)):
        past = history.update(past, running(log_likelihood=value), now)
    assert history.log_likelihoods(past) == (-5.0, -3.0)


def test_memory_is_bounded() -> None:
    past = played(300)
    assert len(past.slots) == history.SLOTS
    for tick in range(3 * history.ALARMS):
        past = history.update(past, running(drift="alarm" if tick % 2 else "none"), 300 + tick)
    assert len(past.alarms) == history.ALARMS


def test_alarms_are_kept_with_their_time() -> None:
    past = played(10, alarm=(4.0, 6.0))
    assert [(alarm.raised, alarm.time) for alarm in past.alarms] == [(True, 4.0), (False, 6.0)]
    first = history.first_alarm(past, after=3.0)
    assert first is not None
    assert first.records == 8000
    assert history.first_alarm(past, after=5.0) is None
