"""The stream of server-sent events that each open page has: the newest frame whenever there is one.

A page that takes its frames slowly misses those between: each is made when the one before has been taken.
"""

import asyncio
from collections.abc import AsyncIterator

from streamgmm.service.live.recorder import Recorder
from streamgmm.service.live.wire import Wire

MOST_PAGES = 64
KEEP_ALIVE = 10.0  # seconds without a frame after which a page is told that the service is still there


class Pages:
    """The open pages of one service."""

    def __init__(self, recorder: Recorder, wire: Wire) -> None:
        self._recorder, self._wire = recorder, wire
        self.open = 0

    @property
    def full(self) -> bool:
        """No further page can be opened."""
        return self.open >= MOST_PAGES

    async def stream(self, x: str, y: str) -> AsyncIterator[bytes]:
        """Frames along the axes x and y as server-sent events, until the reader goes or the service ends."""
        self.open += 1
        try:
            last: int | None = None
            while not self._recorder.closed:
                try:
                    frame = await asyncio.wait_for(self._recorder.after(last or 0), KEEP_ALIVE)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if frame is not None:
                    await self._wire.ready(frame, x, y)
                    yield b"event: frame\ndata: " + self._wire.encoded(frame, x, y, last) + b"\n\n"
                    last = frame.number
        finally:
            self.open -= 1
