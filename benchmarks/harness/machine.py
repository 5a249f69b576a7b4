"""What was measured on: figures of two machines cannot be compared, ratios perhaps."""

import asyncio
import os
import platform
from pathlib import Path

import psutil

AT_REST = 0.1  # of a core
PATIENCE = 20.0  # s


def facts() -> str:
    """Cores, memory, versions, and how busy the machine was with other things when the benchmark began."""
    cores, memory = len(os.sched_getaffinity(0)), psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    return (
        f"{cores} cores ({_processor()}), {memory:.0f} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, load before the start {load:.1f}"
    )


def busy() -> float:
    """Seconds that all cores together have worked since the machine was started, for whatever program."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


async def at_rest() -> None:
    """Wait until hardly anything works: a broker goes on for seconds with what the program before has left to it.

    On a machine that never rests this gives up after PATIENCE.
    """
    before = busy()
    for _ in range(int(PATIENCE)):
        await asyncio.sleep(1)
        now = busy()
        if now - before < AT_REST:
            return
        before = now


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
