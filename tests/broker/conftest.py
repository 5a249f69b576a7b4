"""Both brokers, each new to the test: the embedded log as a new file, Kafka with topic names of the test's own."""

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


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fetch Kafka before the first test: the suite asks for its fixture at run time, which the root cannot see."""
    chosen = (getattr(item, "callspec", None) for item in session.items)
    wanted = any(spec is not None and spec.params.get("broker_url") == "kafka" for spec in chosen)
    if wanted and "STREAMGMM_TEST_KAFKA" not in os.environ and not session.config.option.collectonly:
        jars()


@pytest.fixture(params=["sqlite", "kafka"])
def broker_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/log.db" if request.param == "sqlite" else request.getfixturevalue("kafka_url")


@pytest.fixture
def local_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/log.db"


@pytest.fixture
async def broker(broker_url: str) -> AsyncIterator[Broker]:
    async with open_broker(settings.Broker(url=broker_url)) as opened:
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
