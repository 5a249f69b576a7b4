"""Records as fast as one process can write them: `flood.py URL TOPIC PARTITIONS MOST`, until terminated."""

import asyncio
import contextlib
import sys
import time

import numpy as np

from streamgmm.broker.open import open_broker
from streamgmm.records.columns import RecordColumns, frozen, of_parts
from streamgmm.settings import Broker
from tests.crash import learners

CHUNK = 5000  # records to a send; one in thirty is garbage


async def flood(url: str, topic: str, partitions: int, most: int) -> None:
    chunk = records()
    async with open_broker(Broker(url=url)) as broker:
        writer = await broker.writer()
        for _ in range(most // (CHUNK * partitions)):
            now = frozen(np.full(CHUNK, time.time_ns() // 1_000_000))
            for partition in range(partitions):
                await writer.send(topic, partition, chunk._replace(timestamps=now))
            await writer.commit()
            sys.stdout.write("\n")  # whoever started this may wait for the first
            sys.stdout.flush()


def records() -> RecordColumns:
    keys, values = zip(*((key, value) for _, key, value in learners.records(CHUNK, 1, 0)), strict=True)
    return of_parts(keys, values, [0] * CHUNK, range(CHUNK), headers=[()] * CHUNK, position=CHUNK)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(flood(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
