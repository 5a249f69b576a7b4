"""Every broker, new to the test: the embedded log as a new file, Kafka with topic names of the test's own.

Kafka comes twice: on the fast path, and through aiokafka's public calls.
"""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from streamgmm import settings
from streamgmm.broker.interface import Broker
from streamgmm.broker.open import open_broker
from tests.broker.operators import KafkaOperator, LocalOperator, Operator
from tests.kafka.jars import jars

KAFKA_WAYS = ("kafka fast", "kafka public")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fetch Kafka before the first test: the suite asks for its fixture at run time, which the root cannot see."""
    chosen = (getattr(item, "callspec", None) for item in session.items)
    wanted = any(spec is not None and "kafka" in str(spec.params.get("way")) for spec in chosen)
    if wanted and "STREAMGMM_TEST_KAFKA" not in os.environ and not session.config.option.collectonly:
        jars()


@pytest.fixture(params=["sqlite", *KAFKA_WAYS])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def broker_url(way: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/log.db" if way == "sqlite" else request.getfixturevalue("kafka_url")


@pytest.fixture
def local_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/log.db"


@pytest.fixture
def given(broker_url: str, way: str) -> settings.Broker:
    return settings.Broker(url=broker_url, kafka_fast_path="off" if way == "kafka public" else "on")


@pytest.fixture
async def broker(given: settings.Broker) -> AsyncIterator[Broker]:
    async with open_broker(given) as opened:
        yield opened


@pytest.fixture
def operator(broker: Broker) -> Iterator[Operator]:
    if broker.url.startswith("kafka"):
        yield KafkaOperator(broker.url)
        return
    local = LocalOperator(broker.url)
    yield local
    local.database.close()


@pytest.fixture
def name() -> str:
    """A topic name, transactional id or group that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"
