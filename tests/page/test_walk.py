"""The scatter by the keyboard: from vector to vector, each read out with its responsibilities, as under the pointer."""

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.page.shown import Shown, live_of, model_of_size, sample_of, settings_for, snapshot_of

DRAWN = "() => window.streamgmm.drawList && window.streamgmm.drawList.points.length"
STANDS_AT = "(x) => Math.abs(parseFloat(document.querySelector('.tip').style.left) - x) < 0.01"
POINTS = "() => window.streamgmm.drawList.points"


@pytest.fixture
def page(open_page) -> Iterator[Page]:
    with Shown(settings_for(("APM", "latency"), 3)) as shown:
        live = model_of_size(3, 2)
        shown.show(snapshot_of(shown.settings, live), live, (sample_of(live, 40),))
        page = open_page(shown.address)
        page.wait_for_function(DRAWN)
        yield page


def told(page: Page) -> str:
    """What is read out."""
    read = page.locator("[aria-live=polite] .tip")
    expect(read.locator("li").first).to_contain_text("%")
    return read.inner_text()


def test_every_vector_is_reached_and_read_out_as_under_the_pointer(page: Page) -> None:
    points = sorted(page.evaluate(POINTS), key=lambda point: (point["x"], point["number"]))
    page.locator(".scatter canvas").focus()
    page.keyboard.press("Home")
    box = page.locator(".scatter canvas").bounding_box()
    assert box is not None
    seen = []
    for point in points:
        page.wait_for_function(STANDS_AT, arg=point["x"])
        seen.append(told(page))
        page.keyboard.press("ArrowRight")
    assert len(set(seen)) == len(points) > 20
    assert page.evaluate("() => window.streamgmm.state.past") is None  # time was not walked through
    last = points[-1]
    page.mouse.move(box["x"] + last["x"], box["y"] + last["y"])
    assert told(page) == seen[-1]
    page.mouse.move(0, 0)
    page.keyboard.press("End")
    assert told(page) == seen[-1]
    page.keyboard.press("ArrowLeft")
    assert told(page) == seen[-2]


MOVED = """([number, before]) => {
  const point = window.streamgmm.drawList.points.find((one) => one.number === number);
  const left = parseFloat(document.querySelector(".tip").style.left);
  return Math.abs(point.x - before) > 5 && Math.abs(left - point.x) < 0.01;
}"""


def test_the_tip_goes_with_its_vector_where_the_picture_widens(open_page) -> None:
    with Shown(settings_for(("APM", "latency"), 3)) as shown:
        live = model_of_size(3, 2)
        shown.show(snapshot_of(shown.settings, live), live, (sample_of(live, 40),))
        page = open_page(shown.address)
        page.wait_for_function(DRAWN)
        page.locator(".scatter canvas").focus()
        page.keyboard.press("End")
        at = max(page.evaluate(POINTS), key=lambda point: point["x"])
        page.wait_for_function(STANDS_AT, arg=at["x"])
        far = sample_of(live, 40)
        shown.show(snapshot_of(shown.settings, live), live, (far._replace(vectors=far.vectors + 100),))
        page.wait_for_function(MOVED, arg=[at["number"], at["x"]])


def test_up_and_down_choose_and_leave(page: Page) -> None:
    page.locator(".scatter canvas").focus()
    page.keyboard.press("ArrowUp")
    newest = max(page.evaluate(POINTS), key=lambda point: point["number"])
    expect(page.locator(".tip .mark").first).to_have_text(f"C{newest['id']}")
    lower = [point for point in page.evaluate(POINTS) if point["y"] > newest["y"]]
    page.keyboard.press("ArrowDown")
    expect(page.locator(".tip .mark").first).to_have_text(f"C{min(lower, key=lambda point: point['y'])['id']}")
    page.keyboard.press("Enter")
    expect(page.locator(".card[aria-pressed=true]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".tip")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator(".card[aria-pressed=true]")).to_have_count(0)


def test_the_newest_vectors_stand_in_a_table(page: Page) -> None:
    page.get_by_text("The newest vectors as a table").click()
    rows = page.locator("table", has_text="The newest vectors").locator("tbody tr")
    expect(rows).to_have_count(30)
    newest = max(page.evaluate(POINTS), key=lambda point: point["number"])
    expect(rows.first.locator("th")).to_have_text(str(newest["number"]))
    expect(rows.first.locator("td").first).to_have_text(f"C{newest['id']}")


def test_a_single_feature_can_be_walked_too_and_a_stream_that_goes_on_takes_nothing_away(open_page) -> None:
    with Shown(settings_for(("APM",), 1)) as shown:
        live = live_of(np.array([[0.0]]), np.array([[1.0]]), np.array([1.0]))
        shown.show(snapshot_of(shown.settings, live), live, (sample_of(live, 20),))
        page = open_page(shown.address)
        page.wait_for_function(DRAWN)
        page.locator(".scatter canvas").focus()
        page.keyboard.press("End")
        before = told(page)
        for seed in range(3):
            shown.show(snapshot_of(shown.settings, live), live, (sample_of(live, 20, seed),))
        page.wait_for_function("() => window.streamgmm.drawList.points.length >= 70")
        assert told(page) == before
