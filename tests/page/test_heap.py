"""A tab that is left open does not grow. Time is quickened: frames come as fast as the page takes them."""

import pytest
from playwright.sync_api import Page

from tests.page.shown import Shown, model_of_size, sample_of, settings_for, snapshot_of

A_MINUTE = 240  # frames
FULL = 1200  # rows that the page keeps
GROWTH = 1.10
AT = "(number) => window.streamgmm.state.frame && window.streamgmm.state.frame.number >= number"


@pytest.mark.parametrize(
    ("early", "late"),
    [pytest.param(5, 7, id="seven minutes"), pytest.param(5, 30, id="thirty", marks=pytest.mark.long)],
)
@pytest.mark.timeout(600)
def test_the_heap_stays(open_page, early: int, late: int) -> None:
    with Shown(settings_for(("a", "b", "c"), 4)) as shown:
        live = model_of_size(4, 3)
        seen, sample = snapshot_of(shown.settings, live), sample_of(live, 64)
        page = open_page(shown.address)
        heaps = {}
        for minute in range(1, late + 1):
            page.wait_for_function(AT, arg=shown.play(A_MINUTE, seen, live, sample), timeout=60_000)
            heaps[minute] = heap(page)
        assert page.evaluate("() => window.streamgmm.state.history.rows.length") > 0.9 * FULL
        assert heaps[late] < GROWTH * heaps[early], heaps


def heap(page: Page) -> int:
    """Bytes of JavaScript values that are still of use."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used: int = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return used
