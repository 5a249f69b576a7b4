"""A real Chromium, Debian's own, that can reach nothing but the service under test."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from tests.page.chromium import ARGUMENTS, installed

LAUNCH_MS = 60_000

expect.set_options(timeout=15_000)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install the browser before the first test, so that no test's time limit pays for it."""
    used = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if "browser" in used and not session.config.option.collectonly:
        try:
            installed()
        except RuntimeError as error:
            pytest.exit(str(error), 1)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for each module: while playwright runs, its event loop keeps others from running in this process."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=installed(), args=ARGUMENTS, timeout=LAUNCH_MS)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens an address in a browser of its own; afterwards: no other origin was asked, nothing was complained of."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def opened(address: str, prepare: Callable[[Page], None] = lambda _: None, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        own = urlsplit(address).netloc

        def only_own(route: Route) -> None:
            if urlsplit(route.request.url).netloc == own:
                route.continue_()
            else:
                wrong.append(f"asked {route.request.url}")
                route.abort()

        context.route("**/*", only_own)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"error {error}"))
        page.on("console", lambda message: wrong.append(message.text) if serious(message.type, message.text) else None)
        prepare(page)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not wrong


def serious(kind: str, text: str) -> bool:
    """Complaints of the browser, but for a service that a test has stopped."""
    return kind in {"error", "warning"} and "Failed to load resource" not in text and "ERR_CONNECTION" not in text
