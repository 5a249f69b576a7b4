"""Only moments that the service still keeps are offered, and the newest is shown without asking for it."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from streamgmm.service.live.ring import Ring
from tests.page.shown import Shown, model_of_size, sample_of, settings_for, snapshot_of

NUMBER = "(number) => window.streamgmm.state.frame && window.streamgmm.state.frame.number === number"
ROWS = "() => window.streamgmm.state.history.rows.length"
PAST = "(number) => window.streamgmm.state.past && window.streamgmm.state.past.number === number"


def followed(shown: Shown, page: Page, frames: int) -> int:
    """The page has been told of so many frames, one by one; the number of the last."""
    live = model_of_size(2, 2)
    for seed in range(frames):
        shown.show(snapshot_of(shown.settings, live), live, (sample_of(live, 20, seed),))
        page.wait_for_function(NUMBER, arg=shown.recorder.newest().number)
    return shown.recorder.newest().number


@pytest.fixture
def shown() -> Iterator[Shown]:
    with Shown(settings_for(("APM", "latency"), 2)) as served:
        yield served


def test_slider_and_keys_begin_where_the_services_ring_does(open_page, shown: Shown) -> None:
    shown.recorder.ring = Ring(most_frames=4)
    page = open_page(shown.address)
    newest = followed(shown, page, 8)
    assert page.evaluate(ROWS) >= 8
    slider = page.get_by_label("Moment shown")
    expect(slider).to_have_attribute("max", "3")
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_function(PAST, arg=newest - 3)
    slider.evaluate("(element) => element.blur()")
    page.keyboard.press("ArrowLeft")  # there is nothing before it
    page.keyboard.press("ArrowRight")
    page.wait_for_function(PAST, arg=newest - 2)
    assert page.evaluate("() => window.streamgmm.state.notice") is None


def test_pause_shows_the_newest_frame_without_asking_for_it(open_page, shown: Shown) -> None:
    def none_is_kept(page: Page) -> None:
        page.route(re.compile("/api/v1/frames/"), lambda route: route.fulfill(status=404))

    page = open_page(shown.address, prepare=none_is_kept)
    newest = followed(shown, page, 3)
    page.wait_for_function("() => window.streamgmm.drawList.points.length === 60")
    page.keyboard.press("Space")
    page.wait_for_function(PAST, arg=newest)
    expect(page.locator(".banner")).to_contain_text("You are looking at")
    held = page.evaluate("() => window.streamgmm.state.past.points.x.length")
    followed(shown, page, 2)
    assert (held, page.evaluate("() => window.streamgmm.drawList.points.length")) == (60, 60)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".banner")).to_contain_text("That moment is no longer kept")


def test_what_was_told_of_a_lost_moment_can_be_closed(open_page, shown: Shown) -> None:
    live = model_of_size(2, 2)
    shown.show(snapshot_of(shown.settings, live), live)
    page = open_page(f"{shown.address}?at=1")
    expect(page.get_by_role("alert")).to_contain_text("That moment is no longer kept")
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("alert")).to_have_count(0)
