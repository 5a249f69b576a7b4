"""The numbers on the axes, the cards and the matrix: whole, in full view, and enough of them to tell two apart."""

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.page.shown import Shown, live_of, sample_of, settings_for, snapshot_of

AXES = "() => window.streamgmm.drawList && window.streamgmm.drawList.axes"
ALONG = """([x, y]) => {
  const { state: { frame: { view } }, drawList } = window.streamgmm;
  return view.x.key === x && view.y.key === y && drawList.along === `${x} ${y}`;
}"""
WIDE = """(width) => {
  const { drawList: { plot } } = window.streamgmm;
  return innerWidth === width && document.querySelector(".scatter canvas").clientWidth === Math.round(plot.width);
}"""
FITS = """() => {
  const { plot, axes } = window.streamgmm.drawList;
  const context = document.createElement("canvas").getContext("2d");
  context.font = "12px system-ui, sans-serif";
  const wide = ({ label }) => context.measureText(label).width;
  const places = axes.x.map((mark) => [plot.place([mark.at, 0]).x, wide(mark)]);
  return Math.max(...axes.y.map(wide)) <= plot.left - 7
    && places.every(([at, width], i) => i === 0 || at - width / 2 > places[i - 1][0] + places[i - 1][1] / 2);
}"""
HUGE = "1,000,000,004.0"


WIDTHS = (320, 1440)  # px
SCALES = [  # centre and standard deviation, each of two features
    (-200_000.0, 20_000.0),
    (-1.7e6, 2e5),
    (-2.1e8, 3e7),
    (1e9, 1.0),
    (5.0, 1e-9),
    (0.0, 1e-5),
    (3e-7, 1e-7),
    (5.0, 0.0),  # never changes
]


def opened(open_page, shown: Shown, means: np.ndarray, deviations: np.ndarray) -> Page:
    live = live_of(means, np.stack([deviations**2] * 2), np.full(2, 0.5), frozen=False)
    shown.show(snapshot_of(shown.settings, live), live, (sample_of(live, 60),))
    page = open_page(shown.address)
    page.wait_for_function(AXES)
    return page


def axes_of(page: Page, pair: int) -> dict[str, list[dict[str, object]]]:
    """The marks of two features that are alike, once the page has been told to show them."""
    for axis, feature in (("across", 2 * pair), ("up", 2 * pair + 1)):
        page.get_by_label(axis).select_option(str(feature))
    page.wait_for_function(ALONG, arg=[str(2 * pair), str(2 * pair + 1)])
    return page.evaluate(AXES)


def value(label: str) -> float:
    return float(label.replace(",", "").replace("\u2212", "-"))


def test_every_mark_says_where_it_is_and_is_seen_whole(open_page) -> None:
    centres, deviations = (np.repeat(column, 2) for column in np.array(SCALES).T)
    means = np.stack([centres - deviations, centres + deviations])
    with Shown(settings_for([f"f{i}" for i in range(len(centres))], 2)) as shown:
        page = opened(open_page, shown, means, np.maximum(deviations, 1e-30))
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.wait_for_function(WIDE, arg=width)
            for pair, (centre, sd) in enumerate(SCALES):
                axes = axes_of(page, pair)
                for marks in axes.values():
                    labels = [mark["label"] for mark in marks]
                    assert len(set(labels)) == len(labels) >= 1, (width, labels)
                    for mark in marks:
                        near = pytest.approx(mark["at"], rel=1e-12, abs=sd * 1e-6)
                        assert value(mark["label"]) == near, (width, labels)
                assert len(axes["y"]) > 2
                assert page.evaluate(FITS), (width, axes)
                if not sd:
                    first, last = (value(axes["y"][end]["label"]) for end in (0, -1))
                    assert centre - 1 < first < centre < last < centre + 1


def test_means_that_differ_little_are_told_apart_in_cards_matrix_and_tables(open_page) -> None:
    with Shown(settings_for(("a", "b"), 2)) as shown:
        page = opened(open_page, shown, np.array([[1e9, 0.5], [1e9 + 4, 12.0]]), np.ones(2))
        for place in (".means b", ".matrix td"):
            texts = " ".join(page.locator(place).all_inner_texts())
            assert HUGE in texts and "1,000,000,000.0" in texts and "12.0" in texts, texts
        page.get_by_text("The components' places as a table").click()
        expect(page.locator("table", has_text="The components' places").locator("tbody")).to_contain_text(HUGE)
