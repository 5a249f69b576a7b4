"""What every broker promises about writers: all of a transaction or nothing, and one writer to a transactional id."""

import asyncio
import contextlib

import pytest

from streamgmm import settings
from streamgmm.broker.interface import Broker, GroupOffsets
from streamgmm.broker.open import open_broker
from streamgmm.errors import BrokerError, TransactionFailed
from streamgmm.records.columns import Record, of_records
from tests.broker.operators import Operator
from tests.broker.traffic import PATIENCE, create, everything, now, publish, read_to, records, take, values


async def committed(broker: Broker, topic: str, transactional_id: str, *sent: str) -> None:
    writer = await broker.writer(transactional_id)
    await writer.begin()
    await writer.send(topic, 0, records(*sent))
    await writer.commit()
    await writer.close()


async def test_a_transaction_spans_topics_and_partitions(broker: Broker, name: str) -> None:
    await create(broker, f"{name}-a", partitions=2)
    await create(broker, f"{name}-b")
    writer = await broker.writer(name)
    await writer.begin()
    await writer.send(f"{name}-a", 0, records("a0"))
    await writer.send(f"{name}-a", 1, records("a1"))
    await writer.send(f"{name}-b", 0, records("b0"))
    await writer.commit()
    assert {p: values(found) for p, found in (await everything(broker, f"{name}-a")).items()} == {0: ["a0"], 1: ["a1"]}
    assert values((await everything(broker, f"{name}-b"))[0]) == ["b0"]


async def test_a_writer_makes_one_transaction_after_the_other(broker: Broker, name: str) -> None:
    await create(broker, name)
    writer = await broker.writer(name)
    for value in "abc":
        await writer.begin()
        await writer.send(name, 0, records(value))
        await writer.commit()
    assert values((await everything(broker, name))[0]) == ["a", "b", "c"]


async def test_sends_may_be_under_way_together(broker: Broker, name: str) -> None:
    await create(broker, name, partitions=4)
    writer = await broker.writer(name)
    await writer.begin()
    await asyncio.gather(*(writer.send(name, p, records(f"{p}")) for p in range(4)))
    await writer.commit()
    assert {p: values(found) for p, found in (await everything(broker, name)).items()} == {
        p: [f"{p}"] for p in range(4)
    }


async def test_an_empty_transaction_is_none(broker: Broker, name: str) -> None:
    await create(broker, name)
    writer = await broker.writer(name)
    await writer.begin()
    await writer.commit()
    await writer.begin()
    await writer.send(name, 0, records("a"))
    await writer.commit()
    assert values((await everything(broker, name))[0]) == ["a"]


async def test_an_open_transaction_is_hidden(broker: Broker, name: str) -> None:
    await create(broker, name)
    reader = await broker.reader(name)
    await reader.assign({0: 0})
    writer = await broker.writer(name)
    await writer.begin()
    await writer.send(name, 0, records("a"))
    assert await reader.fetch(timeout=0.3) == {}
    await writer.commit()
    assert values((await take(reader, 1))[0]) == ["a"]


async def test_a_transaction_left_open_is_never_seen(broker: Broker, name: str) -> None:
    await create(broker, name)
    writer = await broker.writer(name)
    await writer.begin()
    await writer.send(name, 0, records("left"))
    await writer.close()
    await committed(broker, name, name, "kept")
    assert values((await everything(broker, name))[0]) == ["kept"]


async def test_a_successor_aborts_what_its_predecessor_left_open(broker: Broker, name: str) -> None:
    """At once: nobody waits for the transaction's timeout."""
    await create(broker, name)
    predecessor = await broker.writer(name)
    await predecessor.begin()
    await predecessor.send(name, 0, records("left"))
    await publish(broker, name, "behind it")
    await broker.writer(name)
    reader = await broker.reader(name)
    await reader.assign({0: 0})
    assert values((await take(reader, 1))[0]) == ["behind it"]
    end = (await broker.offsets(name, "latest"))[0]
    await reader.assign({0: 0})
    assert values((await read_to(reader, {0: end}))[0]) == ["behind it"]


async def test_a_fenced_writer_cannot_commit(broker: Broker, name: str) -> None:
    await create(broker, name)
    first = await broker.writer(name)
    await first.begin()
    await first.send(name, 0, records("first"))
    await committed(broker, name, name, "second")
    with pytest.raises(TransactionFailed):
        await first.commit()
    assert values((await everything(broker, name))[0]) == ["second"]


async def test_a_fenced_writer_cannot_begin_again(broker: Broker, name: str) -> None:
    await create(broker, name)
    first = await broker.writer(name)
    await broker.writer(name)
    with pytest.raises(TransactionFailed):
        await first.begin()
        await first.send(name, 0, records("first"))
        await first.commit()
    assert (await everything(broker, name))[0] == []


async def test_ids_do_not_fence_each_other(broker: Broker, name: str) -> None:
    await create(broker, name)
    one, two = await broker.writer(f"{name}-1"), await broker.writer(f"{name}-2")
    for writer, value in ((one, "one"), (two, "two")):
        await writer.begin()
        await writer.send(name, 0, records(value))
    await two.commit()
    await one.commit()
    assert sorted(values((await everything(broker, name))[0])) == ["one", "two"]


async def test_a_record_too_large_fails_the_transaction(broker: Broker, name: str) -> None:
    await create(broker, name, max_message_bytes="5000")
    writer = await broker.writer(name)
    await writer.begin()
    await writer.send(name, 0, records("small"))
    with contextlib.suppress(BrokerError):  # some sizes are known too large before they are sent
        await writer.send(name, 0, records("x" * 6000))
    with pytest.raises(TransactionFailed):
        await writer.commit()
    await writer.close()
    await committed(broker, name, name, "after")
    assert values((await everything(broker, name))[0]) == ["after"]


async def test_a_timestamp_refused_fails_the_transaction(broker: Broker, name: str) -> None:
    await create(broker, name, **{"message.timestamp.after.max.ms": "60000"})
    writer = await broker.writer(name)
    await writer.begin()
    await writer.send(name, 0, records("good"))
    sent = await writer.send(name, 0, of_records([Record(0, now() + 7_200_000, None, b"in two hours")], 1))
    with pytest.raises(TransactionFailed):
        await writer.commit()
    assert sent.exception() is not None
    await writer.close()
    await committed(broker, name, name, "after")
    assert values((await everything(broker, name))[0]) == ["after"]


async def test_a_failed_send_fails_the_commit_without_transactions_too(broker: Broker, name: str) -> None:
    await create(broker, name, **{"message.timestamp.after.max.ms": "60000"})
    writer = await broker.writer()
    await writer.send(name, 0, of_records([Record(0, now() + 7_200_000, None, b"in two hours")], 1))
    with pytest.raises(TransactionFailed):
        await writer.commit()


async def test_a_compacted_topic_refuses_a_record_without_key(broker: Broker, name: str) -> None:
    await create(broker, name, cleanup_policy="compact")
    writer = await broker.writer(name)
    await writer.begin()
    await writer.send(name, 0, records("no key"))
    with pytest.raises(TransactionFailed):
        await writer.commit()


async def test_a_partition_that_is_not_there_fails_the_transaction(broker: Broker, name: str) -> None:
    await create(broker, name)
    writer = await broker.writer(name)
    await writer.begin()
    await writer.send(name, 0, records("good"))
    with contextlib.suppress(BrokerError, TransactionFailed):
        await writer.send(name, 1, records("nowhere"))
    with pytest.raises(TransactionFailed):
        await writer.commit()


async def test_nothing_is_sent_outside_a_transaction(broker: Broker, name: str) -> None:
    await create(broker, name)
    writer = await broker.writer(name)
    with pytest.raises(TransactionFailed):
        await writer.send(name, 0, records("a"))


async def test_read_uncommitted_is_not_held_back(broker: Broker, name: str) -> None:
    """It may show the open transaction's records; read_committed never does."""
    await create(broker, name)
    holder = await broker.writer(name)
    await holder.begin()
    await holder.send(name, 0, records("open"))
    offset = await publish(broker, name, "committed")
    ends = await broker.offsets(name, "latest", isolation="read_uncommitted")
    assert ends[0] == offset + 1
    assert "committed" in values((await everything(broker, name, isolation="read_uncommitted"))[0])
    assert "open" not in values((await everything(broker, name))[0])


async def test_a_writer_without_id_has_no_transactions(broker: Broker, name: str) -> None:
    await create(broker, name)
    writer = await broker.writer()
    await writer.begin()
    sent = [await writer.send(name, 0, records("a", "b")), await writer.send(name, 0, records("c"))]
    await writer.commit()
    assert [await future for future in sent] == [0, 2]
    await writer.commit()
    assert values((await everything(broker, name))[0]) == ["a", "b", "c"]


async def test_positions_of_a_group_go_with_the_transaction(broker: Broker, name: str, operator: Operator) -> None:
    await create(broker, name, partitions=2)
    writer = await broker.writer(name)
    for positions in ({0: 7, 1: 3}, {0: 8}, {}):
        await writer.begin()
        await writer.send(name, 0, records("a"))
        await writer.commit(GroupOffsets(name, name, positions))
    async with asyncio.timeout(PATIENCE):
        # Kafka shows them once its markers are written, and nothing tells when
        while await operator.group_offsets(name, name) != {0: 8, 1: 3}:
            await asyncio.sleep(0.02)


async def test_leaving_a_broker_closes_its_readers_and_writers(given: settings.Broker, name: str) -> None:
    async with open_broker(given) as broker:
        await create(broker, name)
        reader, writer = await broker.reader(name), await broker.writer(name)
        await writer.begin()
        await writer.send(name, 0, records("left"))
    await reader.close()
    await writer.close()
