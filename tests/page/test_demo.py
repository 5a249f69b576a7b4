"""The demo's page as a person uses it: clusters, pause and rewind, other axes, a shared address, the dark, the keys."""

import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.page.axe import serious

SOON = 5.0  # seconds from the first model to its picture
DRAWN = "() => window.streamgmm.drawList && window.streamgmm.drawList.ellipses.length === 8"
MOMENTS = "(count) => window.streamgmm.state.history.rows.length > count"


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """The address that a demo prints first of all."""
    command = [sys.executable, "-m", "streamgmm", "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.fullmatch(r"The live page: (http://127\.0\.0\.1:\d+)\n", process.stdout.readline())
        assert found is not None
        yield found[1]
        process.terminate()
        process.stdout.read()


@pytest.fixture
def page(demo: str, open_page) -> Page:
    page = open_page(demo)
    page.wait_for_function(DRAWN, timeout=90_000)
    return page


def test_clusters_are_seen_soon_after_the_first_model(page: Page) -> None:
    seen = time.time()
    started = page.evaluate("() => window.streamgmm.state.history.events.find((e) => e.type === 'model_started').time")
    assert seen - started < SOON
    for component in range(4):
        expect(page.locator(".card", has_text=f"C{component}")).to_have_count(1)
    assert page.evaluate("() => window.streamgmm.drawList.points.length") > 0


def test_pause_holds_the_picture_and_the_slider_rewinds_it(page: Page) -> None:
    page.wait_for_function(MOMENTS, arg=8)
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    page.wait_for_function("() => window.streamgmm.state.past")
    held = page.evaluate("() => window.streamgmm.state.past.number")
    page.wait_for_function("(n) => window.streamgmm.state.frame.number > n + 2", arg=held)
    assert page.evaluate("() => window.streamgmm.state.past.number") == held
    page.get_by_label("Moment shown").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("(n) => window.streamgmm.state.past.number < n", arg=held)
    expect(page.locator(".banner")).to_contain_text("You are looking at")
    page.get_by_role("button", name="Back to now").click()
    page.wait_for_function("() => window.streamgmm.state.past === null")
    assert "at=" not in page.url


def test_a_shared_address_shows_the_same(page: Page, open_page) -> None:
    page.get_by_label("across").select_option("3")
    page.get_by_label("up").select_option("p1")
    page.get_by_label("sorted").select_option("id")
    page.locator(".card", has_text="C2").click()
    page.keyboard.press("d")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => window.streamgmm.state.past && window.streamgmm.state.past.view.x.key === '3'")
    other = open_page(page.url)
    other.wait_for_function("() => window.streamgmm.state.past && window.streamgmm.drawList")
    read = "() => [window.streamgmm.state.view, window.streamgmm.state.past.number]"
    assert other.evaluate(read) == page.evaluate(read)
    expect(other.locator(".card[aria-pressed=true]")).to_contain_text("C2")
    expect(other.locator(".axis-x")).to_have_text("Number Of PACs (/min)")
    expect(other.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_colours_follow_the_system_and_the_choice(demo: str, open_page) -> None:
    dark = open_page(demo, color_scheme="dark")
    expect(dark.locator("html")).to_have_attribute("data-theme", "dark")
    dark.get_by_role("button", name="Light").click()
    expect(dark.locator("html")).to_have_attribute("data-theme", "light")
    assert "theme=light" in dark.url


def test_a_ring_shows_its_card_and_a_vector_its_responsibilities(page: Page) -> None:
    page.keyboard.press("Space")
    page.wait_for_function("() => window.streamgmm.state.past")
    box = page.locator(".scatter canvas").bounding_box()
    assert box is not None
    point = page.evaluate("() => window.streamgmm.drawList.points.at(-1)")
    page.mouse.move(box["x"] + point["x"], box["y"] + point["y"])
    expect(page.locator(".tip li").first).to_contain_text("%")
    expect(page.locator(".tip dt").first).to_have_text("APM (/min)")
    bare = page.evaluate(FREE_PLACE)
    page.mouse.move(box["x"] + bare["x"], box["y"] + bare["y"])
    expect(page.locator(".tip")).to_contain_text("of the stream")


FOCUSED = "() => { const e = document.activeElement; return `${e.tagName}:${e.id || e.className}`; }"
FREE_PLACE = """() => {
  const { ellipses, points } = window.streamgmm.drawList;
  for (const { x, y, rx, ry, turn } of ellipses) for (let part = -0.95; part < 0.95; part += 0.02) {
    const place = { x: x + part * rx * Math.cos(turn), y: y + part * rx * Math.sin(turn) };
    if (points.every((p) => Math.hypot(p.x - place.x, p.y - place.y) > 9)) return place;
  }
  return null;
}"""


def test_everything_is_reached_by_the_keyboard(page: Page) -> None:
    seen = set()
    page.locator("body").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate(FOCUSED))
    wanted = {"A:", "BUTTON:plain", "SELECT:", "CANVAS:", "SUMMARY:", "BUTTON:round", "INPUT:moment", "DIV:scroll"}
    assert wanted <= seen
    assert any(one.startswith("BUTTON:card") for one in seen)
    page.locator(".card").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".card").first).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(page.locator(".card[aria-pressed=true]")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(demo: str, open_page, scheme: str) -> None:
    page = open_page(demo, color_scheme=scheme, bypass_csp=True)
    page.wait_for_function(DRAWN, timeout=90_000)
    for summary in page.locator("summary").all():
        summary.click()
    assert serious(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_apis_own_page_is_served_from_here_and_axe_finds_nothing_serious(demo: str, open_page, scheme) -> None:
    page = open_page(f"{demo}/api/docs", color_scheme=scheme, bypass_csp=True)
    operation = page.locator("#operations-model-components_api_v1_components_get")
    expect(operation).to_be_visible(timeout=30_000)
    operation.get_by_role("button").first.click()
    expect(operation.locator(".opblock-body")).to_be_visible()
    assert serious(page) == []


def test_a_hidden_tab_closes_its_stream(demo: str, page: Page) -> None:
    page.evaluate("""() => {
      Object.defineProperty(document, "hidden", { get: () => window.away, configurable: true });
      window.away = true;
      document.dispatchEvent(new Event("visibilitychange"));
    }""")
    page.wait_for_function("() => window.streamgmm.state.link === 'hidden'")
    number = page.evaluate("() => window.streamgmm.state.frame.number")
    wait_for_frames(demo)
    assert page.evaluate("() => window.streamgmm.state.frame.number") == number
    page.evaluate("() => { window.away = false; document.dispatchEvent(new Event('visibilitychange')); }")
    page.wait_for_function("(n) => window.streamgmm.state.frame.number > n", arg=number)


def wait_for_frames(demo: str, count: int = 3) -> None:
    """Read so many frames from a stream of our own."""
    with urllib.request.urlopen(f"{demo}/api/v1/live", timeout=10) as stream:
        while count:
            count -= stream.readline().startswith(b"event: frame")
