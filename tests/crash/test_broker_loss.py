"""The broker goes away: in the middle of a transaction, at the start, at the end, and for two learners at once."""

import signal
import time
import uuid

import pytest

from tests.crash import learners
from tests.crash.learners import Learner
from tests.crash.logs import Embedded, Kafka
from tests.kafka.server import KafkaServer, free_port


@pytest.fixture
def log(own_kafka: KafkaServer):
    return Kafka(own_kafka.url)


def new_topic(log, partitions=1, n=20_000):
    topic = f"in-{uuid.uuid4().hex[:8]}"
    log.create(topic, partitions)
    log.fill(topic, learners.records(n, partitions, 0))
    return topic


@pytest.mark.long
@pytest.mark.timeout(400)
def test_the_broker_killed_and_restarted_in_the_middle_of_transactions(own_kafka, log, tmp_path):
    """With a commit after every 50 records there is a transaction open at nearly any time."""
    topic = new_topic(log, n=30_000)
    small = {"delivery": {"commit_records": 50, "commit_interval": 0.05}}
    learner = Learner(tmp_path, learners.settings(log, topic, f"{topic}.out", **small))
    process = learner.start()
    for moment in (4.0, 1.5, 3.0):
        time.sleep(moment)
        assert process.poll() is None, learner.said()[-2000:]
        own_kafka.kill()
        own_kafka.restart()
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0, learner.said()[-2000:]
    assert learner.finish(timeout=180) == 0, learner.said()[-2000:]
    learner.check_audit()
    learners.check_every_record_once(log, topic, f"{topic}.out")
    calm = Learner(tmp_path, learners.settings(log, topic, f"{topic}.calm"), name="calm")
    assert calm.finish() == 0
    assert learners.assignments(log, f"{topic}.out") == learners.assignments(log, f"{topic}.calm")


def test_told_to_stop_while_the_broker_is_away_it_ends_in_time(own_kafka, log, tmp_path):
    """More records come afterwards, for what they commit also ends what a Kafka 4.3 alone in its cluster leaves open.

    It may lose the markers of what it had committed when it was killed (README, "Limits").
    """
    topic = new_topic(log)
    learner = Learner(tmp_path, learners.settings(log, topic, f"{topic}.out"))
    process = learner.start()
    learner.wait_for("model started")
    own_kafka.kill()
    try:
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0, learner.said()[-2000:]
        assert time.monotonic() - began < 5.5
    finally:
        own_kafka.restart()
    log.fill(topic, learners.records(1000, 1, 1))
    assert learner.finish() == 0, learner.said()[-2000:]
    learner.check_audit()


def test_an_absent_broker_is_waited_for_until_the_deadline_and_named(tmp_path):
    absent = Kafka(f"kafka://127.0.0.1:{free_port()}")
    given = learners.settings(
        absent, "in", "out", broker={"url": absent.url, "start_deadline": 2, "request_timeout": 1}
    )
    learner = Learner(tmp_path, given)
    assert learner.start().wait(20) == 3
    assert absent.bootstrap in learner.said()
    assert "next_try_seconds" in learner.said()


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("kafka", marks=pytest.mark.long)])
def test_the_first_of_two_learners_exits_with_4_and_says_why(request, tmp_path, kind):
    log = Embedded(tmp_path / "log.db") if kind == "sqlite" else request.getfixturevalue("log")
    topic = new_topic(log)
    first, second = (Learner(tmp_path, learners.settings(log, topic, f"{topic}.out"), name=n) for n in ("one", "two"))
    with learners.feeding(log, topic, 1, rate=1000):
        one = first.start()
        first.wait_for("model started")
        two = second.start()
        assert one.wait(30) == 4, first.said()[-2000:]
    assert "has been taken over by learner" in first.said()
    two.send_signal(signal.SIGTERM)
    assert two.wait(10) == 0, second.said()[-2000:]
    assert second.finish() == 0
    second.check_audit()
    learners.check_every_record_once(log, topic, f"{topic}.out")
