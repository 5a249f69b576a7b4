"""A tab that is left open does not grow. Time is quickened: frames come as fast as the page takes them."""

import json

import numpy as np
import pytest
from playwright.sync_api import Page

from streamgmm.engine.values import Event
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
        live, born = model_of_size(4, 3), Event("component_born", {"component": 2, "parent": 0})
        seen, sample = snapshot_of(shown.settings, live), sample_of(live, 64)
        page = open_page(shown.address)
        heaps = {}
        for minute in range(1, late + 1):
            number = shown.play(A_MINUTE, seen, live, sample, events=(born,))
            page.wait_for_function(AT, arg=number, timeout=60_000)
            if minute in (early, late):
                heaps[minute] = heap(page)
        assert page.evaluate("() => window.streamgmm.state.history.rows.length") > 0.9 * FULL
        assert heaps[late] < GROWTH * heaps[early], heaps


def heap(page: Page) -> int:
    """Bytes of what is still of use, by a snapshot of the heap.

    Without what the browser compiled: it compiles a function again, and better, long after the page's data are full.
    """
    session, parts = page.context.new_cdp_session(page), list[str]()
    session.on("HeapProfiler.addHeapSnapshotChunk", lambda event: parts.append(event["chunk"]))
    session.send("HeapProfiler.collectGarbage")
    session.send("HeapProfiler.takeHeapSnapshot", {"reportProgress": False})
    session.detach()
    taken = json.loads("".join(parts))
    fields, kinds = taken["snapshot"]["meta"]["node_fields"], taken["snapshot"]["meta"]["node_types"][0]
    nodes = np.reshape(taken["nodes"], (-1, len(fields)))
    data = nodes[:, fields.index("type")] != kinds.index("code")
    return int(nodes[data, fields.index("self_size")].sum())
