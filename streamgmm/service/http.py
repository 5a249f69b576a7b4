"""Probes, metrics, the API and the live page over HTTP (`listener` loads this late), in the learner's own event loop.

Handlers are coroutines that read the committed Snapshot, so what they answer is of one piece and a loop that does not
turn does not answer. The server takes no signals: who runs the learner decides when it ends, and the server then closes
idle connections at once and busy ones after a second.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI, Request, Response

import streamgmm
from streamgmm.service import login, page
from streamgmm.service.access import Access
from streamgmm.service.api import Alive, Model, Ready, model_of, readiness_of
from streamgmm.service.connection import Connection
from streamgmm.service.live import routes as live
from streamgmm.service.live.recorder import Recorder
from streamgmm.service.live.wire import Wire
from streamgmm.service.metrics import Metrics
from streamgmm.service.snapshot import Snapshot

LONGEST_REQUEST = 16 * 1024  # bytes of its first line and headers
_GRACE_SECONDS = 1


@asynccontextmanager
async def answering(listener: socket.socket, app: FastAPI, recorder: Recorder) -> AsyncIterator[asyncio.Task[None]]:
    """Answer on the listener for as long as the block runs; then the recorder's pages are told that it is over.

    Gives the server's task, which ends in the block only where the server has failed.
    """
    server = _Server(_config(app))
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http server")
    try:
        yield serving
    finally:
        recorder.close()
        server.should_exit = True
        await serving


def application(
    view: Callable[[], Snapshot], metrics: Metrics, recorder: Recorder, wire: Wire, access: Access
) -> FastAPI:
    """The routes. FastAPI's own pages are off: they would load their scripts from the internet."""
    app = FastAPI(title="streamgmm", version=streamgmm.__version__, docs_url=None, redoc_url=None)

    @app.get("/livez", tags=["probes"])
    async def livez() -> Alive:
        """The event loop turns."""
        return Alive(alive=True)

    @app.get("/readyz", tags=["probes"], responses={503: {"model": Ready, "description": "Not ready"}})
    async def readyz(response: Response) -> Ready:
        """Whether the learner runs; the reason where it does not."""
        readiness = readiness_of(view())
        response.status_code = 200 if readiness.ready else 503
        return readiness

    @app.get("/metrics", tags=["metrics"], response_class=Response)
    async def scrape(request: Request) -> Response:
        """Metrics in Prometheus's text format, or OpenMetrics where the client accepts it."""
        metrics.observe(view())
        body, content_type = metrics.render(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    @app.get("/api/v1/model", tags=["model"])
    async def model() -> Model:
        """The learner as of its last commit."""
        return model_of(view())

    live.add_routes(app, recorder, wire)
    page.add_routes(app)
    login.protect(app, access)
    return app


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        lifespan="off",
        ws="none",
        http=Connection,
        h11_max_incomplete_event_size=LONGEST_REQUEST,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
