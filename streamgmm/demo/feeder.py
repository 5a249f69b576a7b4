"""Writes a data set's records into the input topic at an even rate, drawn at random with a fixed seed.

One record in a thousand is damaged on purpose, to show where such records go.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.broker.interface import Broker, Topic, Writer
from streamgmm.demo.datasets import Dataset, Population
from streamgmm.records.columns import RecordColumns, of_parts

PARTITIONS = 2
RETAINED_BYTES = 64 * 1024 * 1024  # of each partition, so that a demo left alone does not fill the disk
PIECE_SECONDS = 0.05
CATCH_UP_SECONDS = 1.0  # after a pause no more than this is made up for
DAMAGED = 0.001


class Feed(NamedTuple):
    """What is written where, and how fast (records a second)."""

    dataset: Dataset
    topic: str
    rate: float


async def create_topic(broker: Broker, name: str) -> None:
    """The input topic, of bounded size."""
    await broker.create_topic(Topic(name, PARTITIONS, 1, {"retention.bytes": str(RETAINED_BYTES)}))


async def run(broker: Broker, feed: Feed, population: Callable[[], Population]) -> None:
    """Write for ever; `population` says who arrives now."""
    writer, random = await broker.writer(), np.random.default_rng(0)
    clock = asyncio.get_running_loop().time
    try:
        due_since = clock()
        while True:
            await asyncio.sleep(PIECE_SECONDS)
            elapsed = min(clock() - due_since, CATCH_UP_SECONDS)
            due_since = clock()
            await _write(writer, feed, draw(feed.dataset, population(), round(feed.rate * elapsed), random))
    finally:
        await writer.close()


def draw(dataset: Dataset, population: Population, n: int, random: np.random.Generator) -> list[tuple[bytes, bytes]]:
    """n records, key and value, drawn with replacement; some of them damaged."""
    rows: NDArray[np.int64] = random.choice(population.rows, n)
    damaged = random.random(n) < DAMAGED
    return [
        (dataset.keys[row], dataset.damaged if bad else dataset.values[row])
        for row, bad in zip(rows.tolist(), damaged.tolist(), strict=True)
    ]


async def _write(writer: Writer, feed: Feed, records: list[tuple[bytes, bytes]]) -> None:
    now = int(time.time() * 1000)
    await writer.begin()
    for partition in range(PARTITIONS):
        mine = records[partition::PARTITIONS]
        if mine:
            await writer.send(feed.topic, partition, _columns(mine, now))
    await writer.commit()


def _columns(records: list[tuple[bytes, bytes]], now: int) -> RecordColumns:
    keys, values = zip(*records, strict=True)
    n = len(records)
    return of_parts(keys, values, [now] * n, range(n), headers=[()] * n, position=n)
