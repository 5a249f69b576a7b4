"""`/api/v1/` beside the model: components, drift, events, the stream, and what the live page is drawn from."""

from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Path, Query, Response
from fastapi.responses import StreamingResponse

from streamgmm.service.api import Components, Drift, Happening, Stream, Vector
from streamgmm.service.live import documents, points
from streamgmm.service.live.axes import PATTERN
from streamgmm.service.live.pages import Pages, PageStream
from streamgmm.service.live.recorder import Recorder
from streamgmm.service.live.wire import Wire

AxisKey = Annotated[str, Query(pattern=PATTERN, description="a feature's number, or p0, p1: the reference's axes")]
Number = Annotated[int, Path(ge=0, le=2**53)]
_GONE: dict[int | str, dict[str, Any]] = {404: {"description": "It is no longer kept"}}
_FRAMES = "server-sent events named `frame`, each a JSON document as `/api/v1/frames/{number}` gives it"
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": _FRAMES},
    503: {"description": "Full"},
}


def add_routes(app: FastAPI, recorder: Recorder, wire: Wire) -> None:
    """The routes over one recorder."""
    _add_documents(app, recorder, wire)
    _add_stream(app, Pages(recorder, wire))
    _add_past(app, recorder, wire)


def _add_documents(app: FastAPI, recorder: Recorder, wire: Wire) -> None:
    """What each panel of the page shows, for programs."""

    @app.get("/api/v1/components", tags=["model"])
    async def components() -> Components:
        """Every component: share, effective count, mean and how far it has moved from the reference."""
        return documents.components(recorder, wire)

    @app.get("/api/v1/drift", tags=["model"])
    async def drift() -> Drift:
        """Each alarming statistic with its limit, the state, and what changed in a sentence."""
        return documents.drift(recorder)

    @app.get("/api/v1/events", tags=["model"])
    async def events() -> tuple[Happening, ...]:
        """The last 200 that happened in this process, oldest first; all of them are in the topic of events."""
        return documents.events(recorder)

    @app.get("/api/v1/stream", tags=["stream"])
    async def stream() -> Stream:
        """Rate, lag, latency, dead letters, commits, checkpoint, memory."""
        return documents.stream(recorder)


def _add_stream(app: FastAPI, pages: Pages) -> None:
    """What an open page follows."""

    @app.get("/api/v1/live", tags=["page"], response_class=StreamingResponse, responses=_STREAM)
    async def live(x: AxisKey = "0", y: AxisKey = "1") -> Response:
        """The newest frame, four times a second at most, for as long as the connection is open."""
        return PageStream(pages, x, y)


def _add_past(app: FastAPI, recorder: Recorder, wire: Wire) -> None:
    """What a page asks for that is rewound, or held over a point."""

    @app.get("/api/v1/frames/{number}", tags=["page"], responses=_GONE)
    async def frame(number: Number, x: AxisKey = "0", y: AxisKey = "1") -> Response:
        """A frame that is still kept: what the page shows when it is rewound."""
        found = recorder.ring.at(number)
        if found is None:
            raise HTTPException(404, f"frame {number} is not kept; the ring reaches over the last minutes")
        return Response(await wire.taken(found, x, y, 0), media_type="application/json")

    @app.get("/api/v1/points/{number}", tags=["page"], responses=_GONE)
    async def point(number: Number) -> Vector:
        """One of the vectors shown: its features in their own units, and its responsibilities."""
        found = points.find(recorder.ring, number)
        if found is None:
            raise HTTPException(404, f"vector {number} is not kept; the ring reaches over the last minutes")
        return documents.vector(found, recorder)
