"""Writes dashboards/streamgmm.json: what Grafana shows of a model. `make dashboard` runs it; a test holds the file.

The panels stand below, a line each. A panel's description is the help of the metrics in its queries, taken from the
table that the service registers them from, so that nothing is explained twice.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml

from streamgmm.service.metrics_table import METRICS

TARGET = Path(__file__).parent / "dashboards" / "streamgmm.json"
UID = "streamgmm"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
MODEL = '{model="$model"}'
COLUMNS = 24
NAMES = re.compile(r"[a-z][a-z0-9_:]*")
RULES = yaml.safe_load((Path(__file__).parents[1] / "prometheus" / "streamgmm.rules.yml").read_text("utf-8"))
RECORDED = {rule["record"]: rule["expr"] for rule in RULES["groups"][0]["rules"] if "record" in rule}
STATES = ("off", "settling", "calibrating", "none", "warning", "alarm")
COLOURS = {"off": "text", "none": "green", "warning": "orange", "alarm": "red"}

Kind = Literal["stat", "timeseries", "heatmap", "state-timeline"]


class Query(NamedTuple):
    """A query and the name of its series."""

    expr: str
    legend: str = "__auto"


class Panel(NamedTuple):
    """What one panel shows; width in 24ths of the page."""

    title: str
    kind: Kind
    queries: tuple[Query, ...]
    unit: str = "short"
    width: int = 8


class Row(NamedTuple):
    """Panels under a heading, of the same height."""

    title: str
    height: int
    panels: tuple[Panel, ...]


def of_model(name: str, legend: str = "__auto") -> Query:
    """The series of the chosen model."""
    return Query(name + MODEL, legend)


def quantiles(name: str) -> tuple[Query, ...]:
    """Median and 99th percentile of a histogram over five minutes."""
    buckets = f"sum by (le) (rate({name}_bucket{MODEL}[5m]))"
    return tuple(Query(f"histogram_quantile({q}, {buckets})", f"p{q * 100:.0f}") for q in (0.5, 0.99))


def state_numbers(name: str) -> Query:
    """A metric with a series of 0 or 1 for each state, as one series: the number of the state that it is in."""
    parts = (f'{i} * ({name}{{model="$model", state="{state}"}} == 1)' for i, state in enumerate(STATES))
    return Query(f"max without (state) ({' or '.join(f'({part})' for part in parts)})", "drift")


ROWS = (
    Row(
        "Now",
        4,
        (
            Panel("Ready", "stat", (of_model("streamgmm_ready"),), "bool_yes_no", 2),
            Panel("Frozen", "stat", (of_model("streamgmm_model_frozen"),), "bool_yes_no", 2),
            Panel("Records a second", "stat", (of_model("streamgmm:records_consumed:rate5m"),), "reqps", 4),
            Panel("Records behind", "stat", (of_model("streamgmm:lag_records:sum"),), "short", 4),
            Panel("Newest record, 99 %", "stat", (of_model("streamgmm:end_to_end_newest_seconds:p99_5m"),), "s", 4),
            Panel("Checkpoint's age", "stat", (of_model("streamgmm:checkpoint_age_seconds"),), "s", 4),
            Panel("Drift", "stat", (state_numbers("streamgmm_drift_state"),), "state", 4),
        ),
    ),
    Row(
        "Components",
        9,
        (
            Panel("Weights", "heatmap", (of_model("streamgmm_component_weight", "C{{component}}"),), "percentunit", 12),
            Panel(
                "Weights over time",
                "timeseries",
                (of_model("streamgmm_component_weight", "C{{component}}"),),
                "percentunit",
                12,
            ),
        ),
    ),
    Row(
        "Drift",
        8,
        (
            Panel("State", "state-timeline", (state_numbers("streamgmm_drift_state"),), "state", 24),
            Panel(
                "Statistics that may alarm, by their limit",
                "timeseries",
                (
                    Query(
                        f"abs(streamgmm_drift_statistic{MODEL}) / streamgmm_drift_statistic_limit{MODEL}",
                        "{{statistic}}",
                    ),
                ),
                "percentunit",
                12,
            ),
            Panel(
                "Log-likelihood", "timeseries", (of_model("streamgmm_log_likelihood_nats", "nats a vector"),), width=12
            ),
        ),
    ),
    Row(
        "Beside the alarm: what kind of change it is",
        8,
        (
            Panel("Outliers", "timeseries", (of_model("streamgmm_outlier_ratio", "outliers"),), "percentunit"),
            Panel("Undecided vectors", "timeseries", (of_model("streamgmm_assignment_entropy_nats", "{{of}}"),)),
            Panel(
                "Where values lie in their component",
                "timeseries",
                (Query(f"topk(8, streamgmm_drift_transform_distance{MODEL})", "{{feature}}"),),
            ),
            Panel(
                "Weights against the reference",
                "timeseries",
                (
                    of_model("streamgmm_drift_population_stability_index", "stability index"),
                    of_model("streamgmm_drift_jensen_shannon_nats", "Jensen-Shannon"),
                ),
            ),
            Panel("Components in use", "timeseries", (of_model("streamgmm_effective_components", "{{of}}"),)),
            Panel(
                "Means against the reference",
                "timeseries",
                (of_model("streamgmm_component_shift", "C{{component}}"),),
            ),
        ),
    ),
    Row(
        "Stream",
        8,
        (
            Panel(
                "Records a second",
                "timeseries",
                (
                    Query(f"rate(streamgmm_records_consumed_total{MODEL}[1m])", "consumed"),
                    Query(f"rate(streamgmm_records_published_total{MODEL}[1m])", "published"),
                ),
                "reqps",
            ),
            Panel("Records behind", "timeseries", (of_model("streamgmm_lag_records", "partition {{partition}}"),)),
            Panel(
                "Dead letters a second",
                "timeseries",
                (Query(f"rate(streamgmm_records_dead_lettered_total{MODEL}[5m]) > 0", "{{reason}}"),),
                "reqps",
            ),
            Panel("Newest record to its commit", "timeseries", quantiles("streamgmm_end_to_end_newest_seconds"), "s"),
            Panel("Commit", "timeseries", quantiles("streamgmm_commit_duration_seconds"), "s"),
            Panel(
                "Commits and aborts a second",
                "timeseries",
                (
                    Query(f"rate(streamgmm_commits_total{MODEL}[1m])", "commits"),
                    Query(f"rate(streamgmm_aborts_total{MODEL}[1m])", "aborts"),
                ),
                "ops",
            ),
        ),
    ),
    Row(
        "Learning and process",
        8,
        (
            Panel("Step size", "timeseries", (of_model("streamgmm_step_size", "step size"),), width=6),
            Panel(
                "Component changes and repairs in 5 minutes",
                "timeseries",
                (
                    Query(f"increase(streamgmm_component_changes_total{MODEL}[5m]) > 0", "{{change}}"),
                    Query(f"increase(streamgmm_covariance_repairs_total{MODEL}[5m]) > 0", "repaired"),
                ),
                width=6,
            ),
            Panel(
                "Memory",
                "timeseries",
                (
                    Query(
                        "process_resident_memory_bytes * on (job, instance) group_left "
                        f"max by (job, instance) (streamgmm_ready{MODEL} >= bool 0)",
                        "resident",
                    ),
                ),
                "bytes",
                6,
            ),
            Panel("Event loop's lag", "timeseries", quantiles("streamgmm_event_loop_lag_seconds"), "s", 6),
        ),
    ),
)


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    return {
        "uid": UID,
        "title": "streamgmm",
        "description": "Live clusters of a stream: weights, drift, delivery. Made by config/grafana/make_dashboard.py.",
        "tags": ["streamgmm"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "5s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": list(variables())},
        "annotations": {"list": [annotation()]},
        "panels": list(panels()),
    }


def variables() -> Iterator[dict[str, Any]]:
    """Which Prometheus, and which model."""
    yield {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}}
    yield {
        "name": "model",
        "label": "Model",
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": "label_values(streamgmm_ready, model)", "refId": "model"},
        "refresh": 2,
        "sort": 1,
        "current": {},
    }


def annotation() -> dict[str, Any]:
    """A mark wherever the drift alarm stands."""
    expr = 'streamgmm_drift_state{model="$model", state="alarm"} == 1'
    return {"name": "drift alarm", "datasource": DATASOURCE, "enable": True, "iconColor": "red", "expr": expr}


def panels() -> Iterator[dict[str, Any]]:
    """Headings and panels, laid out from left to right and top to bottom."""
    number, y = 0, 0
    for row in ROWS:
        number += 1
        place = {"h": 1, "w": COLUMNS, "x": 0, "y": y}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "panels": [], "gridPos": place}
        x, y = 0, y + 1
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y = 0, y + row.height
            number += 1
            yield drawn(panel, number, {"h": row.height, "w": panel.width, "x": x, "y": y})
            x += panel.width
        y += row.height


def drawn(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    """One panel."""
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": explained(panel),
        "datasource": DATASOURCE,
        "gridPos": place,
        "targets": [
            {"refId": chr(ord("A") + i), "expr": query.expr, "legendFormat": query.legend, "datasource": DATASOURCE}
            for i, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": field(panel.unit), "overrides": []},
        "options": OPTIONS[panel.kind],
    }


def field(unit: str) -> dict[str, Any]:
    """How values are written: a unit, or the names and colours of states."""
    if unit != "state":
        return {"unit": unit}
    named = {str(i): {"index": i, "text": state, "color": COLOURS.get(state, "blue")} for i, state in enumerate(STATES)}
    return {"mappings": [{"type": "value", "options": named}], "color": {"mode": "thresholds"}}


OPTIONS: dict[Kind, dict[str, Any]] = {
    "stat": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "none"},
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "heatmap": {
        "calculate": False,
        "color": {"mode": "scheme", "scheme": "Viridis", "steps": 64},
        "yAxis": {"axisPlacement": "left"},
        "rowsFrame": {"layout": "auto", "value": "weight"},
    },
    "state-timeline": {"mergeValues": True, "showValue": "auto", "legend": {"showLegend": False}},
}


def explained(panel: Panel) -> str:
    """The help of the metrics that the panel's queries use, also of those that the recording rules make of them."""
    used = " ".join(RECORDED.get(name, name) for query in panel.queries for name in NAMES.findall(query.expr))
    words = set(NAMES.findall(used))
    found = [metric.help for metric in METRICS if words & {metric.name, f"{metric.name}_bucket"}]
    return " ".join(found)


if __name__ == "__main__":
    TARGET.write_text(json.dumps(dashboard(), indent=1) + "\n", "utf-8")
