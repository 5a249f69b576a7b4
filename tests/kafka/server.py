"""A real single-node Apache Kafka on free loopback ports, for tests, benchmarks and trying things by hand.

`with KafkaServer() as server:` formats a log in a temporary folder, starts the broker as a process group of its own,
returns once it answers, and leaves nothing behind, whatever happens: `leash.py` ends the broker and removes its folder
when the process that started it is gone. Others may join the first one's cluster (see `cluster.py`).
`python -m tests.kafka.server [--port N]` runs one in the foreground.
"""

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.kafka.jars import HERE, jars

QUIET = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


class KafkaServer:
    """A broker with its data; `kill` and `pause` end the process, `restart` goes on with the same data and ports."""

    def __init__(
        self,
        port: int | None = None,
        *,
        properties: dict[str, str] | None = None,
        client: dict[str, str] | None = None,
        heap: str = "512m",
        joining: "KafkaServer | None" = None,
        node: int = 1,
    ) -> None:
        """`properties` go over those of server.properties; `client` says how to connect, in librdkafka's names.

        `joining`: a broker alone, with the number `node`, in the cluster of that one, which stays its controller.
        """
        self.joining, self.node = joining, node
        self.controller_port: int = joining.controller_port if joining else free_port()
        self.cluster_id: str | None = None  # known once it is formatted
        self.port = port or free_port()
        self.properties, self.client, self.heap = properties or {}, client or {}, heap
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.url = f"kafka://{self.bootstrap}"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.libs = jars()
        self.folder = Path(tempfile.mkdtemp(prefix="streamgmm-kafka-"))
        self.data = self.folder / "data"
        try:
            self._format()
            self.restart()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def restart(self, *, timeout: float = 60) -> None:
        """Start the broker (again) on its data; returns once it answers. Raises RuntimeError with its log's end."""
        java = ["java", "-Xms128m", f"-Xmx{self.heap}", QUIET, "-cp", f"{self.libs}/*", "kafka.Kafka", self._config]
        leash = [sys.executable, "-I", "-S", str(HERE / "leash.py"), str(self.folder), *java]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                leash, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
            )
        self._await_answer(time.monotonic() + timeout)

    def kill(self) -> None:
        """SIGKILL: as if the machine had lost its power, except that the page cache survives."""
        self._end(lambda leash: leash.communicate(b"!"))

    def pause(self) -> None:
        """SIGTERM and wait: a clean shutdown, after which the broker trusts its files without checking them."""
        self._end(lambda leash: os.killpg(leash.pid, signal.SIGTERM))

    def stop(self) -> None:
        """End the broker and remove its data."""
        self._end(lambda leash: leash.communicate())
        shutil.rmtree(self.folder, ignore_errors=True)

    def tool(self, main_class: str, *args: str, timeout: float = 60) -> str:
        """Run one of Kafka's own command-line tools (`org.apache.kafka.tools.TopicCommand`, ...); its output."""
        command = ["java", "-Xmx256m", QUIET, "-cp", f"{self.libs}/*", main_class, *args]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
        if done.returncode:
            raise RuntimeError(f"{main_class} {' '.join(args)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    @property
    def _config(self) -> str:
        return str(self.folder / "server.properties")

    @property
    def _log(self) -> Path:
        return self.folder / "broker.log"

    def _format(self) -> None:
        names = {"port": self.port, "controller_port": self.controller_port, "data": self.data}
        text = (HERE / "server.properties").read_text().format(**names)
        extra = "".join(f"{name}={value}\n" for name, value in (self._membership() | self.properties).items())
        Path(self._config).write_text(text + extra)
        known = self.joining and self.joining.cluster_id
        self.cluster_id = known or self.tool("kafka.tools.StorageTool", "random-uuid").strip()
        role = "--no-initial-controllers" if self.joining else "--standalone"
        self.tool("kafka.tools.StorageTool", "format", role, "-t", self.cluster_id, "-c", self._config)

    def _membership(self) -> dict[str, str]:
        if self.joining is None:
            return {}
        own = f"PLAINTEXT://127.0.0.1:{self.port}"
        return {"process.roles": "broker", "node.id": str(self.node), "listeners": own, "advertised.listeners": own}

    def _await_answer(self, deadline: float) -> None:
        assert self.process is not None
        while not listening(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Kafka did not start on port {self.port}:\n{self._log.read_text()[-3000:]}")
            time.sleep(0.05)
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0, **self.client})
        while time.monotonic() < deadline:
            with contextlib.suppress(KafkaException):
                if admin.list_topics(timeout=1).brokers:
                    return
        raise RuntimeError(f"Kafka listens on {self.port} but does not answer:\n{self._log.read_text()[-3000:]}")

    def _end(self, by: Callable[["subprocess.Popen[bytes]"], object]) -> None:
        """The leash ends when the broker has: nothing writes into its folder after this."""
        leash, self.process = self.process, None
        if leash is None:
            return
        with contextlib.suppress(ProcessLookupError, BrokenPipeError):
            by(leash)
        leash.wait()
        assert leash.stdin is not None
        leash.stdin.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a real Kafka in the foreground; Ctrl-C ends it.")
    parser.add_argument("--port", type=int, help="default: 9092 if it is free, else a free one")
    port = parser.parse_args().port or (free_port() if listening(9092) else 9092)
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    say("starting Kafka (the first time its jars are fetched) ...")
    with KafkaServer(port) as server:
        say(server.url)
        say(f"  try:   .venv/bin/streamgmm run --config config/minimal.yaml --broker {server.url}")
        say("  its data is temporary; Ctrl-C ends it")
        over.wait()
    say("stopped")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
