"""Where the service listens: bound before anything else, so that a taken port is told at once.

The web server behind it takes a good part of a restart to load. So it is loaded when the first records are
out, or after a while; who connects before that waits in the socket's queue.
"""

import asyncio
import contextlib
import errno
import importlib
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from types import ModuleType
from typing import Any

import structlog

from streamgmm.errors import SettingsError
from streamgmm.service.access import Access
from streamgmm.service.live.recorder import Recorder
from streamgmm.service.live.wire import Wire
from streamgmm.service.metrics import Metrics
from streamgmm.service.snapshot import Snapshot
from streamgmm.settings import Http

log = structlog.get_logger()

LOAD_WITHIN = 2.0  # s
_BUILDING = threading.Lock()


@asynccontextmanager
async def serve(
    settings: Http,
    view: Callable[[], Snapshot],
    metrics: Metrics,
    recorder: Recorder,
    wire: Wire,
    first_records: asyncio.Event | None = None,
) -> AsyncIterator[str]:
    """Serve what `view` and `recorder` show for as long as the block runs; gives the address, `http://host:port`.

    Nothing is answered before `first_records` is set, or for LOAD_WITHIN seconds; without it the server loads at once.
    Raises SettingsError where the address cannot be listened on, or the token not be read.
    """
    shown = (view, metrics, recorder, wire, Access(settings))
    with _listen(settings) as listener:
        address = _url(listener)
        log.info("http listening", address=address)
        answering = asyncio.create_task(_answer(listener, shown, recorder, first_records), name="http")
        answering.add_done_callback(partial(_tell_failure, listener))
        try:
            yield address
        finally:
            answering.cancel()
            await asyncio.wait({answering})


async def _answer(
    listener: socket.socket, shown: tuple[Any, ...], recorder: Recorder, first_records: asyncio.Event | None
) -> None:
    if first_records is not None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOAD_WITHIN):
                await first_records.wait()
    http = await asyncio.to_thread(importlib.import_module, "streamgmm.service.http")
    app = await asyncio.to_thread(_built, http, shown)
    async with http.answering(listener, app, recorder) as serving:
        await asyncio.wait({serving})
    raise RuntimeError("the web server has ended by itself")


def _built(http: ModuleType, shown: tuple[Any, ...]) -> object:
    """One after the other: FastAPI hides warnings while it builds, by a switch that all threads share."""
    with _BUILDING:
        return http.application(*shown)


def _tell_failure(listener: socket.socket, task: asyncio.Task[None]) -> None:
    """The learner goes on without its pages; who connects is refused rather than kept waiting."""
    if not task.cancelled() and (error := task.exception()):
        log.error("http ended", why=repr(error))
        listener.close()


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
