"""Probes, metrics, the API and the live page over HTTP, in the learner's own event loop.

Handlers are coroutines that read the committed Snapshot, so what they answer is of one piece and a loop that does not
turn does not answer. The server takes no signals: who runs the learner decides when it ends, and the server then closes
idle connections at once and busy ones after a second.
"""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
import uvicorn
from fastapi import FastAPI, Request, Response

import streamgmm
from streamgmm.errors import SettingsError
from streamgmm.service import login, page
from streamgmm.service.access import Access
from streamgmm.service.api import Alive, Model, Ready, model_of, readiness_of
from streamgmm.service.connection import Connection
from streamgmm.service.live import routes as live
from streamgmm.service.live.recorder import Recorder
from streamgmm.service.live.wire import Wire
from streamgmm.service.metrics import Metrics
from streamgmm.service.snapshot import Snapshot
from streamgmm.settings import Http

log = structlog.get_logger()

LONGEST_REQUEST = 16 * 1024  # bytes of its first line and headers
_GRACE_SECONDS = 1


@asynccontextmanager
async def serve(
    settings: Http, view: Callable[[], Snapshot], metrics: Metrics, recorder: Recorder, wire: Wire
) -> AsyncIterator[str]:
    """Serve what `view` and `recorder` show for as long as the block runs; gives the address, `http://host:port`.

    Raises SettingsError where the address cannot be listened on.
    """
    listener = _listen(settings)
    address = _url(listener)
    app = application(view, metrics, recorder, wire, Access(settings))
    server = _Server(_config(app))
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    log.info("http listening", address=address)
    try:
        yield address
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


def _listen(settings: Http) -> socket.socket:
    try:
        found = socket.getaddrinfo(
            settings.host or None, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = found[0]
        return socket.create_server((str(address[0]), settings.port), family=family)
    except OSError as error:
        raise SettingsError(_why(settings, error)) from error


def _why(settings: Http, error: OSError) -> str:
    where = f"cannot listen on http.host {settings.host!r}, http.port {settings.port}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"{where}: another process uses this port. Stop it, choose another port (--set http.port=…), "
            "or take a free one (--set http.port=0)"
        )
    if error.errno == errno.EACCES:
        return f"{where}: ports below 1024 need privileges. Choose a higher one (--set http.port=8080)"
    return f"{where}: {error.strerror or error}. http.host must be an address of this machine, such as 127.0.0.1"


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"
