"""Vectors with missing features: each is drawn along the features that it has, and who is left out is counted."""

import numpy as np
import pytest
from playwright.sync_api import expect

from streamgmm.engine.sample import Sample
from tests.page.shown import Shown, model_of_size, sample_of, settings_for, snapshot_of

THREE = ("APM", "latency", "score")
DRAWN = "(count) => window.streamgmm.drawList && window.streamgmm.drawList.points.length > count"


def without(sample: Sample, feature: int, rows: slice) -> Sample:
    vectors = sample.vectors.copy()
    vectors[rows, feature] = np.nan
    return sample._replace(vectors=vectors)


@pytest.mark.parametrize(("axes", "left"), [("?x=0&y=1", 0), ("?x=0&y=2", 60), ("?x=p0&y=p1", 60)])
def test_a_feature_that_is_missing_in_all_vectors_takes_them_from_its_own_axes_only(open_page, axes, left) -> None:
    live = model_of_size(3, 3)
    with Shown(settings_for(THREE, 3)) as shown:
        shown.show(snapshot_of(shown.settings, live), live, (sample_of(live, 40),))
        shown.show(snapshot_of(shown.settings, live), live, (without(sample_of(live, 60, 1), 2, slice(None)),))
        page = open_page(f"{shown.address}{axes}")
        page.wait_for_function(DRAWN, arg=30 if left else 90)
        about = page.locator(".clusters .about").first
        if left:
            expect(about).to_contain_text("60 of the last 100 vectors lack a value along these axes and are not drawn.")
        else:
            expect(about).not_to_contain_text("lack a value")
        page.get_by_text("The newest vectors as a table").click()
        last = page.locator("table", has_text="The newest vectors").locator("tbody tr").first.locator("td").last
        expect(last).to_have_text("\u2013" if left else last.inner_text())


def test_of_a_vector_with_a_gap_the_tip_says_what_is_known(open_page) -> None:
    live = model_of_size(2, 3)
    with Shown(settings_for(THREE, 2)) as shown:
        sample = without(sample_of(live, 1), 2, slice(None))
        shown.show(snapshot_of(shown.settings, live), live, (sample,))
        page = open_page(shown.address)
        page.wait_for_function(DRAWN, arg=0)
        page.locator(".scatter canvas").focus()
        page.keyboard.press("Home")
        expect(page.locator(".tip dd")).to_have_count(3)
        assert page.locator(".tip dd").all_inner_texts()[2] == "\u2013"
