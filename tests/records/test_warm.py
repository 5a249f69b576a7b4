"""Nothing is compiled in the middle of a stream, and compiled code stays within its arrays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WORKLOAD = Path(__file__).with_name("workload.py")


def run(tmp_path, **environment):
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": str(WORKLOAD.parents[2]),
        **environment,
    }
    done = subprocess.run([sys.executable, str(WORKLOAD)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.long
def test_a_mutation_corpus_under_bounds_checks_compiles_nothing_more(tmp_path):
    assert "nothing more compiled" in run(tmp_path, NUMBA_BOUNDSCHECK="1")


@pytest.mark.long
def test_ten_million_mutations_under_bounds_checks(tmp_path):
    """Batches and values through the parser and the decoders: no crash, no read outside, nothing lost."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_BOUNDSCHECK": "1"}
    command = [sys.executable, "-m", "tests.records.fuzz", "1e7"]
    done = subprocess.run(
        command, env=environment, cwd=WORKLOAD.parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10000000 mutations" in done.stdout
