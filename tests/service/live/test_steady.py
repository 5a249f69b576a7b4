"""A sentence that can be read: it stands for a while, whatever the newest windows say."""

from streamgmm.service.live.steady import READABLE, Said, said
from streamgmm.service.snapshot import DriftView
from tests.service.snapshots import NO_DRIFT

COOL_DOWN = 1000


def drift(state: str, sentence: str | None = None) -> DriftView:
    return NO_DRIFT._replace(state=state, sentence=sentence, statistics=())


def texts(*seen: tuple[float, DriftView]) -> list[str]:
    found, before = list[str](), None
    for time, view in seen:
        before = said(before, view, time, COOL_DOWN)
        found.append(before.text)
    return found


def test_while_an_alarm_stands_its_words_change_every_few_seconds_at_most() -> None:
    every = [(0.25 * i, drift("alarm", f"C{i} moved")) for i in range(41)]  # ten seconds, four times a second
    assert [text.split()[-2] for text in texts(*every)] == ["C0"] * 20 + ["C20"] * 20 + ["C40"]


def test_a_change_of_state_is_told_at_once() -> None:
    found = texts((0, drift("none")), (1, drift("warning", "a")), (2, drift("alarm", "b")), (3, drift("none")))
    assert [text.rsplit(". ")[-1] for text in found] == [
        "The stream looks like its reference.",
        "A.",
        "B.",
        "The stream looks like its reference.",
    ]


def test_words_are_not_waited_for_and_stay_while_there_are_none_for_a_moment() -> None:
    found = texts((0, drift("alarm")), (1, drift("alarm", "C1 moved")), (2, drift("alarm")), (9, drift("alarm")))
    assert ["C1 moved." in text for text in found] == [False, True, True, False]


def test_what_is_counted_down_is_never_held_up() -> None:
    found = texts(*((i / 4, drift("calibrating", f"after {9 - i} more vectors")) for i in range(9)))
    assert len(set(found)) == 9


def test_a_clock_that_is_set_back_holds_nothing_up() -> None:
    before = Said(1e9, drift("alarm", "a"), "old")
    assert said(before, drift("alarm", "b"), 1e9 - READABLE, COOL_DOWN).text.endswith("B.")
