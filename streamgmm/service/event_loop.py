"""How late the event loop is: the first sign that something computes where it should only move bytes."""

import asyncio
import sys
from collections.abc import Callable

SWITCH = 0.0005  # s


def take_turns() -> None:
    """Let a thread that computes give way to the loop sooner than after Python's 5 ms: a commit is a dozen requests."""
    sys.setswitchinterval(SWITCH)


async def watch_lag(observe: Callable[[float], None], interval: float = 0.1) -> None:
    """Tell `observe`, every `interval` seconds, how many seconds late the loop came back. Runs until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + interval
        await asyncio.sleep(interval)
        observe(max(0.0, loop.time() - due))
