"""The service on real brokers, in this process: what 4.4 of the design promises, sentence by sentence."""

import asyncio
import itertools
import json
import sqlite3
import time
import uuid
from contextlib import closing

import msgpack
import numpy as np
import pytest
from confluent_kafka.admin import AdminClient, NewPartitions

from streamgmm import settings as all_settings
from streamgmm.broker.interface import Topic
from streamgmm.broker.open import open_broker
from streamgmm.errors import (
    BrokerError,
    BrokerUnavailable,
    CorruptBatch,
    Fenced,
    RecordsLost,
    SettingsError,
    StateLost,
    TooFewVectors,
    TransactionFailed,
)
from streamgmm.records.columns import Record, of_records, records_of
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service import model_commands, model_topic
from streamgmm.service.audit import audit
from streamgmm.service.model_topic import publish, transactional_id
from streamgmm.service.plain import to_plain
from streamgmm.service.service import Service
from streamgmm.settings import Settings
from tests.service import faults

FEATURES = 3
NOW = int(time.time() * 1000)  # Kafka deletes records by their own timestamps


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


def settings(url, topic, **sections) -> Settings:
    given = {
        "broker": {"url": url, "transaction_timeout": 12, "start_deadline": 20},
        "input": {"topic": topic},
        "model": {"name": "m", "n_components": 2},
        "learning": {"batch_size": 50, "warm_up": 100},
        "drift": {"enabled": False},
        "delivery": {"commit_interval": 0.03, "commit_records": 60},
        "http": {"enabled": False},
    }
    return Settings.model_validate(
        {name: {**given.get(name, {}), **sections.get(name, {})} for name in given | sections}
    )


def values(n, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.where(rng.random((n, 1)) < 0.5, -4.0, 4.0) + rng.standard_normal((n, FEATURES))
    return [msgpack.packb(row.tolist()) if i % 20 else b"\xc1" for i, row in enumerate(rows)]


async def write(broker, topic, records, partition=0):
    writer = await broker.writer()
    await writer.send(topic, partition, of_records(records, len(records)))
    await writer.commit()
    await writer.close()


async def fill(broker, topic, n=400, partitions=1, seed=0):
    await broker.create_topic(Topic(topic, partitions, 1, {}))
    for partition in range(partitions):
        given = enumerate(values(n, seed + partition))
        records = [Record(i, NOW + i, b"k%d" % i, value) for i, value in given]
        await write(broker, topic, records, partition)


async def read(broker, topic):
    """All committed records; a commit's markers are written after it is answered, so the end is the uncommitted one."""
    reader, found = await broker.reader(topic), {}
    ends = await broker.offsets(topic, "latest", isolation="read_uncommitted")
    positions = await broker.offsets(topic, "earliest")
    await reader.assign(positions)
    while any(positions[p] < end for p, end in ends.items()):
        for partition, columns in (await reader.fetch(timeout=0.2)).items():
            found.setdefault(partition, []).extend(records_of(columns))
            positions[partition] = columns.position
    await reader.close()
    return found


async def run_to_end(given, connect=open_broker):
    service = Service(given, until_end=True, connect=connect)
    service.look_for_successor = 0.2
    await service.run()
    return service


async def outputs(broker, given):
    """Assignments and dead letters without where and when they were published."""
    return {
        role: {
            p: [(r.key, r.value, r.headers) for r in rs] for p, rs in (await read(broker, given.topics[role])).items()
        }
        for role in ("assignments", "dead_letters")
    }


# ---- exactly once, whatever fails


EVERY = range(len(list(faults.moments("t"))))
FAILURES = [
    pytest.param(kind, error, case, marks=() if (case + turn) % 4 == 0 else pytest.mark.long)
    for turn, (kind, error) in enumerate(itertools.product(("sqlite", "kafka"), (TransactionFailed, BrokerUnavailable)))
    for case in EVERY
]  # each step is in `make test` once, each kind of broker and of failure there at every fourth


@pytest.mark.parametrize(("url", "error", "case"), FAILURES, indirect=["url"])
async def test_a_failure_at_any_step_loses_nothing_and_repeats_nothing(url, broker, topic, case, error):
    await fill(broker, topic)
    calm = settings(url, topic, output={"topic": f"{topic}.calm"})
    await run_to_end(calm)
    name, nth = list(faults.moments(topic))[case]
    fault = faults.Plan(name, nth, error(f"made to fail at {name}"))
    given = settings(url, topic)
    await run_to_end(given, connect=lambda of: faults.FaultyBroker(open_broker(of), fault))
    assert fault.failed, fault.moments
    assert (await audit(given, broker)).ok
    assert await outputs(broker, given) == await outputs(broker, calm)


async def test_a_send_that_the_topic_refuses_fails_the_whole_transaction(url, broker, topic):
    """The events topic takes only tiny records: no commit may succeed without its event."""
    await fill(broker, topic)
    given = settings(url, topic, broker={"url": url, "start_deadline": 0})
    await broker.create_topic(Topic(given.topics["events"], 1, 1, {"max.message.bytes": "80"}))
    service = Service(given, until_end=True)
    service.look_for_successor = 0.2
    with pytest.raises(BrokerError, match=given.topics["events"]):
        await asyncio.wait_for(service.run(), 15)
    assert not any((await read(broker, given.topics["assignments"])).values())


# ---- one learner


async def test_the_first_of_two_learners_is_fenced_and_names_the_other(url, broker, topic):
    await fill(broker, topic)
    given = settings(url, topic)
    first, second = Service(given), Service(given)
    running = asyncio.create_task(first.run())
    await until(lambda: first.observers.snapshot.totals.published > 0)
    other = asyncio.create_task(second.run())
    await until(lambda: second.observers.snapshot.totals.published > 0)
    await fill(broker, topic, seed=5)
    with pytest.raises(Fenced, match="taken over by learner"):
        await asyncio.wait_for(running, 20)
    second.stop()
    await asyncio.wait_for(other, 10)
    assert (await audit(given, broker)).ok


async def until(true, seconds=20.0):
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


async def test_a_broker_that_is_lost_is_said_to_be_until_it_takes_something_again(tmp_path, topic):
    """Each try to take the model over looks promising until it is refused; only a claim that was taken is a restore."""
    url, phases = f"sqlite:///{tmp_path}/log.db", []
    async with open_broker(all_settings.Broker(url=url)) as broker:
        await fill(broker, topic)
    tries = []

    async def counted(moment):
        if moment == "open":
            tries.append(moment)

    given = settings(url, topic, broker={"url": url, "request_timeout": 1, "transaction_timeout": 2})
    connect = lambda of: faults.FaultyBroker(open_broker(of), counted)  # noqa: E731
    service = Service(given, connect=connect, listener=lambda snapshot: phases.append(snapshot.phase))
    service.look_for_successor = 0.01
    running = asyncio.create_task(service.run())
    await until(lambda: service.observers.snapshot.totals.published > 0)
    with closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await until(lambda: phases[-1] == "disconnected")
        lost, before = len(phases), len(tries)
        await until(lambda: len(tries) >= before + 2)
        assert set(phases[lost:]) == {"disconnected"}
        assert "is locked by another process" in service.observers.snapshot.detail
    await until(lambda: phases[-1] == "running")
    assert list(dict.fromkeys(phases[lost:])) == ["disconnected", "restoring", "running"]
    service.stop()
    await asyncio.wait_for(running, 10)


async def test_a_later_claim_than_the_own_one_means_fenced(url, broker, topic):
    """Between writing the claim and reading it another learner has written its own."""
    await fill(broker, topic)
    given = settings(url, topic)
    await run_to_end(given)
    other = model_topic.Claim("other", 1, "9", 0, started=True)
    key, name = model_topic.Keys("m").claim, given.topics["model"]

    done: list[str] = []

    async def claim_after_the_first_commit(moment):
        if moment == "committed" and moment not in done:
            done.append(moment)
            writer = await broker.writer("somebody")
            await publish(writer, name, [(key, model_topic.claim_value(other))])
            await writer.close()

    service = Service(given, connect=lambda of: faults.FaultyBroker(open_broker(of), claim_after_the_first_commit))
    with pytest.raises(Fenced, match="learner other"):
        await asyncio.wait_for(service.run(), 30)


async def test_an_open_transaction_of_another_program_hides_nothing(url, broker, topic):
    """A stranger's transaction is open on the model topic before the learner commits checkpoints, dies and restarts."""
    await fill(broker, topic)
    given = settings(url, topic)
    calm = settings(url, topic, output={"topic": f"{topic}.calm"})
    await run_to_end(calm)
    await run_to_end(given)
    await fill(broker, topic, seed=3)
    stranger = await broker.writer("stranger")
    await stranger.begin()
    await stranger.send(given.topics["model"], 0, of_records([Record(0, NOW, b"x", b"y")], 1))
    fault = faults.Plan("commit", 4, ZeroDivisionError("killed"))

    async def end_the_stranger_when_the_claim_is_looked_for(moment):
        if fault.failed and moment == f"assign {given.topics['model']}":
            await stranger.close()
        await fault(moment)

    hooked = lambda of: faults.FaultyBroker(open_broker(of), end_the_stranger_when_the_claim_is_looked_for)  # noqa: E731
    with pytest.raises(ZeroDivisionError):
        await run_to_end(given, connect=lambda of: faults.FaultyBroker(open_broker(of), fault))
    assert fault.failed
    await run_to_end(given, connect=hooked)
    await run_to_end(calm)
    assert (await audit(given, broker)).ok
    assert await outputs(broker, given) == await outputs(broker, calm)


async def test_a_look_for_a_successor_that_cannot_be_made_is_not_nobody_there(url, broker, topic):
    """A second learner has taken over; the first, cut off while it looks, must not take the model back."""
    await fill(broker, topic)
    given = settings(url, topic)
    other, key = model_topic.Claim("other", 1, "9", 0, started=True), model_topic.Keys("m").claim
    cut_off: list[str] = []

    async def fail(moment):
        if moment == "commit" and len(cut_off) == 0:
            cut_off.append(moment)
            writer = await broker.writer(transactional_id(given))
            await publish(writer, given.topics["model"], [(key, model_topic.claim_value(other))])
            await writer.close()
            raise TransactionFailed("the network is cut")
        if cut_off and moment == f"assign {given.topics['model']}" and len(cut_off) < 3:
            cut_off.append(moment)
            raise BrokerUnavailable("still cut")

    await run_to_end(given)
    await fill(broker, topic, seed=2)
    later = skipping(fail, "commit", 2)
    started = Service(given, connect=lambda of: faults.FaultyBroker(open_broker(of), later))
    with pytest.raises(Fenced, match="learner other"):
        await asyncio.wait_for(started.run(), 40)
    assert len(cut_off) == 3


def skipping(fail, name, times):
    """Not before a moment has come `times` times: the first ones are the session's own."""
    seen = []

    async def after(moment):
        seen.append(moment)
        if seen.count(name) > times:
            await fail(moment)

    return after


# ---- checkpoints


async def test_a_missing_checkpoint_is_an_error_never_a_fresh_start(url, broker, topic):
    await fill(broker, topic)
    given, keys = settings(url, topic), model_topic.Keys("m")
    await run_to_end(given)
    writer = await broker.writer(transactional_id(given))
    held = await model_topic.keys_held(broker, given.topics["model"], "m")
    await publish(writer, given.topics["model"], [(keys.part(0), b"")])
    await writer.close()
    assert held[-1] == keys.claim
    with pytest.raises(StateLost, match="not a part of a checkpoint"):
        await run_to_end(given)


async def test_a_claim_that_says_started_without_a_checkpoint_is_an_error(url, broker, topic):
    await fill(broker, topic)
    given = settings(url, topic)
    await broker.create_topic(Topic(given.topics["model"], 1, 1, {"cleanup.policy": "compact"}))
    writer = await broker.writer("x")
    claim = model_topic.Claim("gone", 1, "9", 0, started=True)
    await publish(writer, given.topics["model"], [(model_topic.Keys("m").claim, model_topic.claim_value(claim))])
    await writer.close()
    with pytest.raises(StateLost, match="has been started before"):
        await run_to_end(given)


async def test_a_checkpoint_in_parts_is_restored_and_incomplete_sets_are_ignored(url, broker, topic):
    await fill(broker, topic)
    given = settings(url, topic, model={"name": "m", "n_components": 12}, learning={"batch_size": 50, "warm_up": 150})
    small = {"cleanup.policy": "compact", "max.message.bytes": "2100"}
    await broker.create_topic(Topic(given.topics["model"], 1, 1, small))
    fault = faults.Plan("commit", 5, TransactionFailed("made to fail"))
    await run_to_end(given, connect=lambda of: faults.FaultyBroker(open_broker(of), fault))
    assert fault.failed
    found = await model_topic.newest(broker, given.topics["model"], "m")
    records = (await read(broker, given.topics["model"]))[0]
    assert found.checkpoint.positions[0] >= 400
    assert len({r.key for r in records}) > 3
    part = next(r for r in records if r.key == model_topic.Keys("m").part(5))
    writer = await broker.writer("x")
    stray = msgpack.packb({**msgpack.unpackb(part.value), "checkpoint": "stray"})
    await publish(writer, given.topics["model"], [(part.key, stray)])
    await writer.close()
    assert (await model_topic.newest(broker, given.topics["model"], "m")).checkpoint.positions[0] >= 400


async def test_settings_that_contradict_the_checkpoint_are_refused_and_nothing_is_touched(url, broker, topic):
    await fill(broker, topic)
    await run_to_end(settings(url, topic))
    before = await read(broker, f"{topic}.assignments.model")
    other = settings(url, topic, model={"name": "m", "n_components": 5})
    with pytest.raises(SettingsError, match=r"n_components is 5, the checkpoint has 2.*model.name=m-2.*model reset"):
        await run_to_end(other)
    assert await read(broker, f"{topic}.assignments.model") == before


# ---- input


async def test_rejects_in_the_warm_up_are_committed_and_its_records_are_kept(url, broker, topic):
    await fill(broker, topic, n=90)
    given = settings(url, topic)
    service = Service(given)
    running = asyncio.create_task(service.run())
    await until(lambda: service.observers.snapshot.positions.get(0, 0) >= 90)
    service.stop()
    await running
    assert len((await outputs(broker, given))["dead_letters"][0]) == 5
    assert (await outputs(broker, given))["assignments"] == {}
    assert (await audit(given, broker)).ok
    await write(broker, topic, [Record(i, NOW, b"k", v) for i, v in enumerate(values(300, 9))])
    await run_to_end(given)
    assert sum(len(v) for v in (await outputs(broker, given))["dead_letters"].values()) == 5 + 15
    assert len((await outputs(broker, given))["assignments"][0]) == 370
    assert (await audit(given, broker)).ok


@pytest.mark.parametrize(
    "changed",
    [
        {"input": {"features": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}},
        {"input": {"format": "json"}},
        {"input": {"weight": "w"}},
        {"model": {"n_features": 7}},
    ],
)
async def test_what_is_read_and_how_may_not_change_while_the_warm_up_waits(url, broker, topic, changed):
    await fill(broker, topic, n=60)
    await wait_in_the_warm_up(settings(url, topic))
    both = {"input": {"topic": topic}, "model": {"name": "m", "n_components": 2}}
    other = settings(url, topic, **{name: {**both[name], **fields} for name, fields in changed.items()})
    with pytest.raises(SettingsError, match="contradict the checkpoint"):
        await run_to_end(other)
    with pytest.raises(SettingsError, match="57 records wait in the warm-up"):
        await model_commands.reset(other)
    more = settings(url, topic, model={"name": "m", "n_components": 5})
    await fill(broker, topic, seed=1)
    await run_to_end(more)
    assert (await audit(more, broker)).ok


async def wait_in_the_warm_up(given):
    service = Service(given)
    running = asyncio.create_task(service.run())
    await until(lambda: service.observers.snapshot.positions.get(0, 0) >= 60)
    service.stop()
    await running


async def test_a_learner_that_is_told_to_stop_is_not_ready_any_more(url, broker, topic):
    await fill(broker, topic)
    seen = []
    service = Service(settings(url, topic), listener=lambda snapshot: seen.append(snapshot.phase))
    running = asyncio.create_task(service.run())
    await until(lambda: service.observers.snapshot.phase == "running")
    service.stop()
    await running
    assert set(seen[seen.index("draining") :]) == {"draining"}


async def test_a_refusal_that_lasts_ends_the_learner_at_the_loss_deadline(url, broker, topic):
    await fill(broker, topic)
    patience = {"url": url, "loss_deadline": 1, "transaction_timeout": 12}

    async def refuse(moment):
        if moment == f"send {topic}.assignments":
            raise TransactionFailed("refused for good")

    with pytest.raises(TransactionFailed, match="refused for good"):
        given = settings(url, topic, broker=patience)
        await asyncio.wait_for(run_to_end(given, lambda of: faults.FaultyBroker(open_broker(of), refuse)), 30)


async def test_too_few_vectors_say_how_many_and_lose_nothing(url, broker, topic):
    await fill(broker, topic, n=3)
    given = settings(url, topic)
    with pytest.raises(TooFewVectors, match=r"2 vectors .* need 4"):
        await run_to_end(given)
    await write(broker, topic, [Record(i, NOW, b"k", v) for i, v in enumerate(values(300, 9))])
    await run_to_end(given)
    assert (await audit(given, broker)).ok


@pytest.mark.parametrize(("partitions", "targets"), [(1, 3), (4, 2), (3, 3)])
async def test_outputs_may_have_another_number_of_partitions(url, broker, topic, partitions, targets):
    await fill(broker, topic, n=150, partitions=partitions)
    given = settings(url, topic)
    for role in ("assignments", "dead_letters"):
        await broker.create_topic(Topic(given.topics[role], targets, 1, {}))
    await run_to_end(given)
    assert (await audit(given, broker)).ok
    by_partition = await read(broker, given.topics["assignments"])
    sources = {p: {dict(r.headers)["streamgmm-source"].split(b"/")[1] for r in rs} for p, rs in by_partition.items()}
    if partitions == targets:
        assert sources == {p: {b"%d" % p} for p in range(partitions)}
    keys = [r.key for rs in by_partition.values() for r in rs]
    assert len(keys) == sum(len(rs) for rs in by_partition.values()) > 100


async def test_null_keys_and_records_of_nothing_go_through(url, broker, topic):
    await fill(broker, topic)
    bare = [Record(i, NOW, None, v if i % 3 else None) for i, v in enumerate(values(60, 3))]
    await write(broker, topic, bare)
    given = settings(url, topic)
    await run_to_end(given)
    assert (await audit(given, broker)).ok
    letters = (await outputs(broker, given))["dead_letters"][0]
    assert sum(key is None and value is None for key, value, _ in letters) == 20


async def test_a_timestamp_that_the_topic_refuses_is_clamped_and_kept_in_a_header(url, broker, topic):
    await broker.create_topic(Topic(topic, 1, 1, {"message.timestamp.after.max.ms": str(2**62)}))
    await fill(broker, topic)
    await write(broker, topic, [Record(i, 4_000_000_000_000, b"k", v) for i, v in enumerate(values(40, 3))])
    given = settings(url, topic)
    await broker.create_topic(Topic(given.topics["assignments"], 1, 1, {"message.timestamp.after.max.ms": "3600000"}))
    await run_to_end(given)
    assert (await audit(given, broker)).ok
    late = [r for r in (await read(broker, given.topics["assignments"]))[0] if r.key == b"k"]
    assert {dict(r.headers)["streamgmm-timestamp"] for r in late} == {b"4000000000000"}
    assert max(r.timestamp for r in late) < 4_000_000_000_000


@pytest.mark.parametrize("url", ["kafka"], indirect=True)
async def test_a_partition_that_is_added_later_is_read_from_its_beginning_and_keys_stay_where_they_were(
    url, broker, topic
):
    await fill(broker, topic, partitions=2)
    given = settings(url, topic)
    service = Service(given)
    running = asyncio.create_task(service.run())
    await until(lambda: service.observers.snapshot.positions.get(1, 0) >= 400)
    admin = AdminClient({"bootstrap.servers": url.removeprefix("kafka://")})
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(20)
    await write(broker, topic, [Record(i, NOW, b"new %d" % i, v) for i, v in enumerate(values(60, 3))], partition=2)
    await until(lambda: service.observers.snapshot.positions.get(2, 0) >= 60)
    service.stop()
    await running
    await fill(broker, topic, partitions=2, seed=4)
    await run_to_end(given)
    assert (await audit(given, broker)).ok
    published = await read(broker, given.topics["assignments"])
    sources = {p: {dict(r.headers)["streamgmm-source"].split(b"/")[1] for r in rs} for p, rs in published.items()}
    assert sources == {0: {b"0", b"2"}, 1: {b"1", b"2"}}


@pytest.mark.parametrize("url", ["kafka"], indirect=True)
async def test_a_topic_made_anew_is_lost_input_also_to_the_end(url, broker, topic):
    await fill(broker, topic)
    given = settings(url, topic)
    await run_to_end(given)
    admin = AdminClient({"bootstrap.servers": url.removeprefix("kafka://")})
    admin.delete_topics([topic])[topic].result(20)
    await until_gone(broker, topic)
    await fill(broker, topic, n=100)
    with pytest.raises(RecordsLost, match=rf"{topic}/0 ends at offset 100, but the next record to learn is 400"):
        await run_to_end(given)


async def until_gone(broker, topic):
    async with asyncio.timeout(20):
        while await broker.topic(topic) is not None:
            await asyncio.sleep(0.05)


async def test_positions_that_are_no_longer_there_stop_the_learner_or_are_skipped_as_an_event(url, broker, topic):
    await fill(broker, topic)
    given = settings(url, topic)
    await run_to_end(given)
    ahead = await checkpoint_moved(broker, given, by=500)
    with pytest.raises(RecordsLost, match=rf"{topic}/0"):
        await asyncio.wait_for(Service(given).run(), 30)
    skipping = settings(url, topic, input={"topic": topic, "on_lost_records": "skip"})
    service = Service(skipping)
    running = asyncio.create_task(service.run())
    await until(lambda: service.observers.snapshot.positions.get(0) not in (None, ahead))
    service.stop()
    await running
    assert [e["start"] for e in await events(broker, given) if e["type"] == "records_skipped"] == [ahead]


async def checkpoint_moved(broker, given, *, by) -> int:
    """Write a checkpoint like the newest, with its position on partition 0 moved; returns the position."""
    held = (await model_topic.newest(broker, given.topics["model"], "m")).checkpoint
    moved = held._replace(positions={0: held.positions[0] + by})
    writer = await broker.writer(transactional_id(given))
    parts = checkpoints.encode(moved, "moved", 100_000)
    await publish(
        writer, given.topics["model"], [(model_topic.Keys("m").part(i), part) for i, part in enumerate(parts)]
    )
    await writer.close()
    return moved.positions[0]


async def events(broker, given):
    return [json.loads(r.value) for r in (await read(broker, given.topics["events"])).get(0, [])]


# ---- starts


async def test_latest_starts_at_the_end_and_a_crash_in_the_warm_up_skips_nothing(url, broker, topic):
    await fill(broker, topic)
    given = settings(url, topic, input={"topic": topic, "start": "latest"})
    fault = faults.Plan("commit", 3, ZeroDivisionError("killed"))
    crashing = Service(given, connect=lambda of: faults.FaultyBroker(open_broker(of), fault))
    running = asyncio.create_task(crashing.run())
    await until(lambda: crashing.observers.snapshot.phase == "warming_up")
    await fill(broker, topic, seed=6, n=50)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(running, 20)
    await fill(broker, topic, seed=7)
    await run_to_end(given)
    assert (await audit(given, broker)).ok
    published = await outputs(broker, given)
    assert len(published["assignments"][0]) + len(published["dead_letters"][0]) == 450


async def test_a_time_starts_at_the_first_record_that_is_not_older(url, broker, topic):
    await fill(broker, topic)
    given = settings(url, topic, input={"topic": topic, "start": NOW + 100})
    await run_to_end(given)
    published = await outputs(broker, given)
    assert len(published["assignments"][0]) + len(published["dead_letters"][0]) == 300
    assert (await audit(given, broker)).ok


# ---- ends


async def test_to_the_end_and_again_from_there(url, broker, topic):
    await fill(broker, topic)
    given = settings(url, topic)
    await run_to_end(given)
    first = await outputs(broker, given)
    await run_to_end(given)
    assert await outputs(broker, given) == first
    await fill(broker, topic, seed=4)
    await run_to_end(given)
    assert len((await outputs(broker, given))["assignments"][0]) == 760


async def test_where_sending_is_slow_rounds_leave_together_and_are_committed_in_time(url, broker, topic):
    await fill(broker, topic, n=8_000)
    given = settings(url, topic, delivery={"commit_interval": 0.03, "commit_records": 100_000})
    sent, moments = f"send {given.topics['assignments']}", []

    async def slow(moment):
        moments.append(moment)
        await asyncio.sleep(0.03 if moment == sent else 0)

    await run_to_end(given, connect=lambda of: faults.FaultyBroker(open_broker(of), slow))
    assert moments.count(sent) < moments.count(f"fetch {topic}")
    publishing = moments[moments.index(sent) :]
    assert publishing.count("commit") > 1  # the last one, if it waited for a moment in which no round waits
    assert (await audit(given, broker)).ok


async def test_what_waits_for_a_learner_is_published_without_another_interval(url, broker, topic):
    await fill(broker, topic)
    given = settings(url, topic, delivery={"commit_interval": 60})
    await run_to_end(given)
    await write(broker, topic, [Record(0, NOW, b"k", value) for value in values(20)])
    service = Service(given)
    running = asyncio.create_task(service.run())
    await until(lambda: service.observers.snapshot.totals.published == 380 + 19)
    service.stop()
    await running
    assert (await audit(given, broker)).ok


async def test_at_least_once_publishes_everything_too(url, broker, topic):
    await fill(broker, topic)
    given = settings(url, topic, delivery={"mode": "at_least_once", "commit_interval": 0.05})
    await run_to_end(given)
    assert (await audit(given, broker)).ok
    calm = settings(url, topic, output={"topic": f"{topic}.calm"})
    await run_to_end(calm)
    assert await outputs(broker, given) == await outputs(broker, calm)


@pytest.mark.parametrize("moment", ["commit", "at once"])
async def test_at_least_once_repeats_after_a_failure_but_learns_once_and_loses_nothing(url, broker, topic, moment):
    await fill(broker, topic, n=1_200)  # rounds that wait leave together: few sends
    given = settings(url, topic, delivery={"mode": "at_least_once", "commit_interval": 0.05})
    name = "commit" if moment == "commit" else f"send {given.topics['assignments']}"
    fault = faults.Plan(name, 4 if moment == "commit" else 2, TransactionFailed("made to fail"))
    await run_to_end(given, connect=lambda of: faults.FaultyBroker(open_broker(of), fault))
    assert fault.failed
    assert (await audit(given, broker)).ok
    calm = settings(url, topic, output={"topic": f"{topic}.calm"})
    await run_to_end(calm)
    repeated, once = await outputs(broker, given), await outputs(broker, calm)
    assert set(repeated["assignments"][0]) == set(once["assignments"][0])
    assert len(repeated["assignments"][0]) >= len(once["assignments"][0])
    assert await learnt(broker, given) == await learnt(broker, calm)


async def learnt(broker, given):
    held = (await model_topic.newest(broker, given.topics["model"], "m")).checkpoint
    return to_plain(held.live)


async def test_a_stop_ends_in_time_and_loses_nothing(url, broker, topic):
    await fill(broker, topic, n=5000)
    given = settings(url, topic)
    service = Service(given)
    running = asyncio.create_task(service.run())
    await until(lambda: service.observers.snapshot.totals.published > 0)
    service.stop()
    await asyncio.wait_for(running, 5)
    assert (await audit(given, broker)).ok
    await run_to_end(given)
    assert (await audit(given, broker)).ok


async def test_reset_forgets_the_model_and_keeps_the_delivery(url, broker, topic):
    await fill(broker, topic)
    await run_to_end(settings(url, topic))
    other = settings(url, topic, model={"name": "m", "n_components": 5})
    said = await model_commands.reset(other)
    assert "has forgotten 380 vectors" in said
    await fill(broker, topic, seed=8)
    await run_to_end(other)
    assert (await audit(other, broker)).ok
    held = (await model_topic.newest(broker, other.topics["model"], "m")).checkpoint
    assert (held.generation, held.live.ids.tolist()) == (1, [2, 3, 4, 5, 6])
    assert "5 components" in "\n".join(await model_commands.show(other))


async def test_reset_that_forgets_the_positions_starts_from_the_beginning(url, broker, topic):
    await fill(broker, topic)
    given = settings(url, topic)
    await run_to_end(given)
    assert "publishes again" in await model_commands.reset(given, positions="forget")
    await run_to_end(given)
    assert len((await outputs(broker, given))["assignments"][0]) == 760
    held = (await model_topic.newest(broker, given.topics["model"], "m")).checkpoint
    assert (held.generation, held.live.ids.tolist(), held.totals.published) == (1, [2, 3], 380)


async def test_reset_of_a_damaged_model_removes_all_of_it(url, broker, topic):
    await fill(broker, topic)
    given = settings(url, topic)
    await run_to_end(given)
    writer = await broker.writer(transactional_id(given))
    await publish(writer, given.topics["model"], [(model_topic.Keys("m").part(0), b"damage")])
    await writer.close()
    with pytest.raises(StateLost):
        await model_commands.reset(given)
    assert "is removed" in await model_commands.reset(given, positions="forget")
    await run_to_end(given)
    held = (await model_topic.newest(broker, given.topics["model"], "m")).checkpoint
    assert (held.generation, held.live.ids.tolist()) == (0, [0, 1])


# ---- damage


async def damaged(tmp_path, broker, topic):
    """Three record batches of 60 records, the middle one damaged."""
    await broker.create_topic(Topic(topic, 1, 1, {}))
    for seed in range(3):
        await write(broker, topic, [Record(i, NOW, b"k", value) for i, value in enumerate(values(60, seed))])
    with sqlite3.connect(tmp_path / "log.db") as connection:
        (data,) = connection.execute("SELECT data FROM batches WHERE base_offset = 60").fetchone()
        broken = data[:200] + bytes([data[200] ^ 0xFF]) + data[201:]
        connection.execute("UPDATE batches SET data = ? WHERE base_offset = 60", (broken,))
    connection.close()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_damaged_batch_stops_the_learner_behind_the_good_records_before_it(url, broker, topic, tmp_path):
    await damaged(tmp_path, broker, topic)
    given = settings(url, topic, learning={"batch_size": 20, "warm_up": 30})
    with pytest.raises(CorruptBatch, match=rf"{topic}/0 offset 60"):
        await run_to_end(given)
    assert len((await outputs(broker, given))["assignments"][0]) == 57
    assert (await audit(given, broker)).ok


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_damaged_batch_is_left_out_on_request_and_an_event_says_which_offsets(url, broker, topic, tmp_path):
    await damaged(tmp_path, broker, topic)
    leaving_out = {"topic": topic, "on_corrupt": "skip"}
    given = settings(url, topic, learning={"batch_size": 20, "warm_up": 30}, input=leaving_out)
    await run_to_end(given)
    assert len((await outputs(broker, given))["assignments"][0]) == 114
    (skip,) = [event for event in await events(broker, given) if event["type"] == "records_skipped"]
    assert (skip["partition"], skip["start"], skip["stop"], skip["reason"]) == (0, 60, 120, "corrupt")
    assert (await audit(given, broker)).ok


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_damaged_batch_left_out_in_the_warm_up_is_not_met_again_by_a_restart(url, broker, topic, tmp_path):
    await damaged(tmp_path, broker, topic)
    given = settings(url, topic, input={"topic": topic, "on_corrupt": "skip"}, learning={"warm_up": 200})
    service = Service(given)
    running = asyncio.create_task(service.run())
    await until(lambda: service.observers.snapshot.positions.get(0, 0) >= 180)
    service.stop()
    await running
    await fill(broker, topic)
    await run_to_end(given)
    assert (await audit(given, broker)).ok


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_checkpoint_of_an_unknown_schema_is_refused_and_not_overwritten(url, broker, topic):
    await fill(broker, topic)
    given = settings(url, topic)
    await run_to_end(given)
    held = (await model_topic.newest(broker, given.topics["model"], "m")).checkpoint._replace(schema=99)
    writer = await broker.writer(transactional_id(given))
    (part,) = checkpoints.encode(held, "later", 100_000)
    await publish(writer, given.topics["model"], [(model_topic.Keys("m").part(0), part)])
    await writer.close()
    before = await read(broker, given.topics["model"])
    with pytest.raises(StateLost, match=r"schema 99.*model\.name=.*model reset"):
        await run_to_end(given)
    assert await read(broker, given.topics["model"]) == before
