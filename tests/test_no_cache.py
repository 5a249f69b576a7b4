"""Where compiled code can be kept nowhere the program works, and says what that costs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOOK = """
from streamgmm.mixture import first_run
from streamgmm.mixture.compiled import cache_is_kept
from streamgmm.mixture.rows import rows_of
from streamgmm.records.columns import Record, of_records
from streamgmm.records.headers import parse_source
first_run.tell()
assert not cache_is_kept()
assert len(rows_of([[1.0, 2.0]], None).weights) == 1
parse_source(of_records([Record(0, 0, None, None)], 1), "t")
print("works")
"""


@pytest.fixture
def nowhere(tmp_path: Path) -> dict[str, str]:
    """The environment of a copy of the package, with files where numba would make its folders.

    That stops any user, also one who may write everywhere.
    """
    shutil.copytree(ROOT / "streamgmm", tmp_path / "streamgmm", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in (tmp_path / "streamgmm").rglob("*"):
        if folder.is_dir():
            (folder / "__pycache__").touch()
    (tmp_path / "cache").touch()
    moved = {"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path / "cache"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    return {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"} | moved


def run(code: list[str], folder: Path, environment: dict[str, str], seconds: int) -> str:
    done = subprocess.run(
        [sys.executable, "-B", *code],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_compiled_code_runs_without_a_place_to_be_kept(tmp_path: Path, nowhere: dict[str, str]) -> None:
    said, *rest = run(["-c", LOOK], tmp_path, nowhere, 60).splitlines()
    assert said == "works"
    (why,) = rest  # once, to stderr
    assert why.startswith("streamgmm compiles, which may take up to a minute: numba can write its cache nowhere")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_service_runs_and_says_that_it_compiles_at_every_start(tmp_path: Path, nowhere: dict[str, str]) -> None:
    log = "sqlite:///log.db"
    players = str(ROOT / "streamgmm" / "data" / "players.csv")
    run(["-m", "streamgmm", "replay", players, "--topic", "games", "--broker", log], tmp_path, nowhere, 120)
    settings = ["input.topic=games", "input.features=[APM, ActionLatency]", "model.n_components=2", "http.port=0"]
    settings.append("model.covariance_type=diag")  # whose kernels compile in half the time
    given = [part for setting in settings for part in ("--set", setting)]
    said = run(["-m", "streamgmm", "run", "--broker", log, "--until-end", *given], tmp_path, nowhere, 800)
    assert "numba can write its cache nowhere" in said
    assert "ended as asked" in said
