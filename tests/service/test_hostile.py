"""A learner whose HTTP is misused all the while goes on learning, and assigns every record once."""

import asyncio
import contextlib
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.kafka.server import free_port

DATA = Path(__file__).parents[2] / "streamgmm" / "data"
ROWS = 3395  # of the data
TURNS, RATE = 10, 3000  # of the data in the stream, and its records a second: eleven seconds
MOST_MEMORY = 800 * 2**20  # bytes
NEVER_READ = 80  # clients; more than there are places for pages
FLOODS = 4  # of each kind


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "streamgmm", *arguments]


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n".encode()


def kinds() -> tuple[Callable[[], bytes], ...]:
    """What is sent again and again: garbage, queries without an end, and the past along ever other axes."""
    axes = itertools.cycle(itertools.product(range(6), range(6)))

    def past() -> bytes:
        x, y = next(axes)
        return get(f"/api/v1/frames/{x + y}?x={x}&y={y}")

    return lambda: os.urandom(3000), lambda: get("/api/v1/live?x=" + "9" * 15_000), past


async def flood(port: int, sent: Callable[[], bytes]) -> None:
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent())
            await reader.read()
            writer.close()
        await asyncio.sleep(0)


async def never_read(port: int) -> None:
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(get("/api/v1/live"))
            await asyncio.Event().wait()
        await asyncio.sleep(0.05)


@contextlib.contextmanager
def misused(port: int) -> Iterator[None]:
    """For as long as the block runs, from a process of its own."""
    with subprocess.Popen([sys.executable, "-m", "tests.service.test_hostile", str(port)]) as attacker:
        try:
            yield
        finally:
            attacker.kill()


async def misuse(port: int) -> None:
    floods = (flood(port, kind) for kind in kinds() for _ in range(FLOODS))
    await asyncio.gather(*floods, *(never_read(port) for _ in range(NEVER_READ)))


@contextlib.contextmanager
def learner(folder: Path, port: int) -> "Iterator[psutil.Popen]":
    """One that is told to stop at the end."""
    arguments = command("run", "--config", str(DATA / "players.yaml"), f"--set=http.port={port}")
    with (folder / "log").open("wb") as log, psutil.Popen(arguments, cwd=folder, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()


def longer(folder: Path) -> Path:
    """The data, again and again."""
    head, *rows = (DATA / "players.csv").read_text("utf-8").splitlines(keepends=True)
    file = folder / "longer.csv"
    file.write_text(head + "".join(rows) * TURNS, "utf-8")
    return file


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_learner_that_is_misused_goes_on_learning_and_loses_nothing(tmp_path: Path) -> None:
    def done(*arguments: str) -> str:
        return subprocess.run(command(*arguments), cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    place = ("--topic", "players", "--format", "json", "--broker", "sqlite:///players.db")
    done("replay", str(DATA / "players.csv"), *place)
    port = free_port()
    with learner(tmp_path, port) as process:
        while readiness(port) != 200:
            assert process.poll() is None, (tmp_path / "log").read_text()[-3000:]
        with misused(port):
            done("replay", str(longer(tmp_path)), *place, "--rate", str(RATE))
            memory = process.memory_info().rss
            process.terminate()
            assert process.wait(20) == 0
    assert memory < MOST_MEMORY
    found = done("audit", "--config", str(DATA / "players.yaml"))
    assert "ok: every record is there, none twice" in found
    learnt = int(re.search(r"input +([0-9,]+)", found)[1].replace(",", ""))  # type: ignore[index]
    assert learnt > 2 * ROWS, found  # it went on; how fast depends on who else wants the cores


def readiness(port: int) -> int:
    """What `/readyz` answers; 0 while nobody does."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code
    except httpx.TransportError:
        return 0


if __name__ == "__main__":
    asyncio.run(misuse(int(sys.argv[1])))
