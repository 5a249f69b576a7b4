"""Fixtures of the whole suite: one real Kafka, started when the first test asks for it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import hypothesis
import pytest

from tests.kafka.jars import jars
from tests.kafka.server import KafkaServer

# A property is tried on some examples by `make test`, on many by `make test-long`.
hypothesis.settings.register_profile("some", max_examples=15, deadline=None)
hypothesis.settings.register_profile("many", max_examples=100, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "some"))

# A shell lets what it starts in the background ignore Ctrl-C, which would be handed on to every process under test.
signal.signal(signal.SIGINT, signal.default_int_handler)

GIVEN = os.environ.get("STREAMGMM_TEST_KAFKA")

# Expired transactions are aborted soon. Not on a broker that is restarted: one that aborts while it starts forgets the
# marker (Kafka 4.3.1), and the partition's stable end stays where it is.
SOON = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "500"}


# What fills numba's cache, side by side: the kernels of every type of covariance with those of drift, and the records'.
KERNELS = (
    "from streamgmm.mixture.warm import warm_kernels, warm_lookout; warm_kernels(); warm_lookout()\n"
    "from streamgmm.drift.warm import warm_kernels; warm_kernels()",
    "from streamgmm.records.warm import warm_kernels; warm_kernels()",
)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile once before several processes begin: each would compile for itself, and its first tests be too slow."""
    several = getattr(session.config.option, "numprocesses", None)
    if several and not hasattr(session.config, "workerinput") and not session.config.option.collectonly:
        compiling = [subprocess.Popen([sys.executable, "-c", kernels]) for kernels in KERNELS]
        failed = [process.args for process in compiling if process.wait()]
        assert not failed, failed


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
