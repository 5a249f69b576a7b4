"""How a browser logs in: a form with one field, and a cookie. What is not allowed gets the form, or a plain answer."""

import asyncio
from urllib.parse import parse_qs, quote

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from streamgmm.dashboard import assets
from streamgmm.service.access import COOKIE, Access

LARGEST_FORM = 4096  # bytes
SLOWEST_FORM = 30.0  # seconds
WRONG_TAKES = 0.5  # seconds, so that guessing is slow
_CLOSED = "the page and the API are closed: set http.token (STREAMGMM_HTTP__TOKEN), or http.public_read to open them"
_ASKS = "show the token: Authorization: Bearer …"


def protect(app: FastAPI, access: Access) -> None:
    """Let nobody look who may not, and let who has the token log in."""
    app.add_middleware(Guard, access=access)

    @app.get("/login", include_in_schema=False)
    async def ask(request: Request) -> Response:
        """An address that a form was sent to is reloaded, or kept: whoever may not look gets the form there."""
        target = inside(request.query_params.get("next", "/"))
        return RedirectResponse("/" if target.startswith("/login") else target, status_code=303)

    @app.post("/login", include_in_schema=False)
    async def login(request: Request) -> Response:
        fields = parse_qs((await form(request)).decode(errors="replace"))
        target = inside(request.query_params.get("next", "/"))
        if not access.is_token(fields.get("token", [""])[0].strip()):
            await asyncio.sleep(WRONG_TAKES)
            return page(access, target, wrong=True)
        answer = RedirectResponse(target, status_code=303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, access.cookie, httponly=True, samesite="lax", secure=secure, max_age=30 * 86400)
        return answer


async def form(request: Request) -> bytes:
    """What was sent. Raises HTTPException where it is too long, or takes too long to come."""
    body = b""
    try:
        async with asyncio.timeout(SLOWEST_FORM):
            async for part in request.stream():
                body += part
                if len(body) > LARGEST_FORM:
                    raise HTTPException(413)
    except TimeoutError:
        raise HTTPException(408) from None
    return body


class Guard:
    """Lets through to the application who may look."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI asks for it."""
        request = Request(scope)
        follow = self._app if self._access.may_read(request) else refusal(self._access, request)
        await follow(scope, receive, send)


def refusal(access: Access, request: Request) -> Response:
    """What a request is answered that may not look."""
    wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/v1")
    if wants_page:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return page(access, target, wrong=False)
    return JSONResponse({"detail": _ASKS if access.has_token else _CLOSED}, 401 if access.has_token else 403)


def page(access: Access, target: str, *, wrong: bool) -> HTMLResponse:
    """The form; where there is no token to log in with, what to set."""
    text = assets.text("login.html")
    message = _CLOSED if not access.has_token else "That is not the token." if wrong else ""
    text = text.replace("{message}", message).replace("{next}", quote(inside(target), safe=""))
    if not access.has_token:
        text = text.replace("<form", "<form hidden")
    return HTMLResponse(text, 401 if access.has_token else 403, headers=assets.HEADERS)


def inside(target: str) -> str:
    """A path on this server; `/` for anything else."""
    safe = target.startswith("/") and not target.startswith(("//", "/\\")) and "\n" not in target and "\r" not in target
    return target if safe else "/"
