"""Writes a data set's records into the input topic at an even rate, drawn at random with a fixed seed.

One record in a thousand is damaged on purpose, to show where such records go.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from streamgmm.broker.interface import Broker, Topic, Writer
from streamgmm.demo.datasets import Dataset, Population
from streamgmm.records.columns import RecordColumns, of_parts

RETAINED_BYTES = 64 * 1024 * 1024  # so that a demo left alone does not fill the disk
PIECE_SECONDS = 0.05
CATCH_UP_SECONDS = 1.0  # after a pause no more than this is made up for
DAMAGED = 0.001


class Feed(NamedTuple):
    """What is written where, and how fast (records a second)."""

    dataset: Dataset
    topic: str
    rate: float


async def create_topic(broker: Broker, name: str) -> None:
    """The input topic, of bounded size; one partition, so that the order of the records is the same in every demo."""
    await broker.create_topic(Topic(name, 1, 1, {"retention.bytes": str(RETAINED_BYTES)}))


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
    """The next n records, key and value, drawn with replacement; some of them damaged.

    Two numbers of the generator make a record, so that the records do not depend on how the draws are cut.
    """
    chosen, fate = random.random((n, 2)).T
    rows = population.rows[(chosen * len(population.rows)).astype(np.int64)]
    return [
        (dataset.keys[row], dataset.damaged if bad else dataset.values[row])
        for row, bad in zip(rows.tolist(), (fate < DAMAGED).tolist(), strict=True)
    ]


async def _write(writer: Writer, feed: Feed, records: list[tuple[bytes, bytes]]) -> None:
    now = int(time.time() * 1000)
    await writer.begin()
    if records:
        await writer.send(feed.topic, 0, _columns(records, now))
    await writer.commit()


def _columns(records: list[tuple[bytes, bytes]], now: int) -> RecordColumns:
    keys, values = zip(*records, strict=True)
    n = len(records)
    return of_parts(keys, values, [now] * n, range(n), headers=[()] * n, position=n)
