"""The routes of the live page and of the API's own page: files, as they are."""

from fastapi import FastAPI, HTTPException, Request, Response

from streamgmm.dashboard import assets


def add_routes(app: FastAPI) -> None:
    """`/`, `/api/docs` and `/static/...`."""

    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return served("index.html", request)

    @app.get("/api/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        return served("docs.html", request)

    @app.get("/static/{path:path}", include_in_schema=False)
    async def static(path: str, request: Request) -> Response:
        return served(path, request)


def served(path: str, request: Request) -> Response:
    """The file, or that the browser's copy is still good."""
    found = assets.read(path)
    if found is None:
        raise HTTPException(404, "there is no such file")
    content, kind, tag = found
    headers = {**assets.HEADERS, "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)
