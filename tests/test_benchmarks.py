"""Every benchmark runs, quickly where asked to, and says what it has found in the same form."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import page
from benchmarks.harness import peers, results, workload
from benchmarks.harness.curves import Curve, draw
from benchmarks.harness.results import Result
from streamgmm.records import vectors
from streamgmm.settings import Input

FOLDER = Path(__file__).parents[1] / "benchmarks"
BENCHMARKS = sorted(path for path in FOLDER.glob("[a-z]*.py"))
TYPES = {
    "case": str,
    "metric": str,
    "unit": str,
    "ours": (int, float),
    "peer": (str, type(None)),
    "peer_value": (int, float, type(None)),
    "ratio": (int, float, type(None)),
    "target": (int, float, type(None)),
    "met": (bool, type(None)),
}


def check(rows: list[dict]) -> None:
    assert rows
    for row in rows:
        assert list(row) == list(TYPES)
        assert all(isinstance(row[name], kind) for name, kind in TYPES.items()), row
        assert (row["target"] is None) == (row["met"] is None)
        assert (row["peer"] is None) == (row["peer_value"] is None)
        assert row["peer"] is not None or row["ratio"] is None
    figures = [(row["case"], row["metric"], row["peer"]) for row in rows]
    assert len(set(figures)) == len(figures)


@pytest.mark.long
@pytest.mark.measuring
@pytest.mark.timeout(900)
@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda path: path.stem)
def test_quick_ends_and_writes_its_figures(benchmark: Path, tmp_path: Path) -> None:
    command = [sys.executable, benchmark, "--quick", "--results", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=850, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / f"{benchmark.stem}.json").read_text())
    check(rows)
    assert all(row["case"] in done.stdout and row["metric"] in done.stdout for row in rows)


@pytest.mark.parametrize("file", sorted(results.FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_figures_in_the_repository_are_of_a_benchmark_and_in_its_form(file: Path) -> None:
    assert (FOLDER / f"{file.stem}.py").exists()
    check(json.loads(file.read_text()))


def test_targets_and_peers() -> None:
    rate = Result("a", "throughput", "records/s", 150.0).at_least(100).beside("Kafka Streams", 30.0)
    assert (rate.met, rate.ratio) == (True, 5.0)
    assert not rate.at_least(151).met
    assert Result("a", "memory", "ratio", 1.1).at_most(1.1).met
    assert not Result("a", "memory", "ratio", 1.11).at_most(1.1).met


def test_a_report_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = [Result("a", "throughput", "records/s", 1234.5).at_least(2000), Result("a", "growth", "ratio", 1.0)]
    results.report("made-up", found, ["two cores"], tmp_path / "new")
    check(json.loads((tmp_path / "new" / "made-up.json").read_text()))
    printed = capsys.readouterr().out
    assert all(part in printed for part in ("two cores", "1,234", "2,000", "NO")) and "peer" not in printed


def test_what_is_measured_anew_takes_the_place_of_its_case_alone(tmp_path: Path) -> None:
    first = [Result("a", "delay of 2", "s", 1.0), Result("b", "delay", "s", 2.0)]
    results.renew("made-up", first, tmp_path)
    results.renew("made-up", [Result("a", "delay of 3", "s", 4.0)], tmp_path)
    rows = json.loads((tmp_path / "made-up.json").read_text())
    assert [(row["case"], row["metric"]) for row in rows] == [("b", "delay"), ("a", "delay of 3")]


@pytest.mark.parametrize("kind", ["msgpack", "json", "float32", "float64"])
@pytest.mark.parametrize("vectors_a_record", [1, 4])
def test_every_format_decodes_to_the_vectors_that_were_written(kind: str, vectors_a_record: int) -> None:
    if kind == "json" and vectors_a_record > 1:
        return  # not offered
    matrix = np.arange(64.0).reshape(8, 8)
    work = workload.Workload(0, format=kind, vectors=vectors_a_record)
    columns = workload.records(matrix, 0, work)
    given = Input.model_validate({"topic": "t", "features": "x", "format": kind})
    decoded = vectors.decoder(given).decode(columns, 8)
    assert not decoded.rejected and (decoded.matrix == matrix).all()
    assert set(decoded.counts.tolist()) == {vectors_a_record}


def test_open_pages_count_their_frames_and_one_without_fails_the_benchmark() -> None:
    given, one = b"HTTP/1.1 200 OK\r\n\r\n" + b"event: frame\ndata: {}\n\n" * 30, page.Page()
    for start in range(0, len(given), 7):
        piece = given[start : start + 7]
        one.get_buffer(-1)[: len(piece)] = piece
        one.buffer_updated(len(piece))
    assert (one.frames, one.taken) == (30, len(given))
    page.checked([one], 20.0)
    with pytest.raises(RuntimeError, match=r"a page got 0 frames in a run of 20\.0 s, fewer than 17"):
        page.checked([one, page.Page()], 20.0)


def test_curves_are_drawn(tmp_path: Path) -> None:
    found = [
        Curve("K", "vectors/s", ["1", "10"], [5.0, 2.0]),
        Curve("codec", "vectors/s", ["none", "gzip"], [5.0, 2.0]),
    ]
    draw(found, tmp_path / "new" / "growth.svg")
    assert (tmp_path / "new" / "growth.svg").read_text().count("<svg") == 1


def test_the_program_for_kafka_streams_compiles() -> None:
    command = peers.kafka_streams("127.0.0.1:9", "in", "out")
    assert (Path(command[command.index("-cp") + 1].split(":")[0]) / "KafkaStreamsPeer.class").exists()


def test_records_are_what_producers_write() -> None:
    matrix = np.arange(40.0).reshape(5, 8)
    columns = workload.records(matrix, first=0)
    decoded = vectors.decoder(Input(topic="t", features="x")).decode(columns, None)
    assert not decoded.rejected and (decoded.matrix == matrix).all()
    assert set(columns.keys.length) == {8} and set(columns.values.length) == {84}
