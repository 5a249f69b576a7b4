"""Rounds between two of the learner's stages: who puts them waits while the queue is full."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from streamgmm.engine.values import Report, State

SEND_RECORDS = 16_384  # of several rounds that are sent as one,
SEND_BYTES = 8 * 1024 * 1024  # and bytes of their input


class Round(NamedTuple):
    """A report, and the state that it led to."""

    state: State
    report: Report


class Queue:
    """Rounds in their order, oldest first. `changed` is set by each one that is put."""

    def __init__(self, is_full: Callable[[Sequence[Report]], bool]) -> None:
        self._is_full = is_full
        self._rounds: deque[Round] = deque()
        self.changed, self._room = asyncio.Event(), asyncio.Event()

    async def put(self, round_: Round, stage: "asyncio.Task[None]") -> None:
        """Add a round, and wait while the queue is full and the stage that empties it goes on."""
        self._rounds.append(round_)
        self.changed.set()
        while self.is_full and not stage.done():
            self._room.clear()
            room = asyncio.ensure_future(self._room.wait())
            try:
                await asyncio.wait({stage, room}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                room.cancel()

    def take(self) -> Round:
        """The oldest, and room for another."""
        self._room.set()
        return self._rounds.popleft()

    @property
    def is_full(self) -> bool:
        """Whether as much waits as may."""
        return self._is_full([round_.report for round_ in self._rounds])

    def __iter__(self) -> Iterator[Round]:
        return iter(self._rounds)

    def __len__(self) -> int:
        return len(self._rounds)


def together(waiting: Iterable[Round], records: int = SEND_RECORDS, n_bytes: int = SEND_BYTES) -> list[Round]:
    """The oldest that waits, and those behind it that are sent with it, where so many records and bytes are allowed."""
    records, n_bytes = min(records, SEND_RECORDS), min(n_bytes, SEND_BYTES)
    chosen: list[Round] = []
    for round_ in waiting:
        records, n_bytes = records - round_.report.records, n_bytes - round_.report.n_bytes
        if chosen and (records < 0 or n_bytes < 0):
            break
        chosen.append(round_)
    return chosen
