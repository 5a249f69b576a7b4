"""A restore does not depend on how long the stream was: the model topic is read from near its end."""

import asyncio
import time
import uuid

import pytest

from streamgmm import settings as all_settings
from streamgmm.broker.open import open_broker
from streamgmm.records.columns import Record, of_records
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service import model_topic
from streamgmm.service.model_topic import Keys
from tests.service.faults import FaultyBroker
from tests.service.test_service import fill, run_to_end, settings

CHECKPOINTS, AT_ONCE = 100_000, 5000


@pytest.fixture(params=["sqlite", "kafka"])
def url(request, tmp_path):
    return f"sqlite:///{tmp_path}/log.db" if request.param == "sqlite" else request.getfixturevalue("kafka_url")


@pytest.fixture
async def broker(url):
    async with open_broker(all_settings.Broker(url=url)) as opened:
        yield opened


async def append(broker, topic, records):
    writer = await broker.writer()
    await writer.send(topic, 0, of_records(records, len(records)))
    await writer.commit()
    await writer.close()


async def fetches(broker, given):
    """How often the model topic is fetched from, and how many seconds it takes, to find the newest checkpoint."""
    counted = []

    async def count(moment):
        counted.append(moment)

    began = time.monotonic()
    found = await model_topic.newest(FaultyBroker(broker, count), given.topics["model"], "m")
    return found, sum(moment.startswith("fetch") for moment in counted), time.monotonic() - began


async def many_records(broker, given, key, n):
    """A topic that compaction has not run over: records of one key, none of them the last."""
    held = (await model_topic.newest(broker, given.topics["model"], "m")).checkpoint
    while held.live is None:  # Kafka shows a transaction a moment after its commit
        await asyncio.sleep(0.05)
        held = (await model_topic.newest(broker, given.topics["model"], "m")).checkpoint
    (part,) = checkpoints.encode(held._replace(live=None), "old", 100_000)
    now = time.time_ns() // 1_000_000
    for first in range(0, n, AT_ONCE):
        await append(broker, given.topics["model"], [Record(first + i, now, key, part) for i in range(AT_ONCE)])
    return held


async def test_the_newest_of_1e5_checkpoints_is_found_near_the_end(url, broker):
    topic = f"in-{uuid.uuid4().hex[:8]}"
    await fill(broker, topic)
    given = settings(url, topic)
    await run_to_end(given)
    held = await many_records(broker, given, Keys("m").part(0), CHECKPOINTS)
    newest = held._replace(positions={0: held.positions[0] - 7})
    parts = checkpoints.encode(newest, "newest", 100_000)
    now = time.time_ns() // 1_000_000
    await append(broker, given.topics["model"], [Record(0, now, Keys("m").part(0), parts[0])])
    found, asked, seconds = await fetches(broker, given)
    assert found.checkpoint.positions == newest.positions
    assert asked <= 10 and seconds < 5


async def test_a_checkpoint_far_back_is_found_in_doubling_steps(url, broker):
    """Behind it lie 40 000 records of another model's name, so that the first look near the end finds none."""
    topic = f"in-{uuid.uuid4().hex[:8]}"
    await fill(broker, topic)
    given = settings(url, topic)
    await run_to_end(given)
    held = await many_records(broker, given, Keys("other").part(0), 40_000)
    found = await model_topic.newest(broker, given.topics["model"], "m")
    assert found.checkpoint.positions == held.positions
    await run_to_end(given)


def test_the_steps_double_and_end_at_the_first_record():
    starts = list(model_topic._starts(3, 1000))
    assert [1000 - start for start in starts] == [128, 256, 512, 997]
