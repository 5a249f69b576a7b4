"""What is said at the end of a run, and of an alarm that nobody watches any more: on real brokers."""

import asyncio

import pytest

from streamgmm.broker.open import open_broker
from streamgmm.commands.report import story
from streamgmm.commands.report.events import read
from streamgmm.errors import TransactionFailed
from streamgmm.service import model_commands
from streamgmm.service.service import Service
from tests.events import check
from tests.service import faults
from tests.service import test_service as service
from tests.service.test_model_reference import DRIFT, feed, rows
from tests.service.test_service import NOW, broker, events, fill, run_to_end, topic, url  # noqa: F401 - fixtures

WATCHED = {**DRIFT, "reference": "auto", "settle": 200}
HOUR = 3_600_000


async def test_drift_that_is_switched_off_ends_the_alarm_once_and_says_so(url, broker, topic):  # noqa: F811
    await feed(broker, topic, rows(1000, 0))
    await feed(broker, topic, rows(400, 1, shift=3.0), 1000)
    watched, off = (service.settings(url, topic, drift=one) for one in (WATCHED, {**WATCHED, "enabled": False}))
    await run_to_end(watched)
    assert (await model_commands.newest(watched)).live.drift.alarm.level == "alarm"
    for attempt in range(2):  # the second has nothing to say
        crash = faults.Plan("commit", 2, TransactionFailed("made to fail"))
        await run_to_end(off, connect=lambda of, crash=crash: faults.FaultyBroker(open_broker(of), crash))
        assert crash.failed, attempt
    said = [event for event in await events(broker, off) if event["type"] == "drift_switched_off"]
    assert [(event["reference"], event["left"]) for event in said] == [(1, "alarm")]
    check(said[0])
    assert (await model_commands.newest(off)).live.drift.alarm.level == "none"
    seen = await read(broker, off, NOW - HOUR, NOW + HOUR)
    assert [span.end for span in story.alarms(seen)] == [said[0]["time"]]
    assert story.now(seen).startswith("off at ")
    await feed(broker, topic, rows(200, 2, shift=3.0), 1400)
    await run_to_end(watched)  # the stream still differs
    assert [e["type"] for e in await events(broker, watched) if e["type"] == "drift_raised"] == ["drift_raised"] * 2


async def test_the_last_summary_is_written_once_and_knows_all_that_was_committed(url, broker, topic):  # noqa: F811
    given = service.settings(url, topic)
    for runs in (1, 2):
        await fill(broker, topic, seed=runs)
        await run_to_end(given)
        last = (await events(broker, given))[-1]
        check(last)
        assert (last["type"], last["totals"]["records"]) == ("summary", 400 * runs)
        assert sum(last["weights"].values()) == pytest.approx(1)
        assert [event["type"] for event in await events(broker, given)].count("summary") == runs


@pytest.mark.parametrize("mode", ["exactly_once", "at_least_once"])
async def test_a_learner_that_is_told_to_stop_says_how_things_stand(url, broker, topic, mode):  # noqa: F811
    await fill(broker, topic)
    given = service.settings(url, topic, delivery={"mode": mode, "commit_interval": 0.03, "commit_records": 60})
    running = Service(given)
    work = asyncio.create_task(running.run())
    await service.until(lambda: running.observers.snapshot.totals.records == 400)
    running.stop()
    await work
    told = [event for event in await events(broker, given) if event["type"] == "summary"]
    assert [event["totals"]["records"] for event in told] == [400]
