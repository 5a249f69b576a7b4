"""Record batches of a topic's partitions as they are stored, fetched ahead of their reader.

One request is on its way to each node that leads partitions, and the next one leaves as soon as the answer's headers
have been read: what is parsed and computed meanwhile does not hold it up. Where an answer held little, the next request
waits a moment: small answers cost as much to bring and to work off as larger ones, and a machine that is kept busy by
many of them is late for all. What waits to be taken is bounded in bytes; above the bound nothing more is asked for.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from aiokafka import TopicPartition
from aiokafka import errors as kafka

from streamgmm.broker.kafka_internals import AIOKafkaClient, Fetch, FetchedBytes
from streamgmm.records import batch_run

AHEAD_BYTES = 8 << 20  # fetched and not yet taken: more is not asked for
PACE_SECONDS = 0.015  # between two requests to a node that has little to say
LITTLE_BYTES = 1 << 18  # of an answer
RETRY_SECONDS = 0.05  # before a node is asked again that did not answer, or does not lead what it was asked for
FINAL = (kafka.OffsetOutOfRangeError, kafka.TopicAuthorizationFailedError, kafka.CorruptRecordException)


class Piece(NamedTuple):
    """What a fetch brought of a partition."""

    partition: int
    wanted: int  # the offset asked for
    run: batch_run.Scanned
    aborted: batch_run.Aborted

    @property
    def size(self) -> int:
        """Bytes."""
        return self.run.data.size


def joined(pieces: Iterable[Piece]) -> list[Piece]:
    """One piece a partition; they are in the order in which they were fetched."""
    by_partition: dict[int, list[Piece]] = {}
    for piece in pieces:
        by_partition.setdefault(piece.partition, []).append(piece)
    return [same[0] if len(same) == 1 else _one(same) for same in by_partition.values()]


def _one(pieces: Sequence[Piece]) -> Piece:
    aborted = sorted({each for piece in pieces for each in piece.aborted})  # a long transaction is in several answers
    return pieces[0]._replace(run=batch_run.join([piece.run for piece in pieces]), aborted=aborted)


class Feed:
    """Fetches from positions on until it is closed. `heard` is when (loop time) a node last answered as it should."""

    def __init__(self, client: AIOKafkaClient, fetch: Fetch) -> None:
        self._client, self._fetch = client, fetch
        self._positions: dict[int, int] = {}  # the next offset to ask for; refused and damaged partitions are left out
        self._pieces: deque[Piece] = deque()
        self._held = 0  # bytes of the pieces
        self._arrived, self._changed = asyncio.Event(), asyncio.Event()
        self._asking: dict[int, asyncio.Task[None]] = {}  # by node
        self._task: asyncio.Task[None] | None = None
        self.refused: dict[int, type[kafka.KafkaError]] = {}  # partitions that cannot be read, and why
        self.heard = 0.0

    async def begin(self, positions: Mapping[int, int]) -> None:
        """Fetch from these positions on, and nothing else; what was fetched before is dropped."""
        await self.close()
        self._positions, self._pieces, self._held, self.refused = dict(positions), deque(), 0, {}
        self.heard = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._keep_asking(), name="feed")
        self._task.add_done_callback(lambda _: self._arrived.set())

    async def wait(self, seconds: float) -> None:
        """Until there is something to take or to say, at most `seconds`. Raises what ended the fetching."""
        if self._task is not None and self._task.done():
            await self._task
        if self._pieces or self.refused:
            return
        self._arrived.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._arrived.wait()

    def first(self, size: int) -> list[Piece]:
        """The oldest pieces until there are `size` bytes; they stay until they are dropped.

        Who is behind finds many small ones of a partition, and takes them at once.
        """
        chosen: list[Piece] = []
        for piece in self._pieces:
            if size <= 0:
                break
            chosen.append(piece)
            size -= piece.size
        return chosen

    def drop(self, count: int) -> None:
        """Forget the oldest pieces: they were taken."""
        for _ in range(count):
            self._held -= self._pieces.popleft().size
        self.heard = asyncio.get_running_loop().time()  # nothing is asked while there is no room
        self._changed.set()

    def holds(self, partition: int) -> bool:
        """Whether something of a partition waits to be taken."""
        return any(piece.partition == partition for piece in self._pieces)

    async def close(self) -> None:
        """Stop fetching."""
        tasks = [task for task in (self._task, *self._asking.values()) if task is not None]
        self._task, self._asking = None, {}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _keep_asking(self) -> None:
        while True:
            self._changed.clear()
            for node in [node for node, task in self._asking.items() if task.done()]:
                self._asking.pop(node).result()
            leaderless = self._held < AHEAD_BYTES and self._ask_idle_nodes()
            if leaderless:
                self._client.force_metadata_update()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY_SECONDS if leaderless else None):
                    await self._changed.wait()

    def _ask_idle_nodes(self) -> bool:
        """Ask every node that has nothing to answer; whether there is a partition without a leader."""
        by_node: dict[int, list[tuple[int, int]]] = {}
        for partition, offset in self._positions.items():
            leader = self._client.cluster.leader_for_partition(TopicPartition(self._fetch.topic, partition))
            by_node.setdefault(-1 if leader is None else leader, []).append((partition, offset))
        leaderless = by_node.pop(-1, None) is not None
        for node, wanted in by_node.items():
            if node not in self._asking:
                asking = self._asking[node] = asyncio.create_task(self._ask(node, wanted), name=f"fetch from {node}")
                asking.add_done_callback(lambda _: self._changed.set())
                self._let_another_be_first(wanted[0][0])
        return leaderless

    def _let_another_be_first(self, partition: int) -> None:
        """The first partition of a request gets a batch of any size, so that each has to be it in its turn."""
        self._positions[partition] = self._positions.pop(partition)

    async def _ask(self, node: int, wanted: list[tuple[int, int]]) -> None:
        """One request and its answer, and the wait until the next one may go to the node."""
        clock = asyncio.get_running_loop().time
        began = clock()
        found = await self._answer(node, wanted)
        moved_away = [self._take(part, wanted) for part in found or ()]
        if found is None or any(moved_away):
            self._client.force_metadata_update()
            await asyncio.sleep(RETRY_SECONDS)
        elif sum(len(part.data) for part in found) < LITTLE_BYTES:
            await asyncio.sleep(max(0.0, began + PACE_SECONDS - clock()))

    async def _answer(self, node: int, wanted: list[tuple[int, int]]) -> list[FetchedBytes] | None:
        """What a node says; None where it has to be asked again."""
        try:
            return list(self._fetch.read(await self._client.send(node, self._fetch.request(wanted))))
        except kafka.KafkaError as error:
            if not error.retriable:
                raise
            return None

    def _take(self, part: FetchedBytes, wanted: list[tuple[int, int]]) -> bool:
        """Keep what came of a partition; whether it has to be asked for elsewhere."""
        number, offset = part.partition, dict(wanted)[part.partition]
        if self._positions.get(number) != offset:  # another node was asked meanwhile, and has answered
            return False
        if part.error is not kafka.NoError:
            if not issubclass(part.error, FINAL):
                return True
            self.refused[number] = part.error
            self._leave_out(number)
            return False
        self.heard = asyncio.get_running_loop().time()
        run = batch_run.scan(part.data)
        if number == wanted[0][0]:  # the first one asked for gets at least one whole batch, where there is one
            run = run.whole()
        if len(run.headers) or run.fault:
            self._pieces.append(Piece(number, offset, run, part.aborted))
            self._held += self._pieces[-1].size
            self._positions[number] = run.position(offset)
            if run.fault:
                self._leave_out(number)
            self._arrived.set()
        return False

    def _leave_out(self, partition: int) -> None:
        self._positions.pop(partition, None)
        self._arrived.set()
