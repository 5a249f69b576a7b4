import re

import numpy as np
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from streamgmm.engine.assign import TOO_LARGE
from streamgmm.records.decoded import REASONS
from streamgmm.service.metrics import METRICS, EndToEnd, Metrics
from streamgmm.service.metrics_model import LARGEST_COMPONENTS
from streamgmm.service.snapshot import ComponentView, DiagnosisView, StatisticView, Totals
from streamgmm.settings import Model
from tests.service.snapshots import NO_DRIFT, snapshot

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
EMPTY = Totals(records=0, published=0, rejected={}, vectors=0, skipped=0)
BASE_UNITS = {"", "seconds", "bytes", "ratio", "records", "nats"}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(Model(name="players", n_components=2), clock=lambda: 1_700_000_123.0)


def series(metrics: Metrics) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """What a scrape holds: name, then labels without the model, then value."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in parse_text(metrics.render()[0].decode()):
        for sample in family.samples:
            labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "model"))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return series(metrics)[name][tuple(sorted(labels.items()))]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_follow_the_rules_of_prometheus(metric):
    assert re.fullmatch(r"streamgmm_[a-z][a-z_]*[a-z]", metric.name)
    assert metric.unit in BASE_UNITS
    assert metric.name.endswith(metric.unit)
    assert (metric.type == "counter") == metric.name.endswith("_total")
    assert (metric.type == "histogram") == bool(metric.buckets)
    assert metric.help.endswith(".")
    assert "model" not in metric.labels


def test_no_name_is_declared_twice():
    assert len({metric.name for metric in METRICS}) == len(METRICS)


@pytest.mark.parametrize(("accept", "parse"), [("", parse_text), (OPENMETRICS, parse_openmetrics)])
def test_every_declared_metric_is_exposed_and_no_other(metrics, accept, parse):
    everything_observed(metrics)
    exposed = {family.name: family for family in parse(metrics.render(accept)[0].decode())}
    declared = {metric.name.removesuffix("_total"): metric for metric in METRICS}
    assert {name for name in exposed if not name.startswith("process_")} == declared.keys()
    for name, metric in declared.items():
        assert (exposed[name].type, exposed[name].documentation) == (metric.type, metric.help)
        assert exposed[name].samples, name
        for sample in exposed[name].samples:
            assert set(sample.labels) - {"le"} == {"model", *metric.labels}
            assert sample.labels["model"] == "players"


def everything_observed(metrics: Metrics) -> None:
    metrics.observe(snapshot())
    metrics.committed(0.02, 4096, EndToEnd(mean=0.3, newest=0.1))
    metrics.computed(0.004)
    metrics.restored(1.5)
    metrics.connected(fast_path=True)
    metrics.loop_lag(0.001)


def test_memory_and_processor_time_of_the_process_are_there(metrics):
    assert value(metrics, "process_resident_memory_bytes") > 0
    assert value(metrics, "process_cpu_seconds_total") > 0


def test_the_format_follows_the_accept_header(metrics):
    assert metrics.render()[1].startswith("text/plain; version=0.0.4")
    body, content_type = metrics.render(OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_counters_begin_at_zero_whatever_the_state_holds(metrics):
    metrics.observe(snapshot())
    for name in ("records_consumed", "records_published", "vectors_learnt", "maximisation_steps", "commits", "aborts"):
        assert value(metrics, f"streamgmm_{name}_total") == 0
    # so that the first rejection is an increase
    rejected = series(metrics)["streamgmm_records_dead_lettered_total"]
    assert rejected == {(("reason", reason),): 0 for reason in (*REASONS, TOO_LARGE)}


def test_counters_grow_by_what_a_snapshot_has_more_than_the_one_before(metrics):
    metrics.observe(snapshot())
    more = Totals(
        records=1100, published=1085, rejected={"undecodable": 12, "assignment_too_large": 3}, vectors=1085, skipped=0
    )
    metrics.observe(snapshot(totals=more, steps=9))
    metrics.observe(snapshot(totals=more, steps=9))
    assert value(metrics, "streamgmm_records_consumed_total") == 100
    assert value(metrics, "streamgmm_records_published_total") == 95
    assert value(metrics, "streamgmm_records_dead_lettered_total", reason="undecodable") == 2
    assert value(metrics, "streamgmm_records_dead_lettered_total", reason="assignment_too_large") == 3
    assert value(metrics, "streamgmm_maximisation_steps_total") == 2


def test_what_became_of_components_is_counted_and_what_the_statistics_hold_is_shown(metrics):
    metrics.observe(snapshot())
    totals = snapshot().totals._replace(components={"weak": 3, "died": 1, "born": 1}, incomplete=40)
    metrics.observe(snapshot(totals=totals))
    found = {dict(labels)["change"]: n for labels, n in series(metrics)["streamgmm_component_changes_total"].items()}
    assert found == {"born": 1, "died": 1, "merged": 0, "recovered": 0, "split": 0, "weak": 3}
    assert value(metrics, "streamgmm_vectors_incomplete_total") == 40
    assert value(metrics, "streamgmm_components_weak") == 1
    assert value(metrics, "streamgmm_effective_sample_size") == 812.5
    assert value(metrics, "streamgmm_background_weight") == 0.01


@pytest.mark.parametrize("phase", ["starting", "restoring", "disconnected"])
def test_what_is_restored_is_not_counted(metrics, phase):
    metrics.observe(snapshot(phase=phase, totals=EMPTY, steps=0))
    metrics.observe(snapshot())
    assert value(metrics, "streamgmm_records_consumed_total") == 0


def test_a_first_start_counts_from_its_first_record(metrics):
    metrics.observe(snapshot(phase="starting", totals=EMPTY, steps=0))
    metrics.observe(snapshot(phase="warming_up", totals=EMPTY, steps=0))
    metrics.observe(snapshot())
    assert value(metrics, "streamgmm_records_consumed_total") == 1000


def test_what_a_lost_commit_turns_out_to_have_done_is_counted(metrics):
    metrics.observe(snapshot())
    metrics.observe(snapshot(phase="disconnected"))
    metrics.observe(snapshot(totals=snapshot().totals._replace(records=1010)))
    assert value(metrics, "streamgmm_records_consumed_total") == 10


def test_counters_never_fall(metrics):
    metrics.observe(snapshot())
    metrics.observe(snapshot(totals=snapshot().totals._replace(records=1010)))
    metrics.observe(snapshot(totals=EMPTY))
    assert value(metrics, "streamgmm_records_consumed_total") == 10


def test_the_series_of_a_component_that_is_gone_is_gone(metrics):
    metrics.observe(snapshot())
    metrics.observe(snapshot(components=(ComponentView(3, 1.0, (150.0, 40.0)),), lag={1: 4}))
    assert series(metrics)["streamgmm_component_weight"] == {(("component", "3"),): 1.0}
    assert series(metrics)["streamgmm_lag_records"] == {(("partition", "1"),): 4}


def test_only_the_largest_components_have_a_series(metrics):
    many = tuple(ComponentView(i, i / 1000, (0.0, 0.0)) for i in range(200))
    metrics.observe(snapshot(components=many))
    shown = {int(labels[0][1]) for labels in series(metrics)["streamgmm_component_weight"]}
    assert shown == set(range(200 - LARGEST_COMPONENTS, 200))


def test_an_undefined_value_has_no_series(metrics):
    nan = float("nan")
    drift = NO_DRIFT._replace(
        statistics=(StatisticView("mean", nan, nan),),
        population_stability_index=float("inf"),
        diagnosis=DiagnosisView(nan, nan, nan, None, None, None),
    )
    unknown = {"log_likelihood": nan, "step_size": None, "last_timestamp": None, "comparison": None}
    metrics.observe(snapshot(**unknown, drift=drift, warm_up=(0, 0)))
    text = metrics.render()[0].decode()
    assert "NaN" not in text
    exposed = series(metrics)
    for name in ("log_likelihood_nats", "step_size", "last_processed_timestamp_seconds", "warm_up_ratio"):
        assert f"streamgmm_{name}" not in exposed
    for name in (
        "statistic",
        "statistic_limit",
        "population_stability_index",
        "jensen_shannon_nats",
        "transform_distance",
    ):
        assert f"streamgmm_drift_{name}" not in exposed
    for name in (
        "effective_components",
        "assignment_entropy_nats",
        "drift_transform_distance",
        "outlier_ratio",
        "component_shift",
    ):
        assert f"streamgmm_{name}" not in exposed


def test_diagnoses_say_what_they_are_of(metrics):
    metrics.observe(snapshot())
    assert value(metrics, "streamgmm_effective_components", of="model") == 1.9
    assert value(metrics, "streamgmm_effective_components", of="reference") == 2.0
    assert value(metrics, "streamgmm_assignment_entropy_nats", of="stream") == 0.4
    assert value(metrics, "streamgmm_drift_transform_distance", feature="latency") == 0.03
    assert value(metrics, "streamgmm_component_shift", component="4") == 0


def test_states_are_one_gauge_each(metrics):
    metrics.observe(snapshot(phase="warming_up", drift=NO_DRIFT._replace(state="alarm")))
    drift = {labels[0][1]: on for labels, on in series(metrics)["streamgmm_drift_state"].items()}
    phases = {labels[0][1]: on for labels, on in series(metrics)["streamgmm_phase"].items()}
    assert drift == {"off": 0, "settling": 0, "calibrating": 0, "none": 0, "warning": 0, "alarm": 1}
    assert phases["warming_up"] == 1
    assert sum(phases.values()) == 1
    assert value(metrics, "streamgmm_ready") == 0


def test_histograms_count_at_or_below_each_bound(metrics):
    for seconds in (0.001, 0.0011, 3.0, 99.0, float("nan")):
        metrics.computed(seconds)
    buckets = {labels[0][1]: n for labels, n in series(metrics)["streamgmm_compute_duration_seconds_bucket"].items()}
    assert (buckets["0.0005"], buckets["0.001"], buckets["0.0025"], buckets["5.0"], buckets["+Inf"]) == (0, 1, 2, 3, 4)
    assert value(metrics, "streamgmm_compute_duration_seconds_count") == 4
    assert value(metrics, "streamgmm_compute_duration_seconds_sum") == pytest.approx(102.0021)


def test_a_record_from_the_future_took_no_time(metrics):
    metrics.committed(0.01, 10, EndToEnd(mean=-2.0, newest=-3.0))
    assert value(metrics, "streamgmm_end_to_end_seconds_sum") == 0
    assert value(metrics, "streamgmm_end_to_end_newest_seconds_count") == 1


def test_end_to_end_is_read_off_the_arrays_of_timestamps():
    parts = [np.array([1_700_000_000_000, 1_700_000_001_000]), np.array([], np.int64), np.array([1_700_000_004_000])]
    times = EndToEnd.of(parts, now=1_700_000_004.5)
    assert times == pytest.approx((4.5 - 5 / 3, 0.5))
    assert EndToEnd.of(parts[1:2], now=0.0) is None


def test_a_commit_without_a_whole_checkpoint_leaves_the_last_ones_time_and_size():
    clock = iter([100.0, 200.0])
    metrics = Metrics(Model(name="players", n_components=2), lambda: next(clock))
    metrics.committed(0.01, 4096)
    metrics.committed(0.01, None)
    assert value(metrics, "streamgmm_commits_total") == 2
    assert value(metrics, "streamgmm_checkpoint_size_bytes") == 4096
    assert value(metrics, "streamgmm_checkpoint_timestamp_seconds") == 100


def test_commits_and_aborts(metrics):
    metrics.committed(0.01, 4096)
    metrics.aborted()
    assert value(metrics, "streamgmm_commits_total") == 1
    assert value(metrics, "streamgmm_aborts_total") == 1
    assert value(metrics, "streamgmm_checkpoint_size_bytes") == 4096
    assert value(metrics, "streamgmm_checkpoint_timestamp_seconds") == 1_700_000_123
    assert value(metrics, "streamgmm_end_to_end_seconds_count") == 0


def test_the_largest_lag_of_the_loop_is_forgotten_after_its_minute(metrics):
    metrics.loop_lag(2.0)
    metrics.loop_lag(0.1)
    assert value(metrics, "streamgmm_event_loop_lag_max_seconds") == 2.0
    for _ in range(599):
        metrics.loop_lag(0.1)
    assert value(metrics, "streamgmm_event_loop_lag_max_seconds") == 0.1


def test_two_services_in_one_process_do_not_meet(metrics):
    other = Metrics(Model(name="other", n_components=3))
    other.aborted()
    assert value(metrics, "streamgmm_aborts_total") == 0
    assert b'model="players"' not in other.render()[0]
