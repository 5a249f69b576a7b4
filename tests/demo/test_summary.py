import io
from collections.abc import Callable

from rich.console import Console

from streamgmm.demo import datasets, run, story, summary
from streamgmm.demo.stage import Stage
from streamgmm.demo.summary import Next
from streamgmm.service.audit.report import AuditReport
from tests.demo.snapshots import running

NEXT = Next(".venv/bin/streamgmm", "streamgmm/data/players.csv", "streamgmm/data/players.yaml")


def played(seconds: float, alarm_at: float = 1e9, false_alarm_at: float = 1e9) -> Stage:
    """A demo of 40 s at 2000 records a second, seen ten times a second for so long; changes at 22 s."""
    clock = {"now": 100.0}
    now: Callable[[], float] = lambda: clock["now"]  # noqa: E731
    stage = Stage(datasets.players(), story.schedule(40.0, 18_000), now, running())
    for tick in range(int(seconds * 10) + 1):
        clock["now"] = 100 + tick / 10
        alarm = tick / 10 >= alarm_at or tick / 10 == false_alarm_at
        weights = (0.25, 0.3, 0.1, 0.35) if stage.story.population == 0 else (0.5, 0.1, 0.1, 0.3)
        stage.observe(running(200 * tick, "alarm" if alarm else "none", weights))
        stage.next_population()
    return stage


def drawn(stage: Stage, width: int = 80) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(summary.render(stage, "Audit: ok."))
    return console.export_text()


def test_segments_are_named_from_the_slowest_to_the_fastest_with_their_shares_before_and_after() -> None:
    rows = {line.split()[0]: line.split()[1:] for line in drawn(played(40, 23.5)).splitlines() if line.strip()}
    assert rows["slowest"] == ["C1", "72.4", "30%", "10%"]
    assert rows["steady"] == ["C3", "106", "35%", "30%"]
    assert rows["quick"] == ["C2", "123", "10%", "10%"]
    assert rows["fastest"] == ["C0", "155", "25%", "50%"]


def test_it_says_how_long_the_alarm_took() -> None:
    text = " ".join(drawn(played(40, 23.5)).split())
    assert "the alarm rose 1.5 s, or about 3,000 records, after the population changed" in text
    assert "false" not in text


def test_it_owns_up_to_a_false_alarm_and_to_a_missed_one() -> None:
    assert "1 false alarm(s) before" in drawn(played(40, 23.5, false_alarm_at=12.0))
    assert "no alarm rose" in drawn(played(40))


def test_it_says_what_was_done_and_what_to_try() -> None:
    text = drawn(played(40, 23.5), 120)
    assert "80,000 records in 40 s (2,000/s" in text
    assert "Audit: ok." in text
    lines = list(summary.commands(NEXT))
    for command in ("replay streamgmm/data/players.csv", "run --config streamgmm/data/players.yaml", "tail --topic"):
        assert any(line.startswith(f"  .venv/bin/streamgmm {command}") for line in lines)


def test_a_demo_that_ended_early_says_so() -> None:
    assert "the population did not change" in drawn(played(5))
    stage = played(1)
    stage.snapshot = stage.snapshot._replace(components=())
    assert "nothing yet" in drawn(stage)


def test_other_numbers_of_segments_are_counted() -> None:
    assert summary.names(2, ("a", "b")) == ("a", "b")
    assert summary.names(3, ("a", "b")) == ("1 of 3", "2 of 3", "3 of 3")


def test_what_the_demos_log_has_dropped_is_no_gap_in_the_audits_sentence() -> None:
    whole = AuditReport("players", "exactly_once", input=340, assigned=330, dead_lettered=10)
    assert run.audited(whole) == "Audit: 340 records in, 340 out; ok: every record is there, none twice."
    aged = whole._replace(assigned=250, taken_from_output=80)
    assert "340 records in, 340 out, the first 80 of them no longer kept; ok" in run.audited(aged)
