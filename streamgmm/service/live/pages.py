"""The stream of server-sent events that each open page has: the newest frame whenever there is one.

A page that takes its frames slowly misses those between: each is made when the one before has been taken.
"""

import asyncio
from collections.abc import AsyncIterator

from fastapi.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from streamgmm.service.live.recorder import Recorder
from streamgmm.service.live.wire import Wire

MOST_PAGES = 64
KEEP_ALIVE = 10.0  # seconds without a frame after which a page is told that the service is still there
STILL_HERE = b"event: here\ndata: {}\n\n"  # an event, since a browser tells its page nothing of a comment


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
        last: int | None = None
        while not self._recorder.closed:
            try:
                async with asyncio.timeout(KEEP_ALIVE):
                    frame = await self._recorder.after(last or 0)
            except TimeoutError:
                yield STILL_HERE
                continue
            if frame is not None:
                yield b"event: frame\ndata: " + await self._wire.taken(frame, x, y, last) + b"\n\n"
                last = frame.number


class PageStream(StreamingResponse):
    """One page's stream as an answer, or a refusal where no further page can be opened.

    It looks and takes its place in one go when it is sent, so that pages that come together are not too many.
    """

    def __init__(self, pages: Pages, x: str, y: str) -> None:
        self._pages = pages
        super().__init__(pages.stream(x, y), media_type="text/event-stream", headers={"cache-control": "no-store"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI asks for it."""
        if self._pages.full:
            detail = {"detail": f"{MOST_PAGES} pages are open, as many as are served"}
            await JSONResponse(detail, 503, {"retry-after": "10"})(scope, receive, send)
            return
        self._pages.open += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._pages.open -= 1
