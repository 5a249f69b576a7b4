"""Clients that are stuck or mean harm: each is cut off or refused, and the others are served as before."""

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from streamgmm.service import connection, login
from streamgmm.service.live import pages
from tests.page.shown import Shown, model_of_size, sample_of, settings_for, snapshot_of

SETTINGS = settings_for(("a", "b"), 50)
LIVE = model_of_size(50, 2)
PATIENCE = 0.3  # seconds
LIVE_REQUEST = b"GET /api/v1/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shown]:
    monkeypatch.setattr(connection, "PATIENCE", PATIENCE)
    monkeypatch.setattr(pages, "KEEP_ALIVE", PATIENCE / 3)
    with Shown(SETTINGS) as shown:
        shown.show(snapshot_of(SETTINGS, LIVE), LIVE)
        yield shown


def connected(shown: Shown, sent: bytes = b"") -> socket.socket:
    """A client with small buffers, so that it is soon stuck."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(20)
    client.connect(("127.0.0.1", int(shown.address.rpartition(":")[2])))
    client.sendall(sent)
    return client


def everything(client: socket.socket) -> bytes:
    """What it is sent until the service ends the connection."""
    found = b""
    with client:
        try:
            while piece := client.recv(1 << 16):
                found += piece
        except ConnectionResetError:
            pass
    return found


@pytest.mark.parametrize("sent", [b"", b"GET /livez HT", b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\nGET /li"])
def test_a_request_that_does_not_come_ends_the_connection(shown: Shown, sent: bytes) -> None:
    began = time.monotonic()
    answered = everything(connected(shown, sent))
    assert time.monotonic() - began >= PATIENCE / 2
    assert (b'{"alive":true}' in answered) == sent.endswith(b"li")


def test_a_form_that_does_not_come_is_not_awaited(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "SLOWEST_FORM", PATIENCE)
    head = b"POST /login HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\nconnection: close\r\n\r\ntoken"
    assert everything(connected(shown, head)).startswith(b"HTTP/1.1 408 ")


def test_a_page_that_never_reads_gives_up_its_place(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_PAGES", 1)
    sample = sample_of(LIVE, 64)
    with connected(shown, LIVE_REQUEST), httpx.Client(base_url=shown.address, timeout=20) as client:
        assert status_of_a_page(client) == 503
        for _ in range(20):
            shown.play(50, snapshot_of(SETTINGS, LIVE), LIVE, sample)
            if status_of_a_page(client) == 200:
                break
        assert status_of_a_page(client) == 200


def status_of_a_page(client: httpx.Client) -> int:
    with client.stream("GET", "/api/v1/live") as answer:
        return answer.status_code


def test_a_page_on_which_nothing_changes_is_told_so_and_stays(shown: Shown) -> None:
    with httpx.Client(base_url=shown.address, timeout=20) as client, client.stream("GET", "/api/v1/live") as answer:
        lines = answer.iter_lines()
        began, told = time.monotonic(), 0
        while told < 9:
            told += next(lines) == "event: here"
    assert time.monotonic() - began > 2 * PATIENCE


def test_one_connection_too_many_is_told_so(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MOST", 3)
    held = [connected(shown, LIVE_REQUEST) for _ in range(3)]
    for client in held:
        assert client.recv(12) == b"HTTP/1.1 200"
    head, _, body = everything(connected(shown)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 10")
    assert "connections are open" in json.loads(body)["detail"]
    for client in held:
        client.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 20,
        b"GET /api/v1/live?x=" + b"9" * 20_000 + b" HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 10_000,
        b"POST /login HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 99999999999999999999\r\n\r\n" + b"x" * 9000,
    ],
)
def test_garbage_is_refused_and_hurts_nobody(shown: Shown, sent: bytes) -> None:
    with connected(shown) as client:
        client.sendall(sent)
        assert client.recv(1 << 16)[9:10] == b"4"
    assert httpx.get(f"{shown.address}/livez").json() == {"alive": True}
