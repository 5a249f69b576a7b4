"""Other programs that do the same: Kafka Streams and Quix Streams, and Kafka's own measuring tools as the limit.

Each is made ready by itself: jars from Maven, compiled here; Quix Streams in an environment of its own.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.kafka.jars import CACHE, jars
from tests.locked import locked

PEERS = Path(__file__).parents[1] / "peers"
KAFKA_STREAMS, QUIX_STREAMS = "Kafka Streams", "Quix Streams"
MILLISECONDS = 100  # commit interval


def kafka_streams(
    address: str, source: str, target: str, *, guarantee: str = "exactly_once_v2", milliseconds: int = MILLISECONDS
) -> list[str]:
    """The command of the Kafka Streams program; it reads from the start."""
    libs, classes = jars(PEERS / "pom.xml"), _compiled()
    state = tempfile.mkdtemp(prefix="streamgmm-bench-streams-")
    java = ["java", "-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", f"{classes}:{libs}/*"]
    return [*java, "KafkaStreamsPeer", address, source, target, guarantee, str(milliseconds), "earliest", state]


def quix_streams(address: str, source: str, target: str) -> list[str]:
    """The command of the Quix Streams program; exactly-once, from the start."""
    return [str(_quix_python()), str(PEERS / "quix_streams.py"), address, source, target]


def consumer_performance(address: str, topic: str, records: int) -> float:
    """Records a second that Kafka's own ConsumerPerformance reads, once it has its partitions."""
    given = ["--bootstrap-server", address, "--topic", topic, "--num-records", str(records), "--timeout", "30000"]
    said = _tool("org.apache.kafka.tools.ConsumerPerformance", *given)
    names, figures = (line.split(", ") for line in said.strip().splitlines()[-2:])
    return float(dict(zip(names, figures, strict=True))["fetch.nMsg.sec"])


def producer_performance(address: str, topic: str, records: int, size: int) -> float:
    """Records a second that Kafka's own ProducerPerformance writes."""
    producer = [f"bootstrap.servers={address}", "linger.ms=5", "batch.size=262144"]
    given = ["--topic", topic, "--num-records", str(records), "--throughput", "-1", "--record-size", str(size)]
    said = _tool("org.apache.kafka.tools.ProducerPerformance", *given, "--command-property", *producer)
    return float(re.findall(r"([\d.]+) records/sec", said)[-1])


def _tool(main_class: str, *given: str) -> str:
    command = ["java", "-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", f"{jars()}/*"]
    done = subprocess.run([*command, main_class, *given], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"{main_class} {' '.join(given)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _compiled() -> Path:
    """The folder with the program's classes."""
    libs, source = jars(PEERS / "pom.xml"), PEERS / "KafkaStreamsPeer.java"
    classes = libs.with_name(f"{libs.name}-classes")
    with locked(CACHE / "classes.lock"):
        made = classes / "KafkaStreamsPeer.class"
        if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
            compiler, path = str(next(libs.glob("ecj-*.jar"))), ":".join(map(str, libs.glob("*.jar")))
            _run(["java", "-jar", compiler, "-17", "-cp", path, "-d", str(classes), str(source)])
    return classes


def _quix_python() -> Path:
    """The interpreter of an environment with what `quix.lock` pins."""
    folder, lock = CACHE.parent / "quix", PEERS / "quix.lock"
    python, installed = folder / "bin" / "python", folder / ".installed"
    with locked(CACHE.parent / "quix.lock"):
        if not installed.exists() or installed.read_text() != lock.read_text():
            _run([sys.executable, "-m", "venv", "--clear", str(folder)])
            _run([str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(lock)])
            installed.write_text(lock.read_text())
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed:\n{(done.stdout + done.stderr)[-2000:]}")
