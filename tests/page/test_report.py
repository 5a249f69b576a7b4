"""The page of `streamgmm drift report --html`, as people open it: a file, in a browser that may load nothing else."""

import asyncio
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from playwright.sync_api import expect

from streamgmm.broker.interface import Topic
from streamgmm.broker.open import open_broker
from streamgmm.records.columns import Record, of_records
from streamgmm.settings import Broker
from tests.page.axe import serious
from tests.report.test_report import EVIL, NOW, STORY, change, summary

CONFIG = """
broker: {url: "sqlite:///log.db"}
input: {topic: in}
model: {name: players, n_components: 2}
"""
LATE = range(95, 110)  # minutes
EVENTS = [
    *STORY,
    change("drift_raised", 92, EVIL),
    *({**summary(i, log_likelihood=-3 + i / 50), "weights": {str(k): (k + i) / 999 for k in range(12)}} for i in LATE),
]
GROUND = "() => getComputedStyle(document.body).backgroundColor"
STROKES = "() => new Set([...document.querySelectorAll('.curve')].map((e) => getComputedStyle(e).stroke)).size"


async def publish(url: str) -> None:
    async with open_broker(Broker(url=url)) as broker:
        await broker.create_topic(Topic("in.assignments.events", 1, 1, {}))
        writer = await broker.writer()
        records = [Record(i, NOW, b"players", json.dumps(event).encode()) for i, event in enumerate(EVENTS)]
        await writer.send("in.assignments.events", 0, of_records(records, len(records)))
        await writer.commit()
        await writer.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made by the command, in a folder of its own."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "s.yaml").write_text(CONFIG)
    filling = threading.Thread(target=lambda: asyncio.run(publish(f"sqlite:///{folder}/log.db")))
    filling.start()  # a browser's event loop may run in this thread
    filling.join()
    command = [sys.executable, "-m", "streamgmm", "drift", "report", "--config", "s.yaml", "--hours", "3"]
    subprocess.run([*command, "--html", "drift.html"], cwd=folder, check=True, capture_output=True)
    return folder / "drift.html"


@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(12, 17, 28)")])
def test_it_is_drawn_in_the_light_and_in_the_dark_and_axe_finds_nothing_serious(
    report: Path, open_page, scheme: str, ground: str
) -> None:
    page = open_page(report.as_uri(), color_scheme=scheme, bypass_csp=True)
    assert page.evaluate(GROUND) == ground
    expect(page.locator("svg")).to_have_count(4)
    assert page.evaluate(STROKES) == 8
    expect(page.get_by_text("mean of APM, component 7: 92.6 to 118 (+0.8 sd)").first).to_be_visible()
    assert serious(page) == []


def test_it_runs_no_script_loads_nothing_and_fits_a_narrow_window(report: Path, open_page) -> None:
    page = open_page(report.as_uri(), viewport={"width": 360, "height": 700})
    assert page.title() == "Drift of players"
    assert page.locator("script, img, link, iframe").count() == 0
    assert page.evaluate("performance.getEntriesByType('resource').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    expect(page.get_by_text("<script src=//x.test/a.js></script>").first).to_be_visible()
