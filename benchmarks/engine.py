"""What the engine takes of the processor, by the size of a round and by part: decoding, watching for drift, learning,
encoding. No broker, no other thread of the program; exactly what the learner calls between two fetches.

The time is of the processor, of a whole process on one thread after another, and the parts' shares of it are from a
second pass under Python's profiler, which makes calls dearer: of a small round they are rough.
"""

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.harness import machine, results, workload
from benchmarks.harness.results import Result
from benchmarks.harness.workload import CENTRES, Workload
from streamgmm.engine import assign, plan, score_and_learn, step, watching
from streamgmm.engine.values import Live, State
from streamgmm.records.columns import RecordColumns, frozen
from streamgmm.settings import Settings

PARTITIONS, FEATURES = 4, 8
BEFORE = 60_000  # vectors: the model has settled and the drift alarm is calibrated
Round = dict[int, RecordColumns]


class Case(NamedTuple):
    """Rounds of a size."""

    name: str
    records: int  # to a round
    rounds: int
    shape: Workload
    settings: dict[str, Any]


MSGPACK: dict[str, Any] = {"input": {"topic": "t", "features": "x"}}
FLOATS: dict[str, Any] = {
    "input": {"topic": "t", "format": "float32"},
    "model": {"n_features": FEATURES},
    "learning": {"batch_size": 8192},
}
CASES = [
    *(Case(f"rounds of {n:,} records", n, max(20, 40_000 // n), Workload(0), MSGPACK) for n in (40, 200, 1000, 10_000)),
    Case("rounds of 400 records of 100 float32 vectors", 400, 20, Workload(0, format="float32", vectors=100), FLOATS),
]
# the parts are functions of the engine, whatever they are called by; learning is what is left of its function
DECODING, WATCHING = step._arrived, watching.watch_ahead
ENCODING, OUTPUT = assign._spans, assign._output
LEARNING = score_and_learn.score_and_learn


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a fifth of the rounds, once instead of the best of five")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="folder for engine.json")
    arguments = parser.parse_args()
    found = [result for case in CASES for result in _measured(case, quick=arguments.quick)]
    results.report("engine", found, [machine.facts()], arguments.results)


def _measured(case: Case, *, quick: bool) -> Iterator[Result]:
    settings = {"broker": {"url": "sqlite:///none.db"}, "output": {"topic": "o"}, **case.settings}
    settings["model"] = {"n_components": CENTRES, **case.settings.get("model", {})}
    chosen = plan.plan(Settings.model_validate(settings), largest_record=1 << 20)
    rounds = max(2, case.rounds // 5) if quick else case.rounds
    drawn, begun = _rounds(case, rounds), _begun(case, chosen)
    taken = min(_processor_time(chosen, begun, drawn) for _ in range(1 if quick else 5))
    vectors = rounds * case.records * case.shape.vectors
    yield Result(case.name, "processor time", "µs/vector", 1e6 * taken / vectors)
    yield Result(case.name, "processor time of a round", "ms", 1e3 * taken / rounds)
    for part, share in _shares(chosen, begun, drawn).items():
        yield Result(case.name, f"share of {part}", "%", 100 * share)


def _rounds(case: Case, count: int, first: int = BEFORE) -> list[Round]:
    """Rounds that follow one another, each with as much of every partition; the same ones for the same case."""
    rng, size = np.random.default_rng(2), case.records // PARTITIONS
    centres = np.random.default_rng(1).normal(0, 6, (CENTRES, FEATURES))

    def drawn(offset: int) -> RecordColumns:
        rows = size * case.shape.vectors
        matrix = centres[rng.integers(CENTRES, size=rows)] + rng.standard_normal((rows, FEATURES))
        offsets = frozen(np.arange(offset, offset + size))
        return workload.records(matrix, offset, case.shape)._replace(offsets=offsets, position=offset + size)

    return [{part: drawn(first + number * size) for part in range(PARTITIONS)} for number in range(count)]


def _begun(case: Case, chosen: plan.Plan) -> State:
    """A state with a model, and an alarm that watches. Raises RuntimeError where there is none."""
    large = case._replace(records=10_000 // case.shape.vectors)
    state = step.init(dict.fromkeys(range(PARTITIONS), 0), FEATURES)
    for fetched in _rounds(large, BEFORE // 10_000, first=0):
        state, _ = step.step(chosen, state, fetched)
    if not isinstance(state.model, Live) or state.model.drift.watch is None:
        raise RuntimeError(f"after {BEFORE} vectors nothing watches for drift yet")
    return state


def _worked_off(chosen: plan.Plan, state: State, rounds: list[Round]) -> None:
    for fetched in rounds:
        state, _ = step.step(chosen, state, fetched)


def _processor_time(chosen: plan.Plan, state: State, rounds: list[Round]) -> float:
    began = time.process_time()
    _worked_off(chosen, state, rounds)
    return time.process_time() - began


def _shares(chosen: plan.Plan, state: State, rounds: list[Round]) -> dict[str, float]:
    profile = cProfile.Profile()
    profile.runcall(_worked_off, chosen, state, rounds)
    seen = pstats.Stats(profile).stats  # type: ignore[attr-defined]  # typeshed lacks it

    def within(function: Callable[..., object]) -> float:
        code = function.__code__
        return float(seen[code.co_filename, code.co_firstlineno, code.co_name][3])

    whole = within(step.step)
    parts = {
        "decoding": within(DECODING),
        "watching for drift": within(WATCHING),
        "scoring and learning": within(LEARNING) - within(WATCHING),
        "encoding": within(ENCODING),
        "headers, and samples for the page": within(OUTPUT),
    }
    return {name: seconds / whole for name, seconds in parts.items()}


if __name__ == "__main__":
    main()
