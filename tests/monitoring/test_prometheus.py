"""A real Prometheus, as `make demo-monitoring` starts it, scrapes the demo and raises the drift alert."""

import asyncio
import importlib.util
import signal
import sys
from asyncio.subprocess import DEVNULL
from pathlib import Path

import httpx
import pytest
import yaml

from tests.debian import program
from tests.monitoring.test_dashboard import QUERIES

SCRIPT = Path(__file__).parents[2] / "config" / "prometheus" / "demo.py"
spec = importlib.util.spec_from_file_location("demo_monitoring", SCRIPT)
assert spec is not None
assert spec.loader is not None
demo = importlib.util.module_from_spec(spec)
spec.loader.exec_module(demo)


def test_the_demos_configuration_keeps_where_the_runbook_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    labels = "external_labels: {streamgmm_runbook: https://git.example.org/runbook.md}"
    shipped = (demo.HERE / "prometheus.yml").read_text("utf-8")
    (tmp_path / "prometheus.yml").write_text(shipped.replace("global:\n", f"global:\n  {labels}\n"), "utf-8")
    monkeypatch.setattr(demo, "HERE", tmp_path)
    written = yaml.safe_load(demo.configuration(8080))["global"]
    assert written["external_labels"] == {"streamgmm_runbook": "https://git.example.org/runbook.md"}
    assert written["scrape_interval"] == "1s"


async def firing(client: httpx.AsyncClient) -> set[str]:
    """The names of the alerts that fire; none while Prometheus starts."""
    try:
        asked = await client.get("/api/v1/alerts")
    except httpx.TransportError:
        return set()
    if asked.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        return set()
    answer = asked.json()
    return {alert["labels"]["alertname"] for alert in answer["data"]["alerts"] if alert["state"] == "firing"}


async def asked(client: httpx.AsyncClient, query: str) -> list[object] | str:
    """What the dashboard's query gives of the demo's model; the error where Prometheus does not take it."""
    answer = (await client.get("/api/v1/query", params={"query": query.replace("$model", "players")})).json()
    found: list[object] | str = answer["data"]["result"] if answer["status"] == "success" else answer["error"]
    return found


@pytest.mark.timeout(240)
async def test_prometheus_scrapes_the_demo_and_fires_the_drift_alert() -> None:
    program("prometheus", package="prometheus")
    port = demo.free_port()
    with demo.prometheus(port) as address:
        command = (sys.executable, "-m", "streamgmm", "demo", "--seconds", "60", "--port", str(port))
        process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
        try:
            async with asyncio.timeout(200), httpx.AsyncClient(base_url=address, trust_env=False) as client:
                while "StreamgmmDriftAlarm" not in await firing(client):
                    assert process.returncode is None, "the demo ended before the alert fired"
                    await asyncio.sleep(0.5)
                weights = (await client.get("/api/v1/query", params={"query": "streamgmm_component_weight"})).json()
                answers = {query: await asked(client, query) for query in QUERIES}
                models = (await client.get("/api/v1/label/model/values", params={"match[]": "streamgmm_ready"})).json()
                targets = (await client.get("/api/v1/targets")).json()["data"]["activeTargets"]
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGINT)
            await process.wait()
    assert [target["health"] for target in targets] == ["up"]
    assert len(weights["data"]["result"]) == 4
    assert {query: answer for query, answer in answers.items() if isinstance(answer, str)} == {}
    empty = {query for query, found in answers.items() if not found}
    assert empty <= {query for query in QUERIES if "> 0" in query}, "panels that show nothing of the demo"
    assert models["data"] == ["players"]


async def test_without_prometheus_it_says_what_to_install() -> None:
    command = (sys.executable, str(SCRIPT))
    process = await asyncio.create_subprocess_exec(*command, env={"PATH": "/nonexistent"}, stderr=-1, stdout=-1)
    _, said = await process.communicate()
    assert process.returncode == 1
    assert "apt-get install prometheus" in said.decode()
