"""Who may look, and who may change: probes and metrics are open, the page and the API only to whom they are meant for.

On a loopback address everybody on this machine may look; elsewhere only who shows the token (`Authorization: Bearer`),
or has logged in with it: a browser then holds a cookie that is made from the token and is no use for finding it out.
Requests to a loopback address must also name one as their host: otherwise any web site could have its own name point
here and read along.
"""

import hashlib
import hmac
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from streamgmm.errors import SettingsError
from streamgmm.settings import Http

if TYPE_CHECKING:  # the web server is loaded later than the settings of who may look are read
    from starlette.requests import HTTPConnection

COOKIE = "streamgmm"
OPEN = ("/livez", "/readyz", "/metrics", "/login", "/static/")
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


class Access:
    """Decides by a section of the settings. Raises SettingsError where the token cannot be read."""

    def __init__(self, settings: Http) -> None:
        self._token = token(settings).encode()
        self._loopback, self._public = settings.is_loopback, settings.public_read
        self._host = settings.host.strip("[]")

    @property
    def has_token(self) -> bool:
        """There is something to log in with."""
        return bool(self._token)

    def may_read(self, request: "HTTPConnection") -> bool:
        """Whether this request may look at what it asks for."""
        if request.scope["path"].startswith(OPEN) or self._public:
            return True
        if self._loopback:
            return _named(request) in _HERE | {self._host} or self.may_change(request)
        return self.may_change(request) or self._logged_in(request)

    def may_change(self, request: "HTTPConnection") -> bool:
        """Whether this request shows the token; without one configured nobody may change anything."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.is_token(given.strip())

    def is_token(self, given: str) -> bool:
        """Compares in constant time."""
        return self.has_token and hmac.compare_digest(given.encode(), self._token)

    @property
    def cookie(self) -> str:
        """What a browser that has logged in holds."""
        return hmac.new(self._token, b"streamgmm page", hashlib.sha256).hexdigest()

    def _logged_in(self, request: "HTTPConnection") -> bool:
        given = request.cookies.get(COOKIE, "")
        return self.has_token and hmac.compare_digest(given.encode(), self.cookie.encode())


def _named(request: "HTTPConnection") -> str:
    """The host that the request names, empty where that is none: `request.url` would put the server's own there."""
    try:
        found = urlsplit("//" + request.headers.get("host", ""))
    except ValueError:
        return ""
    return (found.hostname or "") if found.username is None else ""


def token(settings: Http) -> str:
    """The token, from `token_file` where that is set; empty: there is none."""
    if not settings.token_file:
        return settings.token.get_secret_value()
    try:
        return Path(settings.token_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"http.token_file cannot be read: {error}") from error
