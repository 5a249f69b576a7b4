"""Nothing is compiled in the middle of a stream, and compiled code stays within its arrays."""

import os
import subprocess
import sys
from pathlib import Path

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


def test_a_mutation_corpus_under_bounds_checks_compiles_nothing_more(tmp_path):
    assert "nothing more compiled" in run(tmp_path, NUMBA_BOUNDSCHECK="1")
