import numpy as np

from streamgmm.service.audit.tally import Tally


def offsets(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def test_every_record_once():
    tally = Tally(100, 104)
    tally.read(offsets(99, 100, 101, 103, 104))  # 102 is a transaction's marker
    tally.assigned(offsets(100, 103, 104, 99))
    tally.dead_lettered(offsets(101))
    verdict = tally.verdict()
    assert (verdict.input, verdict.assigned, verdict.dead_lettered) == (3, 2, 1)
    assert (verdict.missing.tolist(), verdict.duplicated.tolist(), verdict.not_in_input) == ([], [], 0)


def test_missing_and_duplicated():
    tally = Tally(0, 6)
    tally.read(np.arange(6))
    tally.assigned(offsets(0, 1, 1, 2))
    tally.assigned(offsets(2, 2))
    tally.assigned(offsets(3))
    tally.dead_lettered(offsets(3))
    verdict = tally.verdict()
    assert verdict.missing.tolist() == [4, 5]
    assert verdict.duplicated.tolist() == [1, 2, 3]
    assert (verdict.assigned, verdict.dead_lettered) == (4, 1)


def test_what_waits_or_was_skipped_is_not_missing_but_may_still_be_duplicated():
    tally = Tally(10, 20)
    tally.read(np.arange(10, 20))
    tally.wait(5, 14)
    tally.skip(12, 16)
    tally.dead_lettered(offsets(10, 11, 11))
    tally.assigned(offsets(16, 17, 18, 19))
    verdict = tally.verdict()
    assert (verdict.waiting, verdict.skipped) == (2, 2)
    assert verdict.missing.tolist() == []
    assert verdict.duplicated.tolist() == [11]


def test_what_the_input_no_longer_holds_is_not_missing():
    tally = Tally(0, 3)
    tally.read(offsets(2))
    tally.assigned(offsets(1, 2))
    verdict = tally.verdict()
    assert (verdict.input, verdict.not_in_input, verdict.missing.tolist()) == (1, 1, [])


def test_counts_do_not_wrap_around():
    tally = Tally(0, 1)
    tally.read(offsets(0))
    for _ in range(2):
        tally.assigned(np.zeros(256, np.int64))
    assert tally.verdict().duplicated.tolist() == [0]
    assert tally.verdict().assigned == 1


def test_nothing_to_count():
    tally = Tally(5, 5)
    tally.read(offsets(5))
    tally.assigned(offsets(4, 5))
    tally.wait(0, 10)
    assert tally.verdict().input == 0
