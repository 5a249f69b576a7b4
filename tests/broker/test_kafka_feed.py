"""What a feed does while partitions change their leader, a race that a real cluster does not show twice, and how far it
runs ahead."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiokafka import errors as kafka

from streamgmm.broker.kafka_feed import AHEAD_BYTES, LITTLE_BYTES, Feed
from streamgmm.broker.kafka_internals import FetchedBytes
from streamgmm.records import record_batch
from streamgmm.records.columns import Record, of_records

Wanted = list[tuple[int, int]]


def stored(first: int, count: int) -> bytes:
    """A batch as a broker keeps it."""
    columns = of_records([Record(i, 1, None, b"x") for i in range(count)], count)
    (batch,) = record_batch.write(columns, max_bytes=1 << 20)
    return first.to_bytes(8, "big") + bytes(batch.data[8:])


class Asks:
    """As `kafka_internals.Fetch`: a request is what it wants, an answer what it holds."""

    topic = "t"

    def request(self, wanted: Wanted) -> Wanted:
        return wanted

    def read(self, answer: list[FetchedBytes]) -> Iterator[FetchedBytes]:
        return iter(answer)


class Nodes:
    """As aiokafka's client and its cluster; each node's answers are what the test puts into its queue."""

    def __init__(self, leader: int | None) -> None:
        self.leader, self.cluster, self.looks, self.refreshed = leader, self, 0, 0
        self.asked: list[tuple[int, Wanted]] = []
        self.answers: dict[int, asyncio.Queue[list[FetchedBytes]]] = {1: asyncio.Queue(), 2: asyncio.Queue()}

    def leader_for_partition(self, _: object) -> int | None:
        self.looks += 1
        return self.leader

    def force_metadata_update(self) -> None:
        self.refreshed += 1

    async def send(self, node: int, request: Wanted) -> list[FetchedBytes]:
        self.asked.append((node, request))
        return await self.answers[node].get()


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.001)


async def test_an_answer_of_a_node_that_has_lost_its_partition_doubles_nothing() -> None:
    nodes = Nodes(leader=1)
    feed = Feed(nodes, Asks())  # type: ignore[arg-type]
    await feed.begin({0: 100})
    await until(lambda: nodes.asked == [(1, [(0, 100)])])
    nodes.leader = 2
    feed.drop(0)  # whatever makes it look again
    await until(lambda: (2, [(0, 100)]) in nodes.asked)
    nodes.answers[2].put_nowait([FetchedBytes(0, kafka.NoError, stored(100, 30), [])])
    await until(lambda: feed.holds(0))
    nodes.answers[1].put_nowait([FetchedBytes(0, kafka.NoError, stored(100, 20), [])])
    await until(lambda: (2, [(0, 130)]) in nodes.asked)
    assert [piece.run.position(0) for piece in feed.first(1 << 20)] == [130]
    await feed.close()


@pytest.mark.parametrize("news", [0, 50])
async def test_a_partition_without_a_leader_is_looked_for_now_and_then(news: int) -> None:
    """However much else goes on: news of other partitions start no chain of looks each."""
    nodes = Nodes(leader=None)
    feed = Feed(nodes, Asks())  # type: ignore[arg-type]
    await feed.begin({0: 100})
    for _ in range(news):
        feed.drop(0)
        await asyncio.sleep(0.002)
    await until(lambda: nodes.looks >= 2)
    before = nodes.looks
    await asyncio.sleep(0.5)
    assert before + 3 <= nodes.looks <= before + 20
    nodes.leader = 2
    await until(lambda: nodes.asked == [(2, [(0, 100)])])
    await feed.close()


async def test_nothing_more_is_asked_for_while_enough_waits_to_be_taken() -> None:
    nodes = Nodes(leader=1)
    feed = Feed(nodes, Asks())  # type: ignore[arg-type]
    await feed.begin({0: 0})
    answer = stored(0, LITTLE_BYTES // 4)
    needed = -(-AHEAD_BYTES // len(answer))
    for number in range(needed):
        await until(lambda number=number: len(nodes.asked) == number + 1)
        nodes.answers[1].put_nowait([FetchedBytes(0, kafka.NoError, answer, [])])
    await until(lambda: len(feed.first(1 << 30)) == needed)
    await asyncio.sleep(0.1)
    assert len(nodes.asked) == needed
    feed.drop(1)
    await until(lambda: len(nodes.asked) == needed + 1)
    await feed.close()
