"""What observers keep to themselves between commits."""

import pytest

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
