"""The files of the page, and the headers that keep it to itself: nothing is loaded from anywhere else."""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_STATIC = files("streamgmm.dashboard").joinpath("static")
_INLINE = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)


def read(path: str) -> tuple[bytes, str, str] | None:
    """Content, media type and entity tag of the file below `static`; None: there is none to be served."""
    parts = path.split("/")
    if not all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", part) for part in parts):
        return None
    kind = TYPES.get("." + parts[-1].rpartition(".")[2])
    return _read(path, kind) if kind else None


@cache
def _read(path: str, kind: str) -> tuple[bytes, str, str] | None:
    found: Traversable = _STATIC
    for part in path.split("/"):
        found = found.joinpath(part)
    if not found.is_file():
        return None
    content = found.read_bytes()
    return content, kind, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def text(path: str) -> str:
    """A file's text."""
    return _STATIC.joinpath(path).read_text("utf-8")


def _policy() -> str:
    """The one script that stands in the page, the map of module names, is named by its hash."""
    hashes = [hashlib.sha256(code.encode()).digest() for code in _INLINE.findall(text("index.html"))]
    allowed = " ".join(f"'sha256-{base64.b64encode(found).decode()}'" for found in hashes)
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {allowed}",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


HEADERS = {
    "content-security-policy": _policy(),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-cache",
}
