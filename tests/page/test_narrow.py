"""A narrow screen, the keyboard on any screen, and eyes that see no colours: everything is seen."""

import pytest
from playwright.sync_api import Page, expect

from streamgmm.service.snapshot import StatisticView
from tests.page.shown import Shown, model_of_size, sample_of, settings_for, snapshot_of
from tests.service.snapshots import NO_DRIFT

SIZES = [(320, 720), (1440, 900)]
FEATURES = ("APM", "ActionLatency", "GapBetweenPACs", "MinimapAttacks", "TotalMapExplored")
DRAWN = "() => window.streamgmm.drawList && window.streamgmm.drawList.points"
STATISTICS = tuple(StatisticView(name, 1.0, 4.0) for name in ("weights", "mean", "scatter", "outliers", "transform"))
HIDDEN = """() => {
  const bar = document.querySelector(".timeline").getBoundingClientRect();
  const at = document.activeElement;
  const { top, bottom, height } = at.getBoundingClientRect();
  if (at === document.body || at.closest(".timeline")) return null;
  return (height < bar.top ? bottom : top + 40) > bar.top + 1 ? at.outerHTML.slice(0, 80) : "";
}"""


@pytest.fixture(params=SIZES, ids=lambda size: str(size[0]))
def page(request, open_page):
    width, height = request.param
    live = model_of_size(6, len(FEATURES))
    with Shown(settings_for(FEATURES, 6)) as shown:
        drift = NO_DRIFT._replace(state="none", statistics=STATISTICS)
        for seed in range(2):
            shown.show(snapshot_of(shown.settings, live, drift=drift), live, (sample_of(live, 60, seed),))
        page = open_page(shown.address, viewport={"width": width, "height": height})
        page.wait_for_function(DRAWN)
        yield page


def test_a_tip_lies_within_the_picture_wherever_its_vector_is(page: Page) -> None:
    points = page.evaluate(DRAWN)
    page.locator(".scatter canvas").focus()
    picture = page.locator(".scatter .canvas").bounding_box()
    at = {point["number"]: point for point in (min(points, key=lambda p: p["x"]), max(points, key=lambda p: p["x"]))}
    middle = min(points, key=lambda p: abs(p["x"] - picture["width"] / 2))
    for point in [*at.values(), middle]:
        page.mouse.move(picture["x"] + point["x"], picture["y"] + point["y"])
        expect(page.locator(".tip dd")).to_have_count(5)
        tip = page.locator(".tip").bounding_box()
        assert tip["x"] >= picture["x"] - 1
        assert tip["x"] + tip["width"] <= picture["x"] + picture["width"] + 1
        across = tip["x"] <= picture["x"] + point["x"] <= tip["x"] + tip["width"]
        along = tip["y"] <= picture["y"] + point["y"] <= tip["y"] + tip["height"]
        assert not (across and along)  # what it speaks of is seen
        page.mouse.move(0, 0)


def test_whatever_has_the_focus_is_not_behind_the_time_bar(page: Page) -> None:
    seen = 0
    for _ in range(60):
        page.keyboard.press("Tab")
        behind = page.evaluate(HIDDEN)
        if behind is None:
            break
        assert behind == ""
        seen += 1
    assert seen > 15


def test_each_line_of_the_statistics_has_a_dash_of_its_own(page: Page) -> None:
    dashes = page.locator(".legend line").evaluate_all("(all) => all.map((e) => e.getAttribute('stroke-dasharray'))")
    assert len(dashes) == len(set(dashes)) == len(STATISTICS)
