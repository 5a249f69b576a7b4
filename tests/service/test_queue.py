"""What waits for a transaction, how much of it goes together, and who waits for room."""

import asyncio

from streamgmm.engine import step as engine
from streamgmm.engine.values import Report
from streamgmm.service.queue import SEND_BYTES, SEND_RECORDS, Queue, Round, together

STATE = engine.init({0: 0}, 2)


def rounds(*sizes):
    """Of so many records, and so many bytes."""
    return [Round(STATE, Report(records=records, n_bytes=n_bytes)) for records, n_bytes in sizes]


def test_rounds_go_together_until_a_send_or_what_is_allowed_is_full():
    small = rounds(*[(SEND_RECORDS // 2, 10)] * 3)
    assert len(together(small, 10 * SEND_RECORDS, SEND_BYTES)) == 2
    assert len(together(small, 100, SEND_BYTES)) == 1  # the oldest goes, however large
    assert len(together(rounds((5 * SEND_RECORDS, 0), (1, 0)), 10 * SEND_RECORDS, SEND_BYTES)) == 1


def test_rounds_go_together_up_to_a_number_of_bytes():
    large = rounds(*[(1, SEND_BYTES // 3)] * 4)
    assert len(together(large, SEND_RECORDS, 10 * SEND_BYTES)) == 3
    assert len(together(large, SEND_RECORDS, SEND_BYTES // 2)) == 1


async def test_who_puts_waits_for_room_but_not_for_a_stage_that_has_ended():
    queue, gate = Queue(lambda reports: len(reports) >= 2), asyncio.Event()
    stage = asyncio.create_task(gate.wait())
    first, second, third = rounds((1, 0), (2, 0), (3, 0))
    await queue.put(first, stage)
    putting = asyncio.create_task(queue.put(second, stage))
    await asyncio.sleep(0)
    assert not putting.done()
    assert queue.is_full
    assert queue.take() == first
    await asyncio.wait_for(putting, 5)
    gate.set()
    await stage
    await asyncio.wait_for(queue.put(third, stage), 5)
    assert [round_.report.records for round_ in queue] == [2, 3]
