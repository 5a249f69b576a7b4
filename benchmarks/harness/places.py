"""Where a benchmark's topics live: a Kafka of its own, one that is there already, or the embedded log.

Each gives the URL of a broker and takes the topics away again that a benchmark has made there.
"""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from confluent_kafka.admin import AdminClient

from tests.kafka.jars import jars
from tests.kafka.server import KafkaServer


class Place(NamedTuple):
    """A broker. `topic` is a name that nobody else uses there; all topics made begin with it."""

    name: str
    version: str
    url: str
    topic: str


@contextmanager
def kafka(address: str | None) -> Iterator[Place]:
    """The Kafka at `host:port`, or one that is started and removed again."""
    topic = f"bench-{uuid.uuid4().hex[:8]}"
    if address is None:
        version = next(jars().glob("kafka-clients-*.jar")).stem.removeprefix("kafka-clients-")
        with KafkaServer() as server:
            yield Place("kafka", f"Kafka {version}, started for this", server.url, topic)
        return
    try:
        yield Place("kafka", f"the Kafka at {address}", f"kafka://{address}", topic)
    finally:
        remove(address, topic)


@contextmanager
def embedded() -> Iterator[Place]:
    """The embedded log in a new file."""
    with tempfile.TemporaryDirectory(prefix="streamgmm-bench-") as folder:
        yield Place("local log", "embedded log in SQLite", f"sqlite:///{folder}/log.db", "bench")


def remove(address: str, prefix: str) -> None:
    """Delete the topics that begin with `prefix` from a Kafka."""
    admin = AdminClient({"bootstrap.servers": address})
    names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
    for future in admin.delete_topics(names).values() if names else ():
        future.result(30)
