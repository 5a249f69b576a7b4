"""Topics are created as exactly-once needs them, or refused with the command that mends."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streamgmm.broker.interface import Broker, Topic
from streamgmm.broker.open import open_broker
from streamgmm.errors import BrokerError
from streamgmm.service.topics import ensure, missing, wanted
from streamgmm.settings import Settings
from streamgmm.settings.source import load


def settings(*overrides: str) -> Settings:
    return load(None, ["input.topic=players", "model.n_components=2", *overrides], {})


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    async with open_broker(settings(f"broker.url={url}").broker) as opened:
        yield opened


@pytest.fixture
async def players(broker: Broker) -> Topic:
    config = {"retention.ms": "1000", "max.message.bytes": "2000000"}
    await broker.create_topic(Topic("players", 3, 1, config))
    found = await broker.topic("players")
    assert found is not None
    return found


async def test_creates_what_is_missing_and_then_leaves_it(broker: Broker, players: Topic) -> None:
    assert await missing(broker, settings()) == list(settings().topics.values())
    topics = await ensure(broker, settings())
    assert await missing(broker, settings()) == []
    assert await ensure(broker, settings("output.create_topics=false")) == topics
    assert topics.input == players
    assert [topic.partitions for topic in topics] == [3, 3, 3, 1, 1]
    assert topics.assignments.name == "players.assignments"
    assert topics.dead_letters.name == "players.assignments.dead-letters"
    assert topics.model.config["cleanup.policy"] == "compact"
    assert int(topics.model.config["segment.bytes"]) <= 32 * 1024**2


async def test_outputs_take_and_keep_what_the_input_does(broker: Broker, players: Topic) -> None:
    topics = await ensure(broker, settings())
    for topic in (topics.assignments, topics.dead_letters):
        assert topic.config["retention.ms"] == "1000"
        assert int(topic.config["max.message.bytes"]) > 2_000_000 + 64 * 1024
        assert topic.config["cleanup.policy"] == "delete"


def test_a_compacted_input_has_outputs_that_are_kept() -> None:
    source = Topic("players", 1, 1, {"cleanup.policy": "compact", "retention.ms": "1000"})
    assert wanted(settings(), source)["assignments"].config["retention.ms"] == "-1"


@pytest.mark.parametrize(("replication", "in_sync"), [(1, "1"), (2, "1"), (3, "2"), (5, "2")])
def test_replication_says_how_many_must_be_in_sync(replication: int, in_sync: str) -> None:
    topics = wanted(settings(f"output.replication={replication}"), Topic("players", 1, 1, {}))
    assert {(topic.replication, topic.config["min.insync.replicas"]) for topic in topics.values()} == {
        (replication, in_sync)
    }


async def test_never_creates_the_input(broker: Broker) -> None:
    with pytest.raises(BrokerError, match=r"players .* does not exist .*streamgmm replay FILE --topic players"):
        await ensure(broker, settings())
    assert await broker.topic("players") is None


async def test_creates_nothing_where_told_not_to(broker: Broker, players: Topic) -> None:
    with pytest.raises(BrokerError, match=r"players\.assignments does not exist .*streamgmm topics create"):
        await ensure(broker, settings("output.create_topics=false"))


@pytest.mark.parametrize("policy", ["delete", "compact,delete"])
async def test_refuses_a_model_topic_that_forgets(broker: Broker, players: Topic, policy: str) -> None:
    await broker.create_topic(Topic("players.assignments.model", 1, 1, {"cleanup.policy": policy}))
    with pytest.raises(BrokerError, match=rf"cleanup\.policy={policy} .*name another output .*broker\.url$") as refused:
        await ensure(broker, settings(f"broker.url={broker.url}"))
    assert "kafka" not in str(refused.value)


async def test_refuses_a_model_topic_of_several_partitions(broker: Broker, players: Topic) -> None:
    await broker.create_topic(Topic("players.assignments.model", 2, 1, {"cleanup.policy": "compact"}))
    with pytest.raises(BrokerError, match=r"has 2 partitions .*name another output .*broker\.url$"):
        await ensure(broker, settings())


async def test_kafka_takes_every_configuration(kafka_url: str) -> None:
    name = f"players-{uuid.uuid4().hex}"
    given = settings(f"broker.url={kafka_url}", f"input.topic={name}")
    async with open_broker(given.broker) as kafka:
        await kafka.create_topic(Topic(name, 2, 1, {"retention.ms": "3600000"}))
        topics = await ensure(kafka, given)
        source = await kafka.topic(name)
        assert source is not None
        for role, topic in wanted(given, source).items():
            found = getattr(topics, role)
            assert found.partitions == topic.partitions
            assert {key: found.config[key] for key in topic.config} == topic.config
        assert await ensure(kafka, given) == topics


@pytest.mark.parametrize(("partitions", "policy"), [(2, "compact"), (1, "delete")])
async def test_kafka_s_model_topic_is_refused_too(kafka_url: str, partitions: int, policy: str) -> None:
    name = f"players-{uuid.uuid4().hex}"
    given = settings(f"broker.url={kafka_url}", f"input.topic={name}")
    async with open_broker(given.broker) as kafka:
        await kafka.create_topic(Topic(name, 1, 1, {}))
        await kafka.create_topic(Topic(given.topics["model"], partitions, 1, {"cleanup.policy": policy}))
        with pytest.raises(
            BrokerError, match=rf"kafka-\w+\.sh --bootstrap-server {kafka_url.removeprefix('kafka://')} "
        ):
            await ensure(kafka, given)
