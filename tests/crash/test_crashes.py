"""Kill the learner at any moment: every record is still learnt once and assigned once."""

import signal
import uuid

import pytest

from tests.crash import learners
from tests.crash.learners import Learner
from tests.crash.logs import Embedded, Kafka

LARGE = {
    "model": {"name": "m", "n_components": 100},
    "learning": {"batch_size": 512, "warm_up": 1500},
    "delivery": {"commit_interval": 0.1, "commit_records": 300, "checkpoint_interval": 3},
}


@pytest.fixture(params=["sqlite", "kafka"])
def log(request, tmp_path):
    if request.param == "sqlite":
        return Embedded(tmp_path / "log.db")
    return Kafka(request.getfixturevalue("kafka_url"))


def disturb_and_check(log, folder, *, partitions, number, kills, seed, made=learners.records, **sections):
    topic = f"in-{uuid.uuid4().hex[:8]}"
    log.create(topic, partitions)
    learner = Learner(folder, learners.settings(log, topic, f"{topic}.out", **sections))
    with learners.feeding(log, topic, partitions, rate=1500, made=made):
        codes = learners.disturbed(learner, kills, seed, number)
    assert learner.finish() == 0, learner.said()[-3000:]
    learner.check_audit()
    learners.check_every_record_once(log, topic, f"{topic}.out")
    return topic, learner, codes


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kills", [6, pytest.param(25, marks=pytest.mark.long)])
def test_kills_lose_nothing_and_every_assignment_is_that_of_an_undisturbed_run(log, tmp_path, kills):
    topic, learner, codes = disturb_and_check(log, tmp_path, partitions=1, number=signal.SIGKILL, kills=kills, seed=3)
    assert codes == [-signal.SIGKILL] * kills, learner.said()[-3000:]
    undisturbed = Learner(tmp_path, learners.settings(log, topic, f"{topic}.calm"), name="calm")
    assert undisturbed.finish() == 0
    assert learners.assignments(log, f"{topic}.out") == learners.assignments(log, f"{topic}.calm")


@pytest.mark.timeout(1200)
@pytest.mark.long
@pytest.mark.parametrize("kills", [50])
def test_kills_at_full_speed_lose_nothing(log, tmp_path, kills):
    """The producer runs as fast as it can, in whole batches; the learner has always more to read than it can."""
    topic = f"in-{uuid.uuid4().hex[:8]}"
    log.create(topic, 3)
    learner = Learner(tmp_path, learners.settings(log, topic, f"{topic}.out"))
    with learners.flooding(log, topic, f"{topic}.out", 3, most=400_000 * kills):
        first = learner.start()
        learner.wait_for("model started", 180)
        first.kill()
        first.wait(10)
        codes = learners.disturbed(learner, kills, 6, signal.SIGKILL, shortest=0.5, longest=3.5)
    assert codes == [-signal.SIGKILL] * kills, learner.said()[-3000:]
    assert learner.finish(timeout=300) == 0, learner.said()[-3000:]
    learner.check_audit()


@pytest.mark.timeout(1200)
@pytest.mark.long  # a start with 5 MB of model takes its time
@pytest.mark.parametrize("kills", [15])
def test_kills_of_a_large_model_between_its_checkpoints_lose_nothing(log, tmp_path, kills):
    """100 components of 64 features, full: 5 MB every 3 s, and a transaction with a progress record every 100 ms."""
    topic = f"in-{uuid.uuid4().hex[:8]}"
    log.create(topic, 1)
    log.fill(topic, learners.wide_records(4000 + 1500 * kills, 64))
    learner = Learner(tmp_path, learners.settings(log, topic, f"{topic}.out", **LARGE))
    first = learner.start()
    learner.wait_for("model started", 180)
    first.kill()
    first.wait(10)
    learners.disturbed(learner, kills, 5, signal.SIGKILL, shortest=2.0, longest=4.0)
    assert learner.finish() == 0, learner.said()[-3000:]
    learner.check_audit()
    learners.check_every_record_once(log, topic, f"{topic}.out")
    calm = Learner(tmp_path, learners.settings(log, topic, f"{topic}.calm", **LARGE), name="calm")
    assert calm.finish() == 0, calm.said()[-3000:]
    assert learners.assignments(log, f"{topic}.out") == learners.assignments(log, f"{topic}.calm")


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("log", ["sqlite", pytest.param("kafka", marks=pytest.mark.long)], indirect=True)
@pytest.mark.parametrize("kills", [4, pytest.param(15, marks=pytest.mark.long)])
def test_kills_change_nothing_with_missing_values_weights_and_a_half_life_in_event_time(log, tmp_path, kills):
    made = {"made": learners.rich_records, **learners.RICH}
    topic, learner, _ = disturb_and_check(
        log, tmp_path, partitions=1, number=signal.SIGKILL, kills=kills, seed=5, **made
    )
    undisturbed = Learner(tmp_path, learners.settings(log, topic, f"{topic}.calm", **learners.RICH), name="calm")
    assert undisturbed.finish() == 0, undisturbed.said()[-3000:]
    ours, calm = (learners.assignments(log, f"{topic}.{name}") for name in ("out", "calm"))
    assert ours == calm
    assert "half_life" in learner.config.read_text()
    assert len(ours) > 1000


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_25_ends_on_several_partitions_lose_nothing(log, tmp_path, number):
    _, learner, codes = disturb_and_check(log, tmp_path, partitions=3, number=number, kills=25, seed=4)
    asked = {
        signal.SIGTERM: {0, -signal.SIGTERM},
        signal.SIGKILL: {-signal.SIGKILL},
    }  # a handler needs a while to be set
    assert set(codes) <= asked[number], learner.said()[-3000:]
