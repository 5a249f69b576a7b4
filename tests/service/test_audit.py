import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing

import msgspec
import pytest

from streamgmm.broker.interface import Broker, Topic
from streamgmm.broker.open import open_broker
from streamgmm.engine.values import Range
from streamgmm.errors import BrokerError, SettingsError, StateLost
from streamgmm.records import headers
from streamgmm.records.columns import Record, of_records, slices_of
from streamgmm.records.dead_letters import PREFIX
from streamgmm.service import model_topic
from streamgmm.service.audit import audit
from streamgmm.service.audit.report import AuditReport
from streamgmm.service.model_topic import Keys
from tests.service.world import World, settings

LITTLE = {"retention.bytes": "1"}  # a topic that keeps about one batch
COMPACTED = {"cleanup.policy": "compact"}  # once a mebibyte has come
LARGE = bytes(300_000)


@pytest.fixture
async def broker(tmp_path) -> AsyncIterator[Broker]:
    of = settings(f"sqlite:///{tmp_path}/log.db", "players")
    async with open_broker(of.broker) as broker:
        yield broker


@pytest.fixture
async def world(broker) -> World:
    """6 records in partition 0, 4 in partition 1, nothing published yet."""
    world = World(broker, settings(broker.url, "players"))
    await world.create()
    await world.feed(6, 4)
    return world


async def audited(world: World) -> AuditReport:
    return await audit(world.settings, world.broker)


async def test_every_record_once(world):
    await world.assign(0, range(5))
    await world.set_aside(0, [5])
    await world.assign(1, range(4))
    await world.checkpoint({0: 0, 1: 0}, {0: 6, 1: 4})
    report = await audited(world)
    assert report == AuditReport("players", "exactly_once", input=10, assigned=9, dead_lettered=1)
    assert report.ok
    assert list(report.lines())[-1] == "ok: every record is there, none twice"


async def test_missing_and_duplicated_records_are_named(world):
    await world.assign(0, [0, 1, 2, 2, 3, 5])
    await world.assign(1, range(4))
    await world.set_aside(1, [3])
    await world.checkpoint({0: 0, 1: 0}, {0: 6, 1: 4})
    report = await audited(world)
    assert (report.missing, report.missing_examples) == (1, ("players/0 offset 4",))
    assert (report.duplicated, report.duplicated_examples) == (2, ("players/0 offset 2", "players/1 offset 3"))
    assert not report.ok
    lines = list(report.lines())
    assert "missing: players/0 offset 4" in lines
    assert lines[-1].startswith("FAILED")


async def test_only_the_first_few_are_named(world):
    await world.checkpoint({0: 0, 1: 0}, {0: 6, 1: 4})
    report = await audited(world)
    assert report.missing == 10
    assert report.missing_examples == tuple(f"players/0 offset {i}" for i in range(5))


async def test_duplicates_are_allowed_at_least_once(world):
    relaxed = world.settings.model_copy(
        update={"delivery": world.settings.delivery.model_copy(update={"mode": "at_least_once"})}
    )
    await world.assign(0, [0, 1, 2, 2, 3, 4, 5])
    await world.assign(1, range(4))
    await world.checkpoint({0: 0, 1: 0}, {0: 6, 1: 4})
    report = await audit(relaxed, world.broker)
    assert (report.duplicated, report.ok) == (1, True)
    assert "at_least_once allows duplicates" in list(report.lines())[-1]


async def test_only_what_lies_between_start_and_positions_counts(world):
    await world.assign(0, [2, 3, 4, 5])  # 4 and 5 are ahead of the checkpoint: a learner runs
    await world.checkpoint({0: 2, 1: 4}, {0: 4, 1: 4})
    report = await audited(world)
    assert (report.input, report.assigned, report.missing, report.ok) == (2, 2, 0, True)


async def test_what_a_warm_up_has_buffered_waits(world):
    await world.set_aside(0, [1])
    buffered = (Range(0, 0, 6, 5), Range(1, 0, 4, 4))
    await world.checkpoint({0: 0, 1: 0}, {0: 6, 1: 4}, buffered=buffered)
    report = await audited(world)
    assert (report.waiting, report.dead_lettered, report.missing, report.ok) == (9, 1, 0, True)
    assert any(re.fullmatch(r" +waiting in the warm-up +9", line) for line in report.lines())


async def test_what_events_say_was_skipped_is_not_missing(world):
    await world.assign(0, [0, 1, 5])
    await world.skip(0, 2, 5)
    await world.assign(1, range(4))
    await world.checkpoint({0: 0, 1: 0}, {0: 6, 1: 4})
    report = await audited(world)
    assert (report.skipped, report.missing, report.ok) == (3, 0, True)


async def test_a_partition_made_anew_is_not_audited(world):
    await world.skip(0, 500, 0)
    await world.assign(1, range(4))
    await world.checkpoint({0: 400, 1: 0}, {0: 6, 1: 4})
    report = await audited(world)
    assert (report.input, report.ok) == (4, True)
    assert any("players/0 was made anew" in note for note in report.notes)


async def test_nothing_committed_yet(world):
    report = await audited(world)
    assert (report.committed, report.ok) == (False, True)
    assert list(report.lines()) == ["model players: nothing has been committed yet, so there is nothing to audit"]


async def test_a_name_that_the_model_topic_does_not_hold(world):
    await claim(world, "players", "gamers", "forgotten")
    await claim(world, "forgotten", value=None)
    typo = settings(world.broker.url, "players", model={"name": "plyers", "n_components": 2})
    with pytest.raises(BrokerError, match=r"holds nothing of model 'plyers'; it holds gamers, players: "):
        await audit(typo, world.broker)
    assert (await audited(world)).committed is False  # claimed, and nothing committed yet


async def claim(world: World, *names: str, value: bytes | None = b"") -> None:
    value = model_topic.claim_value(model_topic.claimed(started=False)) if value == b"" else value
    records = [Record(i, 0, Keys(name).claim, value) for i, name in enumerate(names)]
    await world.publish(world.settings.topics["model"], 0, of_records(records, len(records)))


async def test_without_source_headers_there_is_nothing_to_count_by(broker):
    without = settings(broker.url, "players", output={"source_header": False})
    with pytest.raises(SettingsError, match=r"output\.source_header"):
        await audit(without, broker)


async def test_a_checkpoint_that_is_gone_is_an_error(world):
    incomplete = {"checkpoint": "id", "part": 0, "parts": 2, "crc32": 0, "data": b""}
    part = Record(0, 0, Keys("players").part(0), msgspec.msgpack.encode(incomplete))
    await world.publish(world.settings.topics["model"], 0, of_records([part], 1))
    with pytest.raises(StateLost, match="no complete checkpoint"):
        await audited(world)


async def test_the_input_of_another_model_is_refused(world):
    await world.checkpoint({0: 0}, {0: 6})
    await world.broker.create_topic(Topic("gamers", 1, 1, {}))
    other = settings(world.broker.url, "gamers", output={"topic": world.settings.output_topic})
    with pytest.raises(SettingsError, match=r"input\.topic"):
        await audit(other, world.broker)


async def test_an_input_that_does_not_exist(broker):
    with pytest.raises(BrokerError, match=r"players \(input\.topic\) does not exist"):
        await audit(settings(broker.url, "players"), broker)


async def test_an_input_that_ends_before_the_checkpoint_is_not_vouched_for(world):
    await world.assign(0, range(6))
    await world.assign(1, range(4))
    await world.checkpoint({0: 0, 1: 5000}, {0: 6, 1: 6144})
    report = await audited(world)
    assert (report.missing, report.ok) == (0, False)
    end = "players/1 ends at offset 4, but the checkpoint stands at 6144: the topic was made anew or truncated"
    assert f"not readable: {end}" in report.lines()
    assert list(report.lines())[-1].startswith("FAILED: nothing is proven")


async def test_a_damaged_batch_is_not_vouched_for(world, tmp_path):
    await world.assign(0, range(6))
    await world.assign(1, range(4))
    await world.checkpoint({0: 0, 1: 0}, {0: 6, 1: 4})
    with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as log:
        log.execute("UPDATE batches SET data = zeroblob(size) WHERE rowid = 1")  # the input's first
    report = await audited(world)
    assert (report.missing, report.duplicated, report.ok) == (0, 0, False)
    assert any("not readable: damaged at players/0 offset 0" in line for line in report.lines())
    await world.skip(0, 0, 6)  # then the learner has told of it
    report = await audited(world)
    assert report.ok
    assert any("damaged at players/0" in note and note.endswith("left out, as events say") for note in report.notes)


async def test_assignments_without_any_source_header(world):
    await world.publish(world.settings.topics["assignments"], 0, world.records(range(6)))
    await world.checkpoint({0: 0, 1: 4}, {0: 6, 1: 4})
    with pytest.raises(SettingsError, match=r"none of the 6 in players\.assignments has one: .*source_header: false"):
        await audited(world)


async def test_what_stands_for_nothing_that_is_audited_is_mentioned(world):
    target = world.settings.topics["assignments"]
    await world.publish(target, 0, world.records([0]))  # no header
    for text in (b"players/0", b"players/0/99999999999999999999", b"\xff", b"", b"gamers/0/1"):
        sources = slices_of([text])
        await world.publish(target, 0, headers.append(world.records([0]), headers.SOURCE, sources))
    await world.assign(0, [*range(6), 7, 8])
    await world.assign(7, [0], into=1)
    await world.assign(1, range(4))
    await world.checkpoint({0: 0, 1: 0}, {0: 6, 1: 4})
    report = await audited(world)
    assert (report.assigned, report.missing, report.duplicated, report.ok) == (10, 0, 0, True)
    assert [note.rpartition(": ")[2] for note in report.notes] == ["1", "4", "3"]
    assert "do not say" in report.notes[0]
    assert "garbled" in report.notes[1]
    assert "not reached" in report.notes[2]


async def test_a_dead_letter_that_says_nonsense_is_mentioned(world):
    letters = world.records([0])
    for name, text in (("topic", b"players"), ("partition", b"0"), ("offset", b"9" * 20)):
        letters = headers.append(letters, (PREFIX + name).encode(), slices_of([text]))
    await world.publish(world.settings.topics["dead_letters"], 0, letters)
    await world.publish(world.settings.topics["dead_letters"], 0, world.records([0]))
    await world.checkpoint({0: 6, 1: 4}, {0: 6, 1: 4})
    report = await audited(world)
    assert [note.rpartition(": ")[2] for note in report.notes] == ["1", "1"]


async def test_what_is_no_event_is_passed_over(world):
    for value in (b'records_skipped {"', b'["records_skipped"]', b'{"type": "records_skipped"}'):
        world.value = value
        await world.publish(world.settings.topics["events"], 0, world.records([0]))
    await world.checkpoint({0: 6, 1: 4}, {0: 6, 1: 4})
    assert (await audited(world)).ok


async def test_outputs_count_from_where_they_ended_when_the_model_began(world):
    for _ in range(2):  # by the model before `model reset --positions forget`, and by the one that follows
        begun = await world.broker.offsets(world.settings.topics["assignments"], "latest")
        await world.assign(0, range(6))
        await world.assign(1, range(4))
    await world.checkpoint({0: 0, 1: 0}, {0: 6, 1: 4}, outputs_start={"assignments": begun})
    report = await audited(world)
    assert (report.assigned, report.duplicated, report.taken_from_output, report.ok) == (10, 0, 0, True)


async def test_an_output_that_was_made_anew_is_not_vouched_for(world):
    await world.checkpoint({0: 6, 1: 4}, {0: 6, 1: 4}, outputs_start={"dead_letters": {0: 0, 1: 5}})
    report = await audited(world)
    assert not report.ok
    assert "dead-letters/1 ends at offset 0, but the model began to write at 5" in report.unreadable[0]


class TestRetention:
    async def test_took_from_the_input(self, broker):
        world = World(broker, settings(broker.url, "players"), partitions=1)
        await world.create(input=LITTLE)
        await world.feed(6)
        await world.publish("players", 0, world.records(range(6)))
        await world.assign(0, range(12))
        start = (await broker.offsets("players", "earliest"))[0]
        assert start > 0
        await world.checkpoint({0: 0}, {0: 12})
        report = await audited(world)
        assert (report.taken_from_input, report.input, report.ok) == (start, 12 - start, True)

    async def test_took_from_the_output(self, broker):
        world = World(broker, settings(broker.url, "players"))
        await world.create(assignments=LITTLE)
        await world.feed(6, 4)
        await world.assign(0, [0, 1, 2])
        await world.assign(0, [3, 4])  # 5 is missing
        await world.assign(1, [0, 1, 3])  # nothing was taken from this partition: 2 is missing
        await world.checkpoint({0: 0, 1: 0}, {0: 6, 1: 4})
        report = await audited(world)
        assert report.taken_from_output == 3
        assert (report.missing, report.missing_examples) == (2, ("players/0 offset 5", "players/1 offset 2"))

    async def test_explains_no_more_than_it_took(self, broker):
        world = World(broker, settings(broker.url, "players"), partitions=1)
        await world.create(assignments=LITTLE)
        await world.feed(6)
        await world.assign(0, [0])
        await world.assign(0, [5])  # one record was taken, but five are not there
        await world.checkpoint({0: 0}, {0: 6})
        report = await audited(world)
        assert (report.taken_from_output, report.missing, report.ok) == (1, 4, False)
        assert report.missing_examples

    async def test_took_events(self, broker):
        world = World(broker, settings(broker.url, "players"), partitions=1)
        await world.create(events=LITTLE)
        for start in range(3):
            await world.skip(0, start, start + 1)
        await world.feed(1)
        await world.assign(0, [0])
        await world.checkpoint({0: 0}, {0: 1})
        assert any("retention took events" in note for note in (await audited(world)).notes)


async def test_compaction_of_the_output_explains_what_it_took(broker):
    world = World(broker, settings(broker.url, "players"), partitions=1)
    await world.create(assignments=COMPACTED)
    await world.feed(6)
    world.value = LARGE
    for offset in range(6):
        await world.assign(0, [offset])
    await world.checkpoint({0: 0}, {0: 6})
    report = await audited(world)
    assert 0 < report.assigned < 6
    assert (report.taken_from_output, report.missing) == (6 - report.assigned, 0)


async def test_compaction_of_the_input_is_noted(broker):
    world = World(broker, settings(broker.url, "players"), partitions=1)
    await world.create(input=COMPACTED)
    world.value = LARGE
    for offset in range(6):
        await world.publish("players", 0, world.records([offset]))
    await world.assign(0, range(6))
    await world.checkpoint({0: 0}, {0: 6})
    report = await audited(world)
    assert 0 < report.input < 6
    assert (report.missing, report.assigned, report.ok) == (0, 6, True)
    assert f"{6 - report.input} published records are no longer in players (compaction)" in report.notes
