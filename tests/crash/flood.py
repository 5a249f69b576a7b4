"""Records as fast as one process can write them: `flood.py URL TOPIC OUTPUT PARTITIONS MOST`, until terminated.

It runs AHEAD of the output and no further: whoever reads has always more to read than it can, and the disk is not
filled while nobody does.
"""

import asyncio
import contextlib
import sys
import time

import numpy as np

from streamgmm.broker.interface import Broker
from streamgmm.broker.open import open_broker
from streamgmm.errors import BrokerError
from streamgmm.records.columns import RecordColumns, frozen, of_parts
from streamgmm.settings import Broker as BrokerSettings
from tests.crash import learners

AHEAD = 1_000_000  # records
CHUNK = 5000  # records to a send; one in thirty is garbage


async def flood(url: str, topic: str, output: str, partitions: int, most: int) -> None:
    chunk = records()
    async with open_broker(BrokerSettings(url=url)) as broker:
        writer = await broker.writer()
        for written in range(0, most, CHUNK * partitions):
            while written - await published(broker, output) > AHEAD:
                await asyncio.sleep(0.05)
            now = frozen(np.full(CHUNK, time.time_ns() // 1_000_000))
            for partition in range(partitions):
                await writer.send(topic, partition, chunk._replace(timestamps=now))
            await writer.commit()
            sys.stdout.write("\n")  # whoever started this may wait for the first
            sys.stdout.flush()


async def published(broker: Broker, output: str) -> int:
    """Records of the output, about."""
    try:
        return sum((await broker.offsets(output, "latest")).values())
    except BrokerError:  # nobody has created it yet
        return 0


def records() -> RecordColumns:
    keys, values = zip(*((key, value) for _, key, value in learners.records(CHUNK, 1, 0)), strict=True)
    return of_parts(keys, values, [0] * CHUNK, range(CHUNK), headers=[()] * CHUNK, position=CHUNK)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(flood(*sys.argv[1:4], *map(int, sys.argv[4:])))
