"""The numbers on the axes, the cards and the matrix: whole, in full view, and enough of them to tell two apart."""

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.page.shown import Shown, live_of, sample_of, settings_for, snapshot_of

AXES = "() => window.streamgmm.drawList && window.streamgmm.drawList.axes"
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


def opened(open_page, shown: Shown, means: list[list[float]], sd: float, **options: object) -> Page:
    live = live_of(np.array(means), np.full((len(means), 2), sd**2), np.full(len(means), 1 / len(means)), frozen=False)
    shown.show(snapshot_of(shown.settings, live), live, (sample_of(live, 60),))
    page = open_page(shown.address, **options)
    page.wait_for_function(AXES)
    return page


def value(label: str) -> float:
    return float(label.replace(",", "").replace("\u2212", "-"))


@pytest.mark.parametrize("width", [320, 1440])
@pytest.mark.parametrize(
    ("centre", "sd"),
    [(-200_000.0, 20_000.0), (-1.7e6, 2e5), (-2.1e8, 3e7), (1e9, 1.0), (5.0, 1e-9), (0.0, 1e-5), (3e-7, 1e-7)],
)
def test_every_mark_says_where_it_is_and_is_seen_whole(open_page, centre: float, sd: float, width: int) -> None:
    with Shown(settings_for(("a", "b"), 2)) as shown:
        page = opened(
            open_page, shown, [[centre - sd] * 2, [centre + sd] * 2], sd, viewport={"width": width, "height": 800}
        )
        axes = page.evaluate(AXES)
        for marks in axes.values():
            labels = [mark["label"] for mark in marks]
            assert len(set(labels)) == len(labels) >= 1, labels
            for mark in marks:
                assert value(mark["label"]) == pytest.approx(mark["at"], rel=1e-12, abs=sd * 1e-6), labels
        assert len(axes["y"]) > 2
        assert page.evaluate(FITS), axes


def test_a_feature_that_never_changes_has_an_axis_around_it(open_page) -> None:
    with Shown(settings_for(("a", "b"), 2)) as shown:
        page = opened(open_page, shown, [[5.0, 5.0], [5.0, 5.0]], 1e-30)
        for marks in page.evaluate(AXES).values():
            labels = [mark["label"] for mark in marks]
            assert len(set(labels)) == len(labels) > 2
            assert 4 < value(labels[0]) < 5 < value(labels[-1]) < 6


def test_means_that_differ_little_are_told_apart_in_cards_matrix_and_tables(open_page) -> None:
    with Shown(settings_for(("a", "b"), 2)) as shown:
        page = opened(open_page, shown, [[1e9, 0.5], [1e9 + 4, 12.0]], 1.0)
        for place in (".means b", ".matrix td"):
            texts = " ".join(page.locator(place).all_inner_texts())
            assert HUGE in texts and "1,000,000,000.0" in texts and "12.0" in texts, texts
        page.get_by_text("The components' places as a table").click()
        expect(page.locator("table", has_text="The components' places").locator("tbody")).to_contain_text(HUGE)
