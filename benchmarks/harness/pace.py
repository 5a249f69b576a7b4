"""A producer at a steady rate, as a process of its own: `pace.py URL TOPIC RATE SECONDS`.

Every 5 ms it sends what is due, stamped with the time of the sending, to one partition after the other.
"""

import asyncio
import sys
import time

import numpy as np

from benchmarks.harness import workload
from streamgmm.broker.open import open_broker
from streamgmm.settings import Broker

TICK = 0.005  # s


async def produce(url: str, topic: str, rate: int, seconds: float) -> None:
    """Raises what the broker's writer raises."""
    rng = np.random.default_rng(2)
    centres = rng.normal(0, 6, (10, 8))
    async with open_broker(Broker(url=url)) as broker:
        partitions = len(await broker.offsets(topic, "earliest"))
        writer, sent, began = await broker.writer(), 0, time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * rate) - sent
            if due > 0:
                matrix = centres[rng.integers(10, size=due)] + rng.standard_normal((due, 8))
                turn = int(passed / TICK) % partitions
                await writer.send(topic, turn, workload.records(matrix, sent))
                sent += due
            await asyncio.sleep(TICK - (time.monotonic() - began) % TICK)
        await writer.commit()


def main() -> None:
    """As asked on the command line."""
    url, topic, rate, seconds = sys.argv[1:]
    asyncio.run(produce(url, topic, int(rate), float(seconds)))


if __name__ == "__main__":
    main()
