"""Grafana's dashboard and its provisioning: as the program makes them, asking for what exists."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml

from streamgmm.service.metrics_table import METRICS
from streamgmm.service.snapshot import DriftState
from tests.monitoring.test_rules import NAME, known, promtool

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "config" / "grafana"
FILE = GRAFANA / "dashboards" / "streamgmm.json"
DASHBOARD = json.loads(FILE.read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
MARKS = DASHBOARD["annotations"]["list"]
VARIABLES = [variable for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]] + [mark["expr"] for mark in MARKS]


def test_it_is_what_the_program_writes() -> None:
    source = "import make_dashboard, sys, json; json.dump(make_dashboard.dashboard(), sys.stdout, indent=1); print()"
    made = subprocess.run([sys.executable, "-c", source], cwd=GRAFANA, capture_output=True, text=True, check=True)
    assert made.stdout == FILE.read_text(), "run: make dashboard"


@pytest.mark.parametrize("query", QUERIES)
def test_every_query_asks_for_metrics_that_exist_of_the_chosen_model(query: str) -> None:
    asked = NAME.findall(re.sub(r'"[^"]*"', "", query))
    assert asked
    assert not [name for name in asked if not known(name)]
    assert query.count('model="$model"') >= 1


def test_a_state_is_one_series_whatever_it_was_in_the_time_shown(tmp_path: Path) -> None:
    named = {panel["title"]: panel["targets"] for panel in PANELS}
    assert named["Drift"][0]["expr"] == named["State"][0]["expr"]
    query = named["State"][0]["expr"].replace("$model", "m")
    of = 'streamgmm_drift_state{job="streamgmm", instance="a", model="m", state="%s"}'
    values = {"none": "1x4 0x5", "alarm": "0x4 1x5"}
    series = [{"series": of % state, "values": given} for state, given in values.items()]
    seen = [("2m", 3), ("8m", 5)]
    labels = '{job="streamgmm", instance="a", model="m"}'
    asked = [{"expr": query, "eval_time": at, "exp_samples": [{"labels": labels, "value": n}]} for at, n in seen]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": asked}
    (tmp_path / "state.yml").write_text(yaml.safe_dump({"tests": [test]}))
    promtool("test", "rules", tmp_path / "state.yml")


def test_variables_ask_for_labels_of_metrics_that_exist() -> None:
    assert [variable["name"] for variable in VARIABLES] == ["model"]
    for variable in VARIABLES:
        asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
        assert asked is not None, variable
        metric = next(metric for metric in METRICS if metric.name == asked[1])
        assert asked[2] in ("model", *metric.labels)
        assert variable["datasource"]["uid"] == "${datasource}"


def test_marks_are_of_the_chosen_model_and_datasource() -> None:
    assert MARKS
    for mark in MARKS:
        assert mark["datasource"]["uid"] == "${datasource}" and mark["enable"]
        state = re.search(r'state="(\w+)"', mark["expr"])
        assert state is not None and state[1] in get_args(DriftState)


def test_panels_lie_side_by_side_and_none_on_another() -> None:
    covered: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & covered
        assert max(x for x, _ in cells) < 24
        covered |= cells


def test_every_panel_explains_itself() -> None:
    assert [panel["title"] for panel in PANELS if not panel["description"] and "Memory" not in panel["title"]] == []


def test_it_is_found_under_a_fixed_name_and_asks_for_datasource_and_model() -> None:
    assert DASHBOARD["uid"] == "streamgmm"
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "model"]
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${datasource}"}


def test_provisioning_names_folders_that_compose_mounts() -> None:
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
    mounted = {volume.split(":")[1] for volume in services["grafana"]["volumes"]}
    providers = yaml.safe_load((GRAFANA / "provisioning/dashboards/streamgmm.yaml").read_text())["providers"]
    assert {provider["options"]["path"] for provider in providers} <= mounted
    sources = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yaml").read_text())["datasources"]
    assert [source["url"] for source in sources] == ["http://prometheus:9090"]
    assert "prometheus" in services


def test_compose_mounts_files_that_exist_and_prometheus_scrapes_the_service() -> None:
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
    for name in ("prometheus", "grafana", "streamgmm"):
        for volume in services[name]["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith("..") or (ROOT / "docker" / source).exists()
    config = yaml.safe_load((ROOT / "config/prometheus/prometheus.yml").read_text())
    assert config["scrape_configs"][0]["static_configs"] == [{"targets": ["streamgmm:8080"]}]
