"""The embedded log under several processes, some of which are killed."""

import asyncio
import random
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process

from streamgmm import settings
from streamgmm.broker.open import open_broker
from streamgmm.records.columns import Record
from tests.broker.traffic import create, everything, values

SENT = 50  # records to a number in each partition


async def start(url: str, name: str, transactional_id: str, first: int, count: int) -> Process:
    program = [sys.executable, "-m", "tests.broker.local_log_writer"]
    return await asyncio.create_subprocess_exec(
        *program, url, name, transactional_id, str(first), str(count), stdout=PIPE
    )


def numbers(taken: list[Record], transactional_id: str) -> list[int]:
    """The numbers that a writer has published, each as often as records were sent of it."""
    told = (value.split(":") for value in values(taken))
    return [int(number) for writer, number in told if writer == transactional_id]


def repeated(n: int) -> list[int]:
    return [number for number in range(n) for _ in range(SENT)]


async def test_processes_write_side_by_side(local_url: str, name: str) -> None:
    async with open_broker(settings.Broker(url=local_url)) as broker:
        await create(broker, name, partitions=2)
        processes = [await start(local_url, name, f"writer-{i}", 0, 20) for i in range(3)]
        for process in processes:
            await process.communicate()
        taken = await everything(broker, name)
    assert [process.returncode for process in processes] == [0, 0, 0]
    for found in taken.values():
        assert [record.offset for record in found] == list(range(3 * 20 * SENT))
        assert all(numbers(found, f"writer-{i}") == repeated(20) for i in range(3))


async def test_a_killed_writer_leaves_whole_transactions(local_url: str, name: str) -> None:
    chance = random.Random(3)
    async with open_broker(settings.Broker(url=local_url)) as broker:
        await create(broker, name, partitions=2)
        done = 0
        for _ in range(8):
            await write_and_kill(local_url, name, done, chance)
            taken = await everything(broker, name)
            done = len(taken[0]) // SENT
            assert numbers(taken[0], "writer") == numbers(taken[1], "writer") == repeated(done)
            assert [record.offset for record in taken[0]] == list(range(SENT * done))
    assert done > 8
    with sqlite3.connect(local_url.removeprefix("sqlite:///")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


async def write_and_kill(url: str, name: str, first: int, chance: random.Random) -> None:
    """SIGKILL a few milliseconds after a transaction has begun."""
    process = await start(url, name, "writer", first, 1_000_000)
    assert process.stdout is not None
    for _ in range(chance.randrange(2, 20)):
        assert await process.stdout.readline()
    await asyncio.sleep(chance.uniform(0, 0.004))
    process.kill()
    await process.communicate()
