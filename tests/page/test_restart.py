"""A real service is frozen and killed under the open page, and the page goes on with the next one by itself."""

import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import expect

from tests.kafka.server import free_port

DATA = Path(__file__).parents[2] / "streamgmm" / "data"


@contextmanager
def service(folder: Path, port: int) -> "Iterator[subprocess.Popen[bytes]]":
    command = [
        sys.executable,
        "-m",
        "streamgmm",
        "run",
        "--config",
        str(DATA / "players.yaml"),
        f"--set=http.port={port}",
    ]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def test_the_page_outlives_a_service_that_is_frozen_and_killed(tmp_path: Path, open_page) -> None:
    fill = [
        sys.executable,
        "-m",
        "streamgmm",
        "replay",
        str(DATA / "players.csv"),
        "--topic",
        "players",
        "--format",
        "json",
    ]
    subprocess.run([*fill, "--broker", "sqlite:///players.db"], cwd=tmp_path, check=True, capture_output=True)
    port = free_port()
    with service(tmp_path, port) as first:
        listening(port)
        page = open_page(f"http://127.0.0.1:{port}", prepare=lambda page: page.clock.install())
        expect(page.locator(".card")).to_have_count(4, timeout=90_000)
        first.send_signal(signal.SIGSTOP)
        page.clock.fast_forward(35_000)
        expect(page.get_by_role("status")).to_have_text("no connection")
        first.send_signal(signal.SIGCONT)
        page.wait_for_function("() => window.streamgmm.state.link === 'live'")
        learnt = page.evaluate("() => window.streamgmm.state.frame.model.totals.vectors")
        ids = sorted(page.locator(".card .mark").all_inner_texts())
        first.kill()
        expect(page.get_by_role("status")).to_have_text("no connection")
        expect(page.locator(".card")).to_have_count(4)
    with service(tmp_path, port):
        page.wait_for_function("() => window.streamgmm.state.link === 'live'", timeout=60_000)
        page.wait_for_function("() => window.streamgmm.state.frame.view", timeout=60_000)
        assert page.evaluate("() => window.streamgmm.state.frame.model.totals.vectors") >= learnt
        assert sorted(page.locator(".card .mark").all_inner_texts()) == ids


def listening(port: int) -> None:
    """Ask until it answers; the process has at most the test's own time for it."""
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5):
                return
        except OSError:
            continue
