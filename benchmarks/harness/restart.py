"""How long a restarted service takes to its first published record: from the start of the process, its compiled code in
numba's cache, its modules' bytecode beside them as an installation has it, its model in the newest checkpoint, records
that wait for it.
"""

import asyncio
import os
import time

from benchmarks.harness import service, workload
from benchmarks.harness.places import Place
from benchmarks.harness.workload import Workload
from streamgmm.broker.interface import Broker

LEARNT, WAITING = 20_000, 1_000  # records before the restart, and for it
PATIENCE = 60.0  # s


async def first_record(place: Place, broker: Broker, times: int) -> float:
    """Seconds, the median of so many restarts. Raises RuntimeError where nothing is published."""
    topic, output = f"{place.topic}.restart", f"{place.topic}.restart.out"
    await workload.fill(broker, topic, Workload(LEARNT))
    given: dict[str, str | int] = {
        "broker.url": place.url,
        "input.topic": topic,
        "input.features": "x",
        "output.topic": output,
        "model.n_components": workload.CENTRES,
        "http.port": 0,
    }
    await _ended(service.command(given, "--until-end"))
    taken = [await _once(broker, topic, output, service.command(given)) for _ in range(times)]
    return sorted(taken)[times // 2]


async def _ended(command: list[str]) -> None:
    """Run it to its end. Raises RuntimeError with what it said where it fails."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdout=pipe, stderr=asyncio.subprocess.STDOUT, env=_as_installed()
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{said[-3000:].decode()}")


async def _once(broker: Broker, topic: str, output: str, command: list[str]) -> float:
    await workload.append(broker, topic, WAITING)
    reader = await broker.reader(output)
    await reader.assign(await broker.offsets(output, "latest"))
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, env=_as_installed()
    )
    try:
        while not any(len(columns.offsets) for columns in (await reader.fetch(timeout=0.02)).values()):
            if process.returncode is not None or time.monotonic() - began > PATIENCE:
                raise RuntimeError(f"{' '.join(command)} published nothing, exit code {process.returncode}")
        taken = time.monotonic() - began
    finally:
        await reader.close()
        if process.returncode is None:
            process.terminate()
        await process.wait()
    return taken


def _as_installed() -> dict[str, str]:
    """The environment, but for what keeps Python from writing bytecode: pip writes it when it installs a package."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
