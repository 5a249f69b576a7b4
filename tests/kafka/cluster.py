"""Three Kafka brokers in one cluster, for what happens when a partition's leader changes."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from confluent_kafka import ElectionType, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.kafka.server import KafkaServer

NODES = (1, 2, 3)
_PROPERTIES = {
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "auto.leader.rebalance.enable": "false",
    "unclean.leader.election.enable": "false",
}
_PATIENCE = 60.0  # s


class Cluster:
    """Brokers by number; the first one is the controller, too, and has to stay."""

    def __init__(self, servers: dict[int, KafkaServer]) -> None:
        self.servers, self.url = servers, servers[1].url
        self.admin = AdminClient({"bootstrap.servers": servers[1].bootstrap})

    def create(self, topic: str, replicas: list[list[int]]) -> None:
        """A topic; of each partition's brokers the first is its leader."""
        wanted = NewTopic(topic, len(replicas), replica_assignment=replicas, config={"min.insync.replicas": "2"})
        for future in self.admin.create_topics([wanted]).values():
            future.result(30)

    def leader(self, topic: str, partition: int) -> int:
        """The number of the broker that leads the partition, -1 for none."""
        return int(self.admin.list_topics(topic, 10).topics[topic].partitions[partition].leader)

    def move(self, topic: str, partition: int) -> None:
        """Elect the partition's first broker."""
        self.admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition(topic, partition)]).result(30)

    def await_leader(self, topic: str, partition: int, *, other_than: int) -> None:
        """Until another broker leads the partition."""
        deadline = time.monotonic() + _PATIENCE
        while self.leader(topic, partition) in (other_than, -1):
            assert time.monotonic() < deadline, f"{other_than} still leads {topic}/{partition}"
            time.sleep(0.1)

    def await_replicas(self, topic: str) -> None:
        """Until every partition is whole on all of its brokers."""
        deadline = time.monotonic() + _PATIENCE
        while any(
            len(p.isrs) < len(NODES) for p in self.admin.list_topics(topic, 10).topics[topic].partitions.values()
        ):
            assert time.monotonic() < deadline, f"{topic} is not whole again"
            time.sleep(0.1)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Started, and removed again."""
    with ExitStack() as stack:
        first = stack.enter_context(KafkaServer(properties=_PROPERTIES, heap="300m"))
        servers = {1: first}
        for node in NODES[1:]:
            joining = KafkaServer(properties=_PROPERTIES, heap="300m", joining=first, node=node)
            servers[node] = stack.enter_context(joining)
        yield Cluster(servers)
