"""Kill the learner at any moment: every record is still learnt once and assigned once."""

import signal
import uuid

import pytest

from tests.crash import learners
from tests.crash.learners import Learner
from tests.crash.logs import Embedded, Kafka


@pytest.fixture(params=["sqlite", "kafka"])
def log(request, tmp_path):
    if request.param == "sqlite":
        return Embedded(tmp_path / "log.db")
    return Kafka(request.getfixturevalue("kafka_url"))


def disturb_and_check(log, folder, *, partitions, number, kills, seed):
    topic = f"in-{uuid.uuid4().hex[:8]}"
    log.create(topic, partitions)
    learner = Learner(folder, learners.settings(log, topic, f"{topic}.out"))
    with learners.feeding(log, topic, partitions, rate=1500):
        codes = learners.disturbed(learner, kills, seed, number)
    assert learner.finish() == 0, learner.said()[-3000:]
    audit = learner.audit()
    assert audit.returncode == 0, audit.stdout + audit.stderr
    learners.check_every_record_once(log, topic, f"{topic}.out")
    return topic, learner, codes


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kills", [6, pytest.param(25, marks=pytest.mark.long)])
def test_kills_lose_nothing_and_every_assignment_is_that_of_an_undisturbed_run(log, tmp_path, kills):
    topic, learner, codes = disturb_and_check(log, tmp_path, partitions=1, number=signal.SIGKILL, kills=kills, seed=3)
    assert codes == [-signal.SIGKILL] * kills, learner.said()[-3000:]
    undisturbed = Learner(tmp_path, learners.settings(log, topic, f"{topic}.calm"), name="calm")
    assert undisturbed.finish() == 0
    assert learners.assignments(log, f"{topic}.out") == learners.assignments(log, f"{topic}.calm")


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_25_ends_on_several_partitions_lose_nothing(log, tmp_path, number):
    _, learner, codes = disturb_and_check(log, tmp_path, partitions=3, number=number, kills=25, seed=4)
    asked = {
        signal.SIGTERM: {0, -signal.SIGTERM},
        signal.SIGKILL: {-signal.SIGKILL},
    }  # a handler needs a while to be set
    assert set(codes) <= asked[number], learner.said()[-3000:]
