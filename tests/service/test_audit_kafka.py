import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from streamgmm.broker.interface import Broker
from streamgmm.broker.open import open_broker
from streamgmm.service.audit import audit
from streamgmm.service.audit.scan import scan
from tests.service.world import World, settings


@pytest.fixture
def topic() -> str:
    return f"players-{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def broker(kafka_url, topic) -> AsyncIterator[Broker]:
    async with open_broker(settings(kafka_url, topic).broker) as broker:
        yield broker


@pytest.fixture
async def world(broker, topic) -> World:
    world = World(broker, settings(broker.url, topic), partitions=1)
    await world.create()
    return world


async def test_markers_and_aborted_records_are_no_input(world, topic):
    for sent in (3, 2):
        writer = await world.broker.writer(topic)
        await writer.begin()
        await writer.send(topic, 0, world.records(range(sent)))
        if sent == 3:
            await writer.commit()  # offsets 0 to 2, and a marker at 3
        await writer.close()  # the second leaves offsets 4 and 5 to be aborted
    writer = await world.broker.writer(topic)  # fences the one before, which aborts at once
    await writer.begin()
    await writer.send(topic, 0, world.records([0]))
    await writer.commit()
    await writer.close()
    await world.assign(0, [0, 1, 2])
    end = (await world.broker.offsets(topic, "latest", isolation="read_uncommitted"))[0]
    await world.checkpoint({0: 0}, {0: end})
    report = await audit(world.settings, world.broker)
    assert (report.input, report.assigned, report.missing) == (4, 3, 1)
    assert report.notes == ()


async def test_another_programs_open_transaction_hides_nothing_for_long(world, topic):
    await world.feed(2)
    other = await world.broker.writer(f"{topic}-other")
    await other.begin()
    await other.send(world.settings.topics["assignments"], 0, world.records([0]))
    await world.assign(0, [0, 1])
    await world.checkpoint({0: 0}, {0: 2})
    auditing = asyncio.create_task(audit(world.settings, world.broker))
    await asyncio.wait({auditing}, timeout=1)
    await other.commit()
    await other.close()
    report = await auditing
    assert (report.assigned, report.ok, report.unreadable) == (2, True, ())


async def test_what_stays_hidden_is_said(world, topic):
    other = await world.broker.writer(f"{topic}-other")
    await other.begin()
    await other.send(topic, 0, world.records([0]))
    await world.feed(2)
    end = await world.broker.offsets(topic, "latest", isolation="read_uncommitted")
    (gap,) = await scan(world.broker, topic, {0: 0}, end, lambda _partition, _columns: None, patience=1.0)
    assert gap[:3] == (0, 0, end[0])
    assert f"{topic}/0 from offset 0 to {end[0] - 1}: a transaction that is still open hides what follows" in gap.line
    await other.close()
