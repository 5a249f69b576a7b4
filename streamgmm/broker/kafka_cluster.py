"""Questions to a Kafka cluster: which topics there are, how they are set, which offsets they hold.

aiokafka's own calls for this ask with `allow_auto_topic_creation`, which creates on most clusters the topic that was
only asked for; the requests made here do not.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from aiokafka import errors as kafka

from streamgmm.broker.interface import Isolation, Topic
from streamgmm.broker.kafka_close import abandon
from streamgmm.broker.kafka_connection import SCHEME, bounded, connection
from streamgmm.broker.kafka_internals import (
    AIOKafkaClient,
    CreateTopicsRequest,
    DescribeConfigsRequest,
    FetchRequest,
    MetadataRequest,
    OffsetRequest,
    create_conn,
)
from streamgmm.errors import BrokerError
from streamgmm.settings import Broker

EARLIEST, LATEST = -2, -1  # times that stand for a partition's ends
ISOLATION: Mapping[Isolation, int] = {"read_uncommitted": 0, "read_committed": 1}
RETRY_SECONDS = 0.1
_TOPIC_RESOURCE = 2
_Answer = TypeVar("_Answer")


class KafkaCluster:
    """One client for questions. Whatever is not answered within `request_timeout` raises BrokerUnavailable."""

    def __init__(self, settings: Broker) -> None:
        self.address = settings.url.removeprefix(SCHEME)
        self._timeout = settings.request_timeout
        self._connection = connection(settings)

    async def open(self) -> None:
        """Connect. Raises BrokerUnavailable where nobody answers."""
        self._client = AIOKafkaClient(**self._connection)
        try:
            async with bounded(self._timeout, "connecting", self.address):
                await self._connect()
        except BaseException:
            await self.close()
            raise

    async def _connect(self) -> None:
        """aiokafka says only that it could not connect: why (no such host, a wrong password) is asked for here."""
        try:
            await self._client.bootstrap()
        except kafka.KafkaConnectionError:
            host, port, _ = self._client.hosts[0]
            arguments = {name: value for name, value in self._connection.items() if name != "bootstrap_servers"}
            (await create_conn(host, port, **arguments)).close()
            raise

    async def close(self) -> None:
        """Close the connections, within a second."""
        await abandon(self._client)

    async def leaders(self, topic: str) -> dict[int, int]:
        """The node that leads each partition, -1 where there is none yet; empty where there is no such topic."""
        described = await self._ask(f"asking for topic {topic}", lambda: self._metadata(topic))
        return {number: leader for _, number, leader, *_ in described}

    async def topic(self, name: str) -> Topic | None:
        """See `interface.Broker`."""
        partitions = await self._ask(f"asking for topic {name}", lambda: self._metadata(name))
        if not partitions:
            return None
        config = await self._ask(f"asking for the configuration of topic {name}", lambda: self._config(name))
        return Topic(name, len(partitions), len(partitions[0][3]), config)

    async def create_topic(self, topic: Topic) -> None:
        """See `interface.Broker`. Returns when every partition has a leader."""
        what = f"creating topic {topic.name}"
        created = await self._ask(what, lambda: self._create(topic))
        await self._ask(what, lambda: self._led(topic.name, topic.partitions if created else 1))

    async def offsets(self, topic: str, time: int, isolation: Isolation) -> dict[int, int]:
        """For each partition the first offset at or after `time` (ms, EARLIEST or LATEST); -1 where there is none."""
        return await self._ask(f"asking for offsets of topic {topic}", lambda: self._offsets(topic, time, isolation))

    async def batches_at(self, topic: str, partition: int, offset: int) -> bytes:
        """The stored record batches from the one that holds `offset` on, as they are (about 1 MiB)."""
        return await self._ask(f"reading {topic}/{partition}", lambda: self._raw(topic, partition, offset))

    async def _ask(self, what: str, question: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """The answer, asked for again while the error is one that passes."""
        async with bounded(self._timeout, what, self.address):
            while True:
                try:
                    return await question()
                except kafka.KafkaError as error:
                    if not error.retriable:
                        raise
                await asyncio.sleep(RETRY_SECONDS)
                await self._client.force_metadata_update()

    async def _metadata(self, topic: str) -> list[Any]:
        request = MetadataRequest([topic], allow_auto_topic_creation=False)
        answer = await self._client.send(self._client.get_random_node(), request)
        code, _, _, partitions = answer.topics[0]
        if code == kafka.UnknownTopicOrPartitionError.errno:
            return []
        _check(code)
        return [(code, number, leader, replicas) for code, number, leader, replicas, *_ in partitions]

    async def _config(self, topic: str) -> dict[str, str]:
        request = DescribeConfigsRequest([(_TOPIC_RESOURCE, topic, None)])
        answer = await self._client.send(self._client.get_random_node(), request)
        code, message, _, _, entries = answer.resources[0]
        _check(code, message)
        return {name: value for name, value, *_ in entries if value is not None}

    async def _create(self, topic: Topic) -> bool:
        """Whether it was created: it may exist, with partitions of its own."""
        configs = list(topic.config.items())
        wanted: tuple[Any, ...] = (topic.name, topic.partitions, topic.replication, [], configs)
        request = CreateTopicsRequest([wanted], int(self._timeout * 1000), validate_only=False)
        controller = self._client.cluster.controller
        node = self._client.get_random_node() if controller is None else controller.nodeId
        answer = await self._client.send(node, request)
        _, code, *message = answer.topic_errors[0]
        if code == kafka.TopicAlreadyExistsError.errno:
            return False
        _check(code, *message)
        return True

    async def _led(self, topic: str, partitions: int) -> None:
        leaders = await self.leaders(topic)
        if len(leaders) < partitions or min(leaders.values()) < 0:
            raise kafka.LeaderNotAvailableError

    async def _offsets(self, topic: str, time: int, isolation: Isolation) -> dict[int, int]:
        leaders = await self.leaders(topic)
        if not leaders:
            raise BrokerError(f"there is no topic {topic} on Kafka at {self.address}")
        by_node = defaultdict(list)
        for number, leader in leaders.items():
            by_node[leader].append((number, time))
        found: dict[int, int] = {}
        for node, wanted in by_node.items():
            if node < 0:
                raise kafka.LeaderNotAvailableError
            answer = await self._client.send(node, OffsetRequest(-1, ISOLATION[isolation], [(topic, wanted)]))
            for number, code, _time, offset, *_ in answer.topics[0][1]:
                _check(code)
                found[number] = offset
        return dict(sorted(found.items()))

    async def _raw(self, topic: str, partition: int, offset: int) -> bytes:
        leader = (await self.leaders(topic))[partition]
        request = FetchRequest(0, 1, 1 << 20, 0, [(topic, [(partition, offset, 1 << 20)])])
        answer = await self._client.send(leader, request)
        _, code, *_, data = answer.topics[0][1][0]
        _check(code)
        return bytes(data)


def _check(code: int, message: str | None = None) -> None:
    error = kafka.for_code(code)
    if error is not kafka.NoError:
        raise error(*([message] if message else []))
