"""The page of `streamgmm drift report --html`, as people open it: a file, in a browser that may load nothing else."""

import asyncio
import json
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import expect

from streamgmm.broker.interface import Topic
from streamgmm.broker.open import open_broker
from streamgmm.commands.report import page as report_page
from streamgmm.commands.report.events import Summary
from streamgmm.records.columns import Record, of_records
from streamgmm.settings import Broker
from tests.page.axe import serious
from tests.report.test_report import EVIL, NOW, START, STORY, change, of, summary

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


LINES = """(cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size;
}"""


def short_run(summaries: int) -> str:
    """The report of a run that ended soon: an alarm, and few summaries."""
    read = tuple(msgspec.json.decode(json.dumps(summary(i)).encode(), type=Summary) for i in range(summaries))
    changes = [change(kind, 0) for kind in ("drift_warned", "drift_raised", "drift_cleared")]
    seen = of(changes)._replace(end=START + 30_000 if not summaries else NOW, summaries=read)
    return report_page.html(seen)


@pytest.mark.parametrize(
    ("summaries", "said", "charts"), [(0, "No summary was read", 0), (1, "One summary was read", 4)]
)
def test_a_short_run_is_told_in_words_and_what_there_is_is_seen(
    tmp_path: Path, open_page, summaries: int, said: str, charts: int
) -> None:
    (tmp_path / "short.html").write_text(short_run(summaries))
    page = open_page((tmp_path / "short.html").as_uri(), viewport={"width": 1200, "height": 900})
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.locator("svg")).to_have_count(charts)
    for word in ("ALARM", "warning", "in/1@1234"):
        assert page.locator("td", has_text=word).first.evaluate(LINES) == 1
    if charts:
        assert page.locator(".dot").count() >= 4
        assert page.locator("svg").last.locator("text").all_text_contents()[:2] == ["11.2", "13.8"]
        widths = page.locator("rect.alarm").evaluate_all("(all) => all.map((e) => Number(e.getAttribute('width')))")
        assert widths and min(widths) >= 6
