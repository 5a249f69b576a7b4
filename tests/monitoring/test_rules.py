"""The alert rules: promtool checks and tries them; each is explained in the runbook; each metric exists."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from streamgmm.service.metrics import Metrics
from streamgmm.service.metrics_table import METRICS
from streamgmm.settings import Model
from tests.debian import program
from tests.service.snapshots import snapshot

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "config" / "prometheus"
RUNBOOK = ROOT / "docs" / "runbook.md"
RULES = yaml.safe_load((PROMETHEUS / "streamgmm.rules.yml").read_text())["groups"][0]["rules"]
ALERTS = [rule for rule in RULES if "alert" in rule]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
BASE = '{{ or $externalLabels.streamgmm_runbook "docs/runbook.md" }}'
LABEL = "streamgmm_runbook"  # in Prometheus's configuration, not a metric
NAME = re.compile(r"\b(?:streamgmm[a-z0-9_:]*|process_[a-z_]+)")


def known(name: str) -> bool:
    """Whether it is a metric of the service, a recorded one, or one of the Python client's."""
    plain = re.sub(r"_(bucket|sum|count)$", "", name)
    return name in RECORDED or plain in {metric.name for metric in METRICS} or name.startswith("process_resident_mem")


def anchors(file: Path) -> set[str]:
    """Where a link into the file may lead, as GitHub, GitLab and others name headings."""
    text = re.sub(r"```.*?```", "", file.read_text("utf-8"), flags=re.DOTALL)
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def promtool(*arguments: object) -> str:
    command = [program("promtool", package="prometheus"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_takes_the_configuration_and_its_rules() -> None:
    assert "SUCCESS" in promtool("check", "config", PROMETHEUS / "prometheus.yml")


def test_every_alert_rises_where_it_should_and_not_below() -> None:
    promtool("test", "rules", PROMETHEUS / "streamgmm.rules.test.yml")
    tried = set(re.findall(r"alertname: (\w+)", (PROMETHEUS / "streamgmm.rules.test.yml").read_text()))
    assert tried == {rule["alert"] for rule in ALERTS}


def test_promtool_finds_nothing_to_say_of_the_metrics() -> None:
    metrics = Metrics(Model(name="players", n_components=2))
    metrics.observe(snapshot())
    metrics.committed(0.1, 1000)
    metrics.restored(0.1)
    tool = program("promtool", package="prometheus")
    done = subprocess.run([tool, "check", "metrics"], input=metrics.render()[0], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_rule_asks_for_metrics_that_exist(rule: dict[str, str]) -> None:
    asked = set(NAME.findall(re.sub(r'"[^"]*"', "", rule["expr"])))
    assert asked or rule["expr"].startswith(("up{", "vector("))
    assert not {name for name in asked if not known(name)}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_has_a_summary_a_severity_and_a_place_in_the_runbook(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"]["summary"]
    base, anchor = str(rule["annotations"]["runbook_url"]).split("#")
    assert base == BASE
    assert anchor in anchors(RUNBOOK) and anchor == str(rule["alert"]).lower()


@pytest.mark.parametrize("file", [RUNBOOK, ROOT / "README.md"], ids=lambda file: file.name)
def test_every_link_leads_to_a_heading_that_is_there(file: Path) -> None:
    text = re.sub(r"```.*?```", "", file.read_text("utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^()\s]*)#([^()\s]+)\)", text)
    assert len(links) > 5
    for target, anchor in links:
        if not target.startswith("http"):
            assert anchor in anchors((file.parent / target) if target else file), f"{target}#{anchor}"


def test_the_runbook_explains_the_alerts_and_no_others() -> None:
    text = RUNBOOK.read_text()
    explained = re.findall(r"^## (Streamgmm\w+)$", text, re.MULTILINE)
    assert sorted(explained) == sorted(str(rule["alert"]) for rule in ALERTS)
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        assert all(word in section for word in ("**Meaning.**", "**Look at**")), section
        assert re.search(r"\*\*[Dd]o\.?\*\*", section), section
    assert {name for name in NAME.findall(text) if not known(name) and "_" in name} <= {LABEL}


def test_burn_rates_are_of_publishing_and_never_of_drift() -> None:
    burning = [rule for rule in ALERTS if "ratio_rate" in rule["expr"]]
    assert {rule["alert"] for rule in burning} == {"StreamgmmPublishingBudgetFast", "StreamgmmPublishingBudgetSlow"}
    assert not [rule for rule in burning if "drift" in rule["expr"]]
