"""Who may look at the page and the API, and who may not."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pydantic import SecretStr

from streamgmm.errors import SettingsError
from streamgmm.service.access import Access, token
from streamgmm.service.http import application
from streamgmm.service.live.recorder import Recorder
from streamgmm.service.live.wire import Wire
from streamgmm.service.login import inside
from streamgmm.service.metrics import Metrics
from streamgmm.service.view import empty
from streamgmm.settings import Http
from streamgmm.settings.source import load

ROOT = Path(__file__).parents[2]
EVERYWHERE = {"host": "0.0.0.0"}
SECRET = {"token": SecretStr("s3cret")}
CLOSED = ("/", "/api/v1/model", "/api/v1/live", "/api/docs", "/openapi.json")
OPEN = ("/livez", "/metrics", "/static/css/theme.css")
BROWSER = {"accept": "text/html"}


@asynccontextmanager
async def served(**settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    everything = load(None, ["input.topic=t", "model.n_components=2"], {})
    recorder = Recorder(empty(everything))
    recorder.close()  # a stream of frames ends at once
    app = application(
        lambda: empty(everything),
        Metrics(everything.model),
        recorder,
        Wire(everything, recorder),
        Access(Http(**settings)),
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", follow_redirects=False) as client:
        yield client


async def answers(client: httpx.AsyncClient, paths: tuple[str, ...], **request: Any) -> set[int]:
    return {(await client.get(path, **request)).status_code for path in paths}


async def test_a_loopback_address_is_open_to_this_machine() -> None:
    async with served() as client:
        assert await answers(client, CLOSED + OPEN) == {200}


async def test_a_web_site_whose_name_points_here_cannot_read_along() -> None:
    async with served() as client:
        assert await answers(client, CLOSED, headers={"host": "evil.example"}) == {403}
        assert await answers(client, OPEN, headers={"host": "evil.example"}) == {200}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8080", 200),
        ("[::1]:8080", 200),
        ("evil.example:abc", 403),
        ("[::1", 403),
        ("evil.example/127.0.0.1", 403),
        ("evil.example?127.0.0.1", 403),
        ("evil.example\\@127.0.0.1:1:2", 403),
        ("a b", 403),
        ("", 403),
    ],
)
async def test_a_host_that_is_none_is_not_this_machine(host: str, status: int) -> None:
    async with served() as client:
        assert await answers(client, CLOSED, headers={"host": host}) == {status}


async def test_elsewhere_it_is_closed_without_a_token_and_says_what_to_set() -> None:
    async with served(**EVERYWHERE) as client:
        assert await answers(client, CLOSED) == {403}
        assert await answers(client, OPEN) == {200}
        assert "http.public_read" in (await client.get("/api/v1/model")).text
        assert "http.token" in (await client.get("/", headers=BROWSER)).text


async def test_elsewhere_it_is_open_to_all_where_that_is_set() -> None:
    async with served(**EVERYWHERE, public_read=True) as client:
        assert await answers(client, CLOSED + OPEN) == {200}


async def test_the_page_of_the_containers_is_open() -> None:
    compose = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text("utf-8"))
    image = dict(re.findall(r"(STREAMGMM_\w+)=(\S+)", (ROOT / "docker" / "Dockerfile").read_text("utf-8")))
    everything = load(ROOT / "config" / "minimal.yaml", [], image | compose["services"]["streamgmm"]["environment"])
    assert not everything.http.is_loopback
    async with served(**everything.http.model_dump()) as client:
        assert await answers(client, CLOSED + OPEN) == {200}


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic s3cret", "Bearer s3cret2", "Bearer é"]
)
async def test_a_wrong_token_is_refused(given: str) -> None:
    async with served(**EVERYWHERE, **SECRET) as client:
        assert await answers(client, CLOSED, headers={"authorization": given.encode()}) == {401}


async def test_the_token_opens_the_api() -> None:
    async with served(**EVERYWHERE, **SECRET) as client:
        assert await answers(client, CLOSED, headers={"authorization": "Bearer s3cret"}) == {200}


async def test_a_browser_logs_in_and_comes_to_where_it_wanted() -> None:
    async with served(**EVERYWHERE, **SECRET) as client:
        form = await client.get("/?x=1&y=2", headers=BROWSER)
        assert form.status_code == 401
        assert 'action="/login?next=%2F%3Fx%3D1%26y%3D2"' in form.text
        wrong = await client.post("/login?next=%2F%3Fx%3D1", data={"token": "guess"})
        assert (wrong.status_code, "That is not the token" in wrong.text) == (401, True)
        right = await client.post("/login?next=%2F%3Fx%3D1", data={"token": "s3cret"})
        assert (right.status_code, right.headers["location"]) == (303, "/?x=1")
        cookie = right.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "s3cret" not in cookie
        assert await answers(client, CLOSED) == {200}
    async with served(**EVERYWHERE, token=SecretStr("another")) as later:
        later.cookies = client.cookies
        assert await answers(later, CLOSED) == {401}


async def test_a_form_that_has_no_end_is_not_read() -> None:
    async with served(**EVERYWHERE, **SECRET) as client:
        assert (await client.post("/login", content=b"token=" + b"x" * 10_000)).status_code == 413


async def test_the_forms_own_address_can_be_loaded_again() -> None:
    async with served(**EVERYWHERE, **SECRET) as client:
        kept = await client.get("/login?next=%2F%3Fx%3D1", headers=BROWSER)
        assert (kept.status_code, kept.headers["location"]) == (303, "/?x=1")
        for target in ("", "?next=%2Flogin", "?next=https%3A%2F%2Fevil.example"):
            assert (await client.get(f"/login{target}", headers=BROWSER)).headers["location"] == "/"


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "", "evil", "/a\r\nb: c"]
)
def test_a_login_leads_nowhere_else(target: str) -> None:
    assert inside(target) == "/"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("example.org", False),
    ],
)
def test_which_hosts_are_this_machine_alone(host: str, loopback: bool) -> None:
    assert Http(host=host).is_loopback is loopback


def test_a_token_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    assert token(Http(token_file=str(file))) == "s3cret"
    with pytest.raises(SettingsError, match=r"http\.token_file cannot be read"):
        token(Http(token_file=str(tmp_path / "absent")))


async def test_every_answer_of_the_page_keeps_it_to_itself() -> None:
    async with served() as client:
        for path in ("/", "/api/docs", "/static/js/main.js"):
            policy = (await client.get(path)).headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "*" not in policy


@pytest.mark.parametrize(
    "path",
    ["../assets.py", "..%2fassets.py", "js/../../assets.py", "vendor/vendored.json", "js", "x" * 5000, "js/%00.js", ""],
)
async def test_nothing_else_is_served(path: str) -> None:
    async with served() as client:
        assert (await client.get(f"/static/{path}")).status_code == 404
