"""One client's connection, and what it may hold: a client that is stuck, or means harm, is cut off.

The learner shares this process: its memory, its file descriptors and its event loop are not for clients to use up.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 512  # connections; a browser opens up to six while it loads a page, and then holds one
PATIENCE = 30.0  # seconds that a client may take to send a request, or to take some of what it is sent
_DETAIL = b'{"detail":"%d connections are open, as many as are served"}' % MOST
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 10\r\nconnection: close\r\n"
    b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_DETAIL)
) + _DETAIL


class Connection(H11Protocol):
    """uvicorn's, with bounds on how many there are and on how long one may keep the service waiting."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse one too many; wait for the request of any other."""
        super().connection_made(transport)
        if len(self.connections) > MOST:
            transport.write(_FULL)
            transport.close()
        self._wait()

    def data_received(self, data: bytes) -> None:
        """A request that is whole ends the waiting for it."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete and not self.flow.write_paused:
            self._heard()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._wait()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The client does not take what it is sent."""
        super().pause_writing()
        self._wait()

    def resume_writing(self) -> None:
        """It has taken some."""
        super().resume_writing()
        self._heard()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._heard()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._heard()
        self._waiting = self.loop.call_later(PATIENCE, self.transport.abort)

    def _heard(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
