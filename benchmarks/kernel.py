"""How fast the mixture is: one EM pass beside scikit-learn's, missing values, small calls, memory, and the limits.

A pass is E-step, statistics and M-step of n vectors, on the same number of threads as scikit-learn's `_e_step` and
`_m_step`, run in turn with them; a figure is the median of the runs, a ratio that of the medians.
"""

import argparse
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.harness import blas, limits, machine, memory, mixtures, results, timing
from benchmarks.harness.mixtures import Case, Mixture
from benchmarks.harness.results import Result
from streamgmm import StreamingGaussianMixture
from streamgmm.mixture import gaussian, parameters, pending, statistics, stepwise_em, threads
from streamgmm.mixture.block import BLOCK
from streamgmm.mixture.run import run
from streamgmm.mixture.state import State

SIZES = [(2, 3), (8, 10), (16, 16), (64, 64)]  # (D, K)
FASTER = {"full": (12.0, 15.0, 10.0, 5.0), "diag": (10.0, 6.0, 6.0, 2.0)}  # than scikit-learn, at those sizes
PEER = "scikit-learn"
MIDDLE = Case("full", 8, 10)
MISSING, PATTERNS, MISSING_COSTS = 0.2, 12, 5.0  # share of values, distinct patterns, times the dense pass
BATCH = 512
RUN = 64  # batches
MUCH = 1000  # numbers in the means: a pass is measured on an eighth of the vectors, or the peer would take minutes
BEYOND = 64.0  # MiB at most, beside input and output


class Size(NamedTuple):
    """How much is measured."""

    vectors: int
    runs: int
    many: int  # vectors for the memory


QUICK = Size(2_048, 3, 262_144)
FULL = Size(65_536, 9, 2_097_152)


def main() -> None:
    """Measure, print, write."""
    arguments = _arguments()
    size, count = QUICK if arguments.quick else FULL, arguments.threads
    threads.use(count)
    with threadpool_limits(count):
        found = [*_passes(size), *_blas(size), *_missing(size), *_calls(size), *_memory(size)]
    results.report("kernel", found, [machine.facts(), _method(size, count)], arguments.results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="few vectors and runs, within 40 s")
    length.add_argument(
        "--full", action="store_true", help="65 536 vectors, nine runs, about two minutes (the default)"
    )
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of either side")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="folder for kernel.json")
    return parser.parse_args()


def _method(size: Size, count: int) -> str:
    return f"{size.vectors:,} vectors, {count} threads on either side, median of {size.runs} runs in turn."


def _passes(size: Size) -> Iterator[Result]:
    """One EM pass beside scikit-learn's, and how far it is from what the machine can do."""
    for name, targets in FASTER.items():
        for (features, components), target in zip(SIZES, targets, strict=True):
            case, n = Case(name, features, components), size.vectors
            if features * components > MUCH:
                n //= 8
            mixture = mixtures.mixture(case, n, batch_size=n)
            ours, peers = timing.in_turn([mixtures.our_pass(mixture), mixtures.peer_pass(mixture)], size.runs)
            rate = Result(str(case), "one EM pass", "vectors/s", n / ours)
            yield rate.beside(PEER, n / peers).ratio_at_least(target)
            least = limits.seconds(case, n, threads.count())
            yield Result(str(case), "one EM pass", "times the limit", ours / least)


def _blas(size: Size) -> Iterator[Result]:
    """E-step and statistics of one block beside what BLAS takes for their products alone: why none is called."""
    for features, components in [*SIZES[1:-1], (32, 32), SIZES[-1]]:
        case = Case("full", features, components)
        ours = mixtures.our_e_step(mixtures.mixture(case, BLOCK, batch_size=BLOCK))
        with threadpool_limits(1):  # a block is on one thread
            e_step, products = timing.in_turn([ours, blas.products(case)], 3 * size.runs)
        one_block = Result(str(case), f"E-step and statistics of {BLOCK} vectors", "vectors/s", BLOCK / e_step)
        yield one_block.beside("dtrmm and dsyrk alone", BLOCK / products)


def _missing(size: Size) -> Iterator[Result]:
    dense = mixtures.mixture(MIDDLE, size.vectors, batch_size=size.vectors)
    gaps = dense._replace(vectors=_with_gaps(dense))
    ours, whole = timing.in_turn([mixtures.our_pass(gaps), mixtures.our_pass(dense)], size.runs)
    metric = f"{MISSING:.0%} missing in {PATTERNS} patterns"
    yield Result(str(MIDDLE), metric, "times the dense pass", ours / whole).at_most(MISSING_COSTS)


def _with_gaps(mixture: Mixture) -> mixtures.Matrix:
    """The vectors with a fifth of their values missing: every row by one of twelve patterns."""
    rng, (n, features) = np.random.default_rng(0), mixture.vectors.shape
    patterns = np.zeros((PATTERNS, features), np.bool_)
    places = rng.permutation(PATTERNS * features)[: round(MISSING * PATTERNS * features)]
    patterns.reshape(-1)[places] = True
    return np.where(patterns[rng.integers(PATTERNS, size=n)], np.nan, mixture.vectors)


def _calls(size: Size) -> Iterator[Result]:
    """Small calls, as the service and a stream in a notebook make them."""
    mixture = mixtures.mixture(MIDDLE, BATCH, batch_size=BATCH)
    scored, _ = stepwise_em.score(mixture.state, mixture.vectors, None, mixture.learning)
    repeat, case = 20 * size.runs, str(MIDDLE)
    blended = timing.alone(_blend_and_m_step(mixture, scored), size.runs, repeat=repeat)
    yield Result(case, "blend and M-step", "µs", 1e6 * blended).at_most(50.0)
    learn = timing.alone(lambda: stepwise_em.learn(scored, mixture.learning), size.runs, repeat=repeat)
    yield Result(case, "learn: those, step size, weak components, a new state", "µs", 1e6 * learn)
    both = timing.alone(mixtures.our_pass(mixture), size.runs, repeat=repeat)
    yield Result(case, f"score and learn {BATCH} vectors", "µs/vector", 1e6 * both / BATCH).at_most(0.3)
    stream = mixtures.mixture(MIDDLE, RUN * BATCH, batch_size=BATCH)
    ends = [BATCH * (i + 1) for i in range(RUN)]
    in_a_run = timing.alone(
        lambda: run(stream.state, stream.vectors, ends, stream.learning), size.runs, repeat=size.runs
    )
    yield Result(
        case, f"score and learn {RUN} batches of {BATCH} in a run", "µs/vector", 1e6 * in_a_run / ends[-1]
    ).at_most(0.3)
    many = mixtures.mixture(MIDDLE, 1000, batch_size=BATCH).vectors
    estimator = StreamingGaussianMixture(MIDDLE.components, random_state=0).partial_fit(many)
    part = timing.alone(lambda: estimator.partial_fit(many), size.runs, repeat=size.runs)
    yield Result(case, "partial_fit of 1,000 vectors", "ms", 1e3 * part).at_most(1.0)


def _blend_and_m_step(mixture: Mixture, scored: State) -> timing.Call:
    """What a batch costs once its sums are there: Cholesky, checks and repair in it."""
    covariance, last = mixture.learning.covariance, mixture.state.parameters
    sums = pending.close(scored.pending, partial(gaussian.model, last, covariance), covariance.kernel)
    new = statistics.of_sums(sums, last.means, covariance)

    def call() -> object:
        both = statistics.blend(mixture.state.statistics, new, 0.3, covariance)
        return parameters.m_step(both, last, mixture.learning)

    return call


def _memory(size: Size) -> Iterator[Result]:
    """What a pass needs besides the vectors and what it says of each: the same for eight times as many vectors."""
    for n in (size.many // 8, size.many):
        mixture = mixtures.mixture(MIDDLE, n, batch_size=n)
        beyond = memory.beside_what_is_kept(mixtures.our_scores(mixture)) / 2**20
        yield Result(str(MIDDLE), f"memory beside input and output, {n:,} vectors", "MiB", beyond).at_most(BEYOND)


if __name__ == "__main__":
    main()
