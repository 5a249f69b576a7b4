"""What observers keep to themselves between commits."""

import pytest

from streamgmm.engine import plan as plans
from streamgmm.engine import step as engine
from streamgmm.engine.values import Report, State, Totals
from streamgmm.service import observers
from tests.page.shown import settings_for


def test_a_summary_changes_nothing_but_when_the_next_one_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(observers.time, "monotonic", lambda: now)
    seen = observers.Observers(settings_for(("a", "b"), 2))
    seen.phase("draining", "told to stop")
    assert seen.events() == ()
    now += observers.SUMMARY_EVERY
    assert [event.type for event in seen.events()] == ["summary"]
    assert seen.events() == ()
    assert seen.last_commit == 1000.0
    seen.phase("running", "learning")
    assert seen.snapshot.phase == "draining"


def restored(records: int) -> State:
    return engine.init({0: 7}, 2)._replace(totals=Totals(records=records))


def watched(monkeypatch: pytest.MonkeyPatch) -> tuple[observers.Observers, list[float]]:
    """Observers of a service that has read its plan, and their clock."""
    now = [1000.0]
    monkeypatch.setattr(observers.time, "monotonic", lambda: now[0])
    settings = settings_for(("a", "b"), 2)
    seen = observers.Observers(settings)
    seen.plan(plans.plan(settings, largest_record=1_000_000))
    return seen, now


def test_the_first_summary_after_a_restart_counts_only_what_came_since(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, now = watched(monkeypatch)
    seen.show(restored(500_000), Report())
    seen.show(restored(500_600), Report())
    now[0] += observers.SUMMARY_EVERY
    assert [event.fields["records_per_second"] for event in seen.events()] == [10.0]


def test_the_last_summary_comes_before_the_minute_is_over_and_has_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, now = watched(monkeypatch)
    seen.show(restored(100), Report())
    seen.show(restored(600), Report())
    now[0] += 10
    assert seen.events() == ()
    assert [event.fields["records_per_second"] for event in seen.events(last=True)] == [50.0]
    seen.show(restored(601), Report())
    assert [event.fields["records_per_second"] for event in seen.events(last=True)] == [1.0]  # no time has passed


def test_a_learner_that_commits_nothing_is_seen_to_fall_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, _ = watched(monkeypatch)
    seen.input_ends({0: 9})
    assert seen.snapshot.lag == {}  # of what, is not known before the model is
    seen.show(restored(7), Report())
    assert seen.snapshot.lag == {0: 2}
    seen.input_ends({0: 9_007})
    assert seen.snapshot.lag == {0: 9_000}
    assert b'streamgmm_lag_records{model="players",partition="0"} 9000.0' in seen.metrics.render()[0]
