"""Large models: whole checkpoints now and then, progress records between them, and learning again at a restart.

The models here are small; `checkpoint_bytes: 0` makes them large.
"""

import uuid
from collections.abc import Callable

import pytest

from streamgmm import settings as all_settings
from streamgmm.broker.open import open_broker
from streamgmm.errors import StateLost, TransactionFailed
from streamgmm.service import model_commands, model_topic, progress
from streamgmm.service.audit import audit
from streamgmm.service.plain import to_plain
from streamgmm.service.progress import Progress
from streamgmm.service.service import Service
from streamgmm.settings import Settings
from tests.engine import streams
from tests.service import faults
from tests.service.test_metrics import value as told
from tests.service.test_service import fill, outputs, read, run_to_end, settings

LARGE = {"checkpoint_bytes": 0, "checkpoint_interval": 600, "commit_interval": 0.03, "commit_records": 60}


@pytest.fixture(params=["sqlite", "kafka"])
def url(request, tmp_path):
    return f"sqlite:///{tmp_path}/log.db" if request.param == "sqlite" else request.getfixturevalue("kafka_url")


@pytest.fixture
async def broker(url):
    async with open_broker(all_settings.Broker(url=url)) as opened:
        yield opened


@pytest.fixture
def topic():
    return f"in-{uuid.uuid4().hex[:8]}"


def large(url, topic, **sections) -> Settings:
    return settings(url, topic, delivery=LARGE, **sections)


class Dies(Exception):
    """Stands for the end of the process: nobody handles it."""


def dies(name, nth):
    fault = faults.Plan(name, nth, Dies(f"died at {name}"))
    return fault, lambda of: faults.FaultyBroker(open_broker(of), fault)


async def killed(given, name, nth):
    """A run that dies at the n-th moment of a name."""
    fault, connect = dies(name, nth)
    with pytest.raises(Dies):
        await run_to_end(given, connect=connect)
    assert fault.failed, fault.moments


async def newest(broker, given):
    return await model_topic.newest(broker, given.topics["model"], "m")


async def keys(broker, given):
    return [record.key.decode() for record in (await read(broker, given.topics["model"]))[0]]


# ---- the checksum


@pytest.mark.parametrize("last", [[0.5, 0.25], [0.5, None], [None, 0.25], [[0.5, None], [None, 1.0]]])
def test_the_checksum_tells_every_vector_of_the_batch_that_is_not_complete(last):
    steady = [streams.record(i, row) for i, row in enumerate(streams.vectors(110).tolist())]
    others = [[1.5, None], [None, 1.25], [1.5, 1.25], last]
    sums = set()
    for value in others:
        state, _ = streams.run(streams.plan(), [[*steady, streams.record(110, value)]])
        assert state.model.filled > 0
        sums.add(progress.checksum(state))
    assert len(sums) == len(others)


# ---- what is written


async def test_a_large_model_writes_a_whole_checkpoint_now_and_then_and_progress_between(url, broker, topic):
    await fill(broker, topic)
    given = large(url, topic)
    await killed(given, "begin", 8)
    written = [key.split("/", 1)[1] for key in await keys(broker, given)]
    found = await newest(broker, given)
    assert len(found.progress) >= 2
    assert written[-len(found.progress) - 1 :] == ["0", *(f"progress/{i}" for i in range(len(found.progress)))]
    assert found.reached.positions[0] > found.checkpoint.positions[0]


async def test_what_is_told_of_a_checkpoint_is_told_of_the_last_whole_one(url, broker, topic):
    await fill(broker, topic)
    given, (_, connect) = large(url, topic), dies("begin", 8)
    service = Service(given, until_end=True, connect=connect)
    with pytest.raises(Dies):
        await service.run()
    records = (await read(broker, given.topics["model"]))[0]
    whole = [record for record in records if record.key.endswith(b"/0") and b"/progress/" not in record.key][-1]
    flow = service.observers.recorder.make().flow
    assert len((await newest(broker, given)).progress) >= 2
    assert flow.checkpoint_bytes == len(whole.value)
    assert told(service.observers.metrics, "streamgmm_checkpoint_size_bytes") == len(whole.value)
    assert told(service.observers.metrics, "streamgmm_commits_total") == flow.commits > 2


async def test_a_clean_end_leaves_a_whole_checkpoint(url, broker, topic):
    await fill(broker, topic)
    given = large(url, topic)
    await run_to_end(given, connect=dies("never", 1)[1])  # in small rounds
    found = await newest(broker, given)
    assert found.checkpoint.positions[0] == found.reached.positions[0] >= 400 and not found.progress
    assert any("/progress/" in key for key in await keys(broker, given))


async def test_each_whole_checkpoint_begins_the_numbers_anew(url, broker, topic):
    await fill(broker, topic)
    given = settings(url, topic, delivery=LARGE | {"checkpoint_interval": 0})
    await killed(given, "begin", 8)
    assert not any("/progress/" in key for key in await keys(broker, given))


async def test_a_small_model_writes_no_progress(url, broker, topic):
    await fill(broker, topic)
    given = settings(url, topic)
    await run_to_end(given)
    assert not any("/progress/" in key for key in await keys(broker, given))


# ---- restoring


@pytest.mark.parametrize("partitions", [1, 3])
@pytest.mark.parametrize("moment", [("begin", 7), ("committed", 6), ("begin", 9)])
async def test_learning_again_leads_to_the_same_model_and_the_same_assignments(url, broker, topic, partitions, moment):
    await fill(broker, topic, partitions=partitions)
    given = large(url, topic)
    await killed(given, *moment)
    before = await newest(broker, given)
    assert before.progress
    await run_to_end(given)
    assert (await audit(given, broker)).ok
    if partitions == 1:  # with several the order is that of arrival
        calm = settings(url, topic, output={"topic": f"{topic}.calm"})
        await run_to_end(calm)
        assert await outputs(broker, given) == await outputs(broker, calm)
        assert to_plain((await newest(broker, given)).checkpoint.live) == to_plain(
            (await newest(broker, calm)).checkpoint.live
        )


@pytest.mark.parametrize("case", range(0, 20, 3))
async def test_a_failure_at_any_step_loses_nothing_and_repeats_nothing(url, broker, topic, case):
    await fill(broker, topic)
    name, nth = list(faults.moments(topic))[case]
    fault = faults.Plan(name, nth, TransactionFailed(f"made to fail at {name}"))
    given, calm = large(url, topic), settings(url, topic, output={"topic": f"{topic}.calm"})
    await run_to_end(given, connect=lambda of: faults.FaultyBroker(open_broker(of), fault))
    await run_to_end(calm)
    assert fault.failed, fault.moments
    assert (await audit(given, broker)).ok
    assert await outputs(broker, given) == await outputs(broker, calm)


async def test_killed_again_and_again_in_the_middle_of_progress(url, broker, topic):
    await fill(broker, topic, n=1200)
    given, calm = large(url, topic), settings(url, topic, output={"topic": f"{topic}.calm"})
    for _ in range(3):
        await killed(given, "begin", 7)
        assert (await newest(broker, given)).progress
        assert (await audit(given, broker)).ok
    await run_to_end(given)
    await run_to_end(calm)
    assert (await audit(given, broker)).ok
    assert await outputs(broker, given) == await outputs(broker, calm)


async def test_records_are_learnt_again_under_the_settings_of_the_checkpoint(url, broker, topic):
    """New settings apply after the next whole checkpoint, to what is read after it."""
    await fill(broker, topic)
    given = large(url, topic)
    await killed(given, "begin", 8)
    reached = (await newest(broker, given)).reached.totals.records
    changed = large(url, topic, learning={"batch_size": 7, "exponent": 0.9, "delay": 3})
    await run_to_end(changed)
    assert (await audit(changed, broker)).ok
    calm = settings(url, topic, output={"topic": f"{topic}.calm"})
    await run_to_end(calm)
    ours, theirs = (await outputs(broker, given))["assignments"][0], (await outputs(broker, calm))["assignments"][0]
    same = next(i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
    assert same >= reached * 18 // 20


async def test_other_records_than_were_learnt_are_lost_input(url, broker, topic):
    await fill(broker, topic)
    given = large(url, topic)
    await killed(given, "begin", 8)
    await write_progress(broker, given, lambda last: last._replace(number=last.number + 1, learnt=(), checksum=1))
    with pytest.raises(StateLost, match="leads to another model"):
        await run_to_end(given)
    assert "has forgotten" in await model_commands.reset(given)
    await run_to_end(given)
    assert (await audit(given, broker)).ok


async def test_a_missing_progress_record_is_lost_state(url, broker, topic):
    await fill(broker, topic)
    given = large(url, topic)
    await killed(given, "begin", 8)
    last = await write_progress(broker, given, lambda last: last._replace(number=last.number + 2))
    with pytest.raises(StateLost, match=f"number {last.number + 1} is missing"):
        await run_to_end(given)


async def write_progress(broker, given, made: Callable[[Progress], Progress]) -> Progress:
    """One more progress record, made of the last one, which is returned.

    The writer comes first: it waits for the markers of what was last committed, without which the last is not seen.
    """
    writer = await broker.writer(model_topic.transactional_id(given))
    last = (await newest(broker, given)).progress[-1]
    record = made(last)
    key = model_topic.Keys("m").progress(record.number)
    await model_topic.publish(writer, given.topics["model"], [(key, progress.encode(record))])
    await writer.close()
    return last
