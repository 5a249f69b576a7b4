"""The whole demo as a process: it ends by itself, and it ends when told to."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process

ROWS = ("slowest", "steady", "quick", "fastest")


async def started(*arguments: str) -> Process:
    command = (sys.executable, "-m", "streamgmm", "demo", *arguments)
    return await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=STDOUT)


async def lines_until(process: Process, part: str) -> list[str]:
    assert process.stdout is not None
    seen: list[str] = []
    async for line in process.stdout:
        seen.append(line.decode())
        if part in seen[-1]:
            return seen
    raise AssertionError("".join(["it ended without saying so:\n", *seen]))


async def test_it_ends_by_itself_and_says_what_was_learnt() -> None:
    process = await started("--seconds", "20")
    seen = "".join(await lines_until(process, "Every setting, explained"))
    assert await process.wait() == 0
    assert seen.index("everyone plays") < seen.index("only leagues 6 and above") < seen.index("drift ALARM")
    speeds = [float(line.split()[2]) for name in ROWS for line in seen.splitlines() if line.startswith(name)]
    assert len(speeds) == len(ROWS)
    assert speeds == sorted(speeds)
    assert "the alarm rose" in seen
    assert "ok: every record is there, none twice" in " ".join(seen.split())


async def test_ctrl_c_ends_it_cleanly_with_the_summary() -> None:
    process = await started()
    seen = await lines_until(process, "everyone plays")
    process.send_signal(signal.SIGINT)
    seen += await lines_until(process, "Every setting, explained")
    assert await process.wait() == 0
    assert "Traceback" not in "".join(seen)


async def test_ctrl_c_before_the_service_is_ready_ends_it_too() -> None:
    process = await started()
    seen = await lines_until(process, "the service starts")
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    rest = (await process.stdout.read()).decode()
    assert await process.wait() == 0
    assert "Traceback" not in "".join(seen) + rest


async def test_an_unknown_demo_is_a_mistake_of_the_command_line() -> None:
    process = await started("player")
    await lines_until(process, "did you mean `players`?")
    assert await process.wait() == 2
