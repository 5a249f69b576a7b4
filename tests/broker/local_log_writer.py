"""A writer as a process of its own: `python -m tests.broker.local_log_writer URL TOPIC ID FIRST COUNT`.

Writes transactions of one number each, FIRST, FIRST + 1, ..., to partitions 0 and 1 of TOPIC, and prints each number
once its transaction has begun.
"""

import asyncio
import sys

from streamgmm import settings
from streamgmm.broker.open import open_broker
from tests.broker.traffic import records


async def main(url: str, topic: str, transactional_id: str, first: int, count: int) -> None:
    async with open_broker(settings.Broker(url=url)) as broker:
        writer = await broker.writer(transactional_id)
        for number in range(first, first + count):
            await writer.begin()
            print(number, flush=True)  # noqa: T201 - whoever started it listens
            for partition in (0, 1):
                await writer.send(topic, partition, records(*(f"{transactional_id}:{number}" for _ in range(50))))
            await writer.commit()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], *map(int, sys.argv[4:])))
