"""What every broker promises about topics, records, positions and offsets; transactions have a file of their own."""

import asyncio

import pytest

from streamgmm.broker.interface import Broker, Send, Topic
from streamgmm.errors import BrokerError, RecordsLost, TransactionFailed
from streamgmm.records.columns import Record, of_records, records_of
from tests.broker.operators import Operator
from tests.broker.traffic import PATIENCE, create, everything, now, publish, read_to, records, take, values


async def test_keys_values_headers_and_timestamps_come_back(broker: Broker, name: str) -> None:
    await create(broker, name)
    time = now()
    sent = [
        Record(0, time, b"key", b"value", (("a", b"1"), ("a", b""), ("null", None))),
        Record(1, time + 5, None, b"no key"),
        Record(2, time - 5, b"no value", None),
        Record(3, time, None, None),
        Record(4, time, b"", b""),
        Record(5, time, None, None, (("only", b"\x00\xff"),)),
    ]
    writer = await broker.writer()
    await writer.send(name, 0, of_records(sent, 6))
    await writer.commit()
    assert (await everything(broker, name))[0] == sent


async def test_offsets_of_what_is_sent_count_for_nothing(broker: Broker, name: str) -> None:
    await create(broker, name)
    columns = of_records([Record(900, now(), None, b"a"), Record(950, now(), None, b"b")], 1000)
    for _ in range(2):
        writer = await broker.writer()
        await writer.send(name, 0, columns)
        await writer.commit()
    assert [record.offset for record in (await everything(broker, name))[0]] == [0, 1, 2, 3]


async def test_a_send_answers_with_its_first_offset(broker: Broker, name: str) -> None:
    await create(broker, name)
    writer = await broker.writer(name)
    await writer.begin()
    sent = [await writer.send(name, 0, records("a", "b")), await writer.send(name, 0, records("c"))]
    await writer.commit()
    by_value = {record.value: record.offset for record in (await everything(broker, name))[0]}
    assert [await future for future in sent] == [by_value[b"a"], by_value[b"c"]]


async def test_what_is_sent_together_keeps_the_order_of_each_partition(broker: Broker, name: str) -> None:
    """So much that a partition's records are several batches; two topics; one transaction."""
    for topic in (name, f"{name}-b"):
        await create(broker, topic, partitions=2)
    sent = [[f"{part}-{i:0100}" for i in range(12_000)] for part in range(4)]
    places = [(name, 0), (name, 1), (name, 0), (f"{name}-b", 1)]
    writer = await broker.writer(name)
    await writer.begin()
    await writer.send_all([Send(*place, records(*some)) for place, some in zip(places, sent, strict=True)])
    await writer.commit()
    taken = await everything(broker, name)
    assert [values(taken[0]), values(taken[1])] == [sent[0] + sent[2], sent[1]]
    assert values((await everything(broker, f"{name}-b"))[1]) == sent[3]


async def test_what_is_sent_together_is_refused_together(broker: Broker, name: str) -> None:
    await create(broker, name, partitions=2, max_message_bytes="2000")
    writer = await broker.writer(name)
    await writer.begin()
    with pytest.raises((BrokerError, TransactionFailed), match=f"{name}.*max.message.bytes|{name}.*maximum message"):
        await writer.send_all([Send(name, 0, records("small")), Send(name, 1, records("x" * 5000))])
        await writer.commit()
    await writer.close()
    assert not any((await everything(broker, name)).values())


async def test_partitions_are_logs_of_their_own(broker: Broker, name: str) -> None:
    await create(broker, name, partitions=3)
    writer = await broker.writer()
    for partition, value in enumerate(("zero", "one", "two")):
        await writer.send(name, partition, records(value, value + " again"))
    await writer.commit()
    taken = await everything(broker, name)
    assert {p: values(found) for p, found in taken.items()} == {
        0: ["zero", "zero again"],
        1: ["one", "one again"],
        2: ["two", "two again"],
    }
    assert all([record.offset for record in found] == [0, 1] for found in taken.values())


async def test_what_is_larger_than_a_batch_may_be_is_split(broker: Broker, name: str) -> None:
    await create(broker, name, max_message_bytes="20000")
    wanted = [f"{i:0100}" for i in range(2000)]
    first = await publish(broker, name, *wanted)
    taken = (await everything(broker, name))[0]
    assert first == 0
    assert values(taken) == wanted
    assert [record.offset for record in taken] == list(range(2000))


async def test_reading_starts_inside_a_batch(broker: Broker, name: str) -> None:
    await create(broker, name)
    await publish(broker, name, *"abcdef")
    reader = await broker.reader(name)
    await reader.assign({0: 4})
    assert values((await take(reader, 2))[0]) == ["e", "f"]


async def test_an_assignment_replaces_the_one_before(broker: Broker, name: str) -> None:
    await create(broker, name, partitions=2)
    await publish(broker, name, *"abc", partition=0)
    await publish(broker, name, *"xyz", partition=1)
    reader = await broker.reader(name)
    await reader.assign({0: 0})
    assert {p: values(found) for p, found in (await take(reader, 3)).items()} == {0: ["a", "b", "c"]}
    await reader.assign({1: 1})
    assert {p: values(found) for p, found in (await take(reader, 2)).items()} == {1: ["y", "z"]}
    await reader.assign({0: 2, 1: 0})
    again = await take(reader, 4)
    assert {p: values(found) for p, found in again.items()} == {0: ["c"], 1: ["x", "y", "z"]}


async def test_a_reader_without_partitions_finds_nothing(broker: Broker, name: str) -> None:
    await create(broker, name)
    reader = await broker.reader(name)
    assert await reader.fetch(timeout=0.01) == {}


async def test_a_fetch_without_news_leaves_the_position(broker: Broker, name: str) -> None:
    await create(broker, name)
    reader = await broker.reader(name)
    await reader.assign({0: 0})
    assert await reader.fetch(timeout=0.05) == {}
    await publish(broker, name, "a")
    assert values((await take(reader, 1))[0]) == ["a"]


async def test_a_waiting_reader_is_woken_by_a_commit(broker: Broker, name: str) -> None:
    await create(broker, name)
    reader = await broker.reader(name)
    await reader.assign({0: 0})
    loop = asyncio.get_running_loop()
    begun = loop.time()
    fetched, _ = await asyncio.gather(reader.fetch(timeout=PATIENCE), publish(broker, name, "news"))
    assert [record.value for record in records_of(fetched[0])] == [b"news"]
    assert loop.time() - begun < PATIENCE / 2


async def test_a_cancelled_fetch_loses_nothing(broker: Broker, name: str) -> None:
    await create(broker, name)
    reader = await broker.reader(name)
    await reader.assign({0: 0})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.fetch(timeout=PATIENCE), 0.05)
    await publish(broker, name, "a")
    assert values((await take(reader, 1))[0]) == ["a"]


async def test_the_position_reaches_the_end_behind_markers(broker: Broker, name: str) -> None:
    await create(broker, name)
    writer = await broker.writer(name)
    for value in "ab":
        await writer.begin()
        await writer.send(name, 0, records(value))
        await writer.commit()
    end = (await broker.offsets(name, "latest"))[0]
    reader = await broker.reader(name)
    await reader.assign({0: 0})
    assert values((await read_to(reader, {0: end}))[0]) == ["a", "b"]
    assert await reader.fetch(timeout=0.05) == {}


async def test_offsets_at_the_ends_and_at_a_time(broker: Broker, name: str) -> None:
    await create(broker, name, partitions=2)
    time = now() - 10_000
    writer = await broker.writer()
    await writer.send(name, 0, of_records([Record(i, time + 10 * i, None, b"x") for i in range(5)], 5))
    await writer.commit()
    assert await broker.offsets(name, "earliest") == {0: 0, 1: 0}
    assert await broker.offsets(name, "latest") == {0: 5, 1: 0}
    assert await broker.offsets(name, 0) == {0: 0, 1: 0}
    assert await broker.offsets(name, time + 10) == {0: 1, 1: 0}
    assert await broker.offsets(name, time + 11) == {0: 2, 1: 0}
    assert await broker.offsets(name, time + 41) == {0: 5, 1: 0}


async def test_a_position_past_the_end_is_lost(broker: Broker, name: str) -> None:
    await create(broker, name)
    await publish(broker, name, "a", "b")
    reader = await broker.reader(name)
    await reader.assign({0: 100})
    for _ in range(2):
        with pytest.raises(RecordsLost, match="ends at offset 2") as lost:
            await take(reader, 1)
    assert (lost.value.topic, lost.value.partition, lost.value.position, lost.value.available) == (name, 0, 100, 2)


async def test_a_position_before_the_start_is_lost(broker: Broker, name: str, operator: Operator) -> None:
    await create(broker, name)
    for value in "abc":
        await publish(broker, name, value)
    await operator.delete_records(name, 2)
    assert await broker.offsets(name, "earliest") == {0: 2}
    reader = await broker.reader(name)
    await reader.assign({0: 1})
    with pytest.raises(RecordsLost, match="starts at offset 2") as lost:
        await take(reader, 1)
    assert (lost.value.position, lost.value.available) == (1, 2)
    await reader.assign({0: 2})
    assert values((await take(reader, 1))[0]) == ["c"]


async def test_a_topic_is_created_once(broker: Broker, name: str) -> None:
    await broker.create_topic(Topic(name, 2, 1, {"cleanup.policy": "compact", "max.message.bytes": "123456"}))
    await broker.create_topic(Topic(name, 5, 1, {}))
    topic = await broker.topic(name)
    assert topic is not None
    assert (topic.name, topic.partitions, topic.replication) == (name, 2, 1)
    assert (topic.config["cleanup.policy"], topic.config["max.message.bytes"]) == ("compact", "123456")


async def test_a_topic_tells_what_it_was_not_told(broker: Broker, name: str) -> None:
    await create(broker, name)
    topic = await broker.topic(name)
    assert topic is not None
    assert topic.config["cleanup.policy"] == "delete"
    assert int(topic.config["max.message.bytes"]) > 0


async def test_a_topic_that_is_not_there(broker: Broker, name: str) -> None:
    assert await broker.topic(name) is None


async def test_reading_a_topic_that_is_not_there_is_refused(broker: Broker, name: str) -> None:
    with pytest.raises(BrokerError, match=f"no topic {name}"):
        await broker.reader(name)
    with pytest.raises(BrokerError, match=f"no topic {name}"):
        await broker.offsets(name, "latest")
    assert await broker.topic(name) is None


async def test_a_topic_with_a_nonsensical_configuration_is_refused(broker: Broker, name: str) -> None:
    with pytest.raises(BrokerError, match=r"cleanup\.policy"):
        await broker.create_topic(Topic(name, 1, 1, {"cleanup.policy": "hope"}))
    assert await broker.topic(name) is None


async def test_writers_at_the_same_time_do_not_collide(broker: Broker, name: str) -> None:
    await create(broker, name)

    async def write(writer_name: str) -> None:
        writer = await broker.writer()
        for i in range(5):
            await writer.send(name, 0, records(*(f"{writer_name}{i}{j}" for j in range(20))))
            await writer.commit()

    await asyncio.gather(*map(write, "abcd"))
    taken = (await everything(broker, name))[0]
    assert [record.offset for record in taken] == list(range(400))
    for writer_name in "abcd":
        assert [v for v in values(taken) if v.startswith(writer_name)] == [
            f"{writer_name}{i}{j}" for i in range(5) for j in range(20)
        ]


async def test_closing_twice_is_harmless(broker: Broker, name: str) -> None:
    await create(broker, name)
    for closed in (await broker.reader(name), await broker.writer(), await broker.writer(name)):
        await closed.close()
        await closed.close()
