"""Fixtures of the whole suite: one real Kafka, started when the first test asks for it."""

import os
from collections.abc import Iterator

import hypothesis
import pytest

from tests.kafka.jars import jars
from tests.kafka.server import KafkaServer

# A property is tried on some examples by `make test`, on many by `make test-long`.
hypothesis.settings.register_profile("some", max_examples=30, deadline=None)
hypothesis.settings.register_profile("many", max_examples=100, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "some"))

GIVEN = os.environ.get("STREAMGMM_TEST_KAFKA")

# Expired transactions are aborted soon. Not on a broker that is restarted: one that aborts while it starts forgets the
# marker (Kafka 4.3.1), and the partition's stable end stays where it is.
SOON = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "500"}


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fetch the jars before the first test, so that no test's time limit pays for the download."""
    used = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    wanted = "own_kafka" in used or ("kafka_url" in used and not GIVEN)
    if wanted and not session.config.option.collectonly:
        jars()


@pytest.fixture(scope="session")
def kafka_url() -> Iterator[str]:
    """`kafka://host:port` of a broker for the whole run; STREAMGMM_TEST_KAFKA=host:port uses one that is there."""
    if GIVEN:
        yield f"kafka://{GIVEN}"
        return
    with KafkaServer(properties=SOON) as server:
        yield server.url


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[KafkaServer]:
    """A broker of the module's own, to be killed, paused and restarted."""
    with KafkaServer(properties={"broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500"}) as server:
        yield server
