"""A partition's leader dies, comes back and is elected again under a running learner: nothing lost, nothing twice."""

import re
import signal
import time
import urllib.request
import uuid
from collections.abc import Iterator

import pytest

from tests.crash import learners
from tests.crash.learners import Learner
from tests.crash.logs import Kafka
from tests.kafka.cluster import Cluster, cluster

PATIENCE = 90.0  # s


@pytest.fixture(scope="module")
def three() -> Iterator[Cluster]:
    with cluster() as brokers:
        yield brokers


def metric(learner: Learner, name: str) -> float:
    found = re.search(r"http://127\.0\.0\.1:\d+", learner.said())
    assert found, learner.said()
    with urllib.request.urlopen(f"{found[0]}/metrics", timeout=10) as answer:
        values = re.findall(rf"^{name}\S* (\S+)$", answer.read().decode(), re.MULTILINE)
    return float(values[0])


def goes_on(learner: Learner) -> None:
    """Until the learner has published something that it had not when this was called."""
    published, deadline = metric(learner, "streamgmm_records_published_total"), time.monotonic() + PATIENCE
    while metric(learner, "streamgmm_records_published_total") <= published:
        assert time.monotonic() < deadline, learner.said()[-2000:]
        time.sleep(0.1)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_leader_that_dies_and_one_that_is_voted_out(three, tmp_path):
    topic, log = f"in-{uuid.uuid4().hex[:8]}", Kafka(three.url)
    three.create(topic, [[2, 1, 3], [3, 1, 2]])
    log.fill(topic, learners.records(4000, 2, 0))
    learner = Learner(tmp_path, learners.settings(log, topic, f"{topic}.out", output={"replication": 3}))
    with learners.feeding(log, topic, 2, rate=2000):
        process = learner.start()
        learner.wait_for("model started", 120)
        for node, partition in ((2, 0), (3, 1)):
            assert three.leader(topic, partition) == node
            three.servers[node].kill()
            three.await_leader(topic, partition, other_than=node)
            goes_on(learner)
            three.servers[node].restart()
            three.await_replicas(topic)
            three.move(topic, partition)
            assert three.leader(topic, partition) == node
            goes_on(learner)
        assert metric(learner, "streamgmm_kafka_fast_path") == 1
        assert process.poll() is None, learner.said()[-2000:]
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0, learner.said()[-2000:]
    assert learner.finish() == 0, learner.said()[-2000:]
    learner.check_audit()
    learners.check_every_record_once(log, topic, f"{topic}.out")
