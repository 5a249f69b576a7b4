"""How often the drift alarm is false, and how long a change goes unseen: beside River's detectors and an online MMD.

Streams come from known mixtures of ten components. The model is learnt from 20 000 of their vectors from a k-means
start, then frozen; its reference is a tenth of the run length. The peers are tuned
towards the run length that ours is set to; the results say how near each came.
"""

import argparse
import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.drifting import cost, delays, detectors, mixtures, real, run_lengths
from benchmarks.drifting.peers import PEERS
from benchmarks.harness import machine, results
from benchmarks.harness.results import Result

FACTOR = 1.5  # run length measured to the one asked for, at most, either way
CASES = 13  # of 18, at or below the best peer's delay
COST = 0.1  # of an update, beside one more E-step with statistics
_LONGEST, _LONGEST_OF = 1_000_000, 8  # the longest run length takes long, and is measured with so many features
PARTS = ("log-likelihood", "features")


class Size(NamedTuple):
    """How much is measured."""

    features: tuple[int, ...]
    asked: tuple[int, ...]  # run lengths
    run_lengths: tuple[tuple[int, int, int], ...]  # run length, references, streams for each
    detectors: int  # models on which ours are held beside each other
    delays: int  # streams for each change
    tuning: int  # streams without a change that a peer is tuned on
    seeds: int  # on real data
    rounds: int  # of the cost

    def part(self, share: float) -> "Size":
        """The same with so many of the streams, but one at least."""
        fewer = [(length, _fewer(references, share), streams) for length, references, streams in self.run_lengths]
        numbers = {name: _fewer(getattr(self, name), share) for name in ("detectors", "delays", "tuning", "seeds")}
        return self._replace(run_lengths=tuple(fewer), **numbers)


def _fewer(count: int, share: float) -> int:
    return max(round(share * count), min(count, 1))


QUICK = Size((2,), (10_000,), ((10_000, 2, 2),), 1, 1, 1, 1, 3)
FULL = Size(
    (2, 8, 32), (10_000, 100_000, 1_000_000), ((10_000, 40, 8), (100_000, 24, 3), (1_000_000, 12, 1)), 10, 10, 6, 50, 60
)


def main() -> None:
    """Measure, print, write: what is known so far after each figure, so that a run that is stopped leaves it."""
    arguments = _arguments()
    size, found = QUICK if arguments.quick else FULL.part(arguments.share), list[Result]()
    size = size._replace(
        features=tuple(arguments.features or size.features), asked=tuple(arguments.lengths or size.asked)
    )
    with ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn")) as pool:
        for result in itertools.chain.from_iterable(_PARTS[part](pool, size) for part in arguments.parts):
            found.append(result)
            results.renew("drift", found, arguments.results)
    results.show(found, [machine.facts(), str(__doc__)])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--quick", action="store_true", help="a few streams with two features")
    form.add_argument("--full", action="store_true", help="every case (the default; hours, see --share)")
    parser.add_argument("--share", type=float, default=1.0, help="how many of the streams of the full form, 0 to 1")
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=list(_PARTS), help="what is measured")
    parser.add_argument("--features", nargs="+", type=int, choices=FULL.features, help="only with so many")
    parser.add_argument("--lengths", nargs="+", type=int, choices=FULL.asked, help="only these run lengths")
    parser.add_argument("--processes", type=int, default=2, help="processes that measure")
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="folder for drift.json")
    return parser.parse_args()


def _run_lengths(pool: Executor, size: Size) -> Iterator[Result]:
    for features, (length, references, streams) in itertools.product(size.features, size.run_lengths):
        if length in size.asked and (features == _LONGEST_OF or length < _LONGEST):
            for correlation in (0.0, 0.3):
                yield from _run_length(pool, run_lengths.Case(features, length, correlation, streams), references)


def _run_length(pool: Executor, case: run_lengths.Case, references: int) -> Iterator[Result]:
    lengths = list(pool.map(partial(run_lengths.measure, case), range(references)))
    ratio = run_lengths.mean(lengths) / case.run_length
    low, high = run_lengths.interval(lengths, case.run_length)
    print(f"{case.name}: {ratio:.2f} ({low:.2f} to {high:.2f})", flush=True)
    streams = (
        f"{references} references, {case.streams} streams each" if case.streams > 1 else f"{references} references"
    )
    within = Result(case.name, f"run length, ratio to that asked for; {streams}", "ratio", ratio)
    yield within._replace(target=FACTOR, met=1 / FACTOR <= ratio <= FACTOR)
    yield Result(case.name, "the same, lower end of 95 %", "ratio", low)
    yield Result(case.name, "the same, upper end of 95 %", "ratio", high)


def _cost(pool: Executor, size: Size) -> Iterator[Result]:
    """In this process: nothing else of ours runs meanwhile."""
    found, case = cost.cost(size.rounds), f"cost, {cost.FEATURES} features"
    yield Result(case, "processor time of watching / of an update", "ratio", found.watching)
    beyond = Result(case, "of watching beyond a second E-step with statistics / of an update", "ratio", found.beyond)
    yield beyond.at_most(COST)
    yield Result(case, "the same, a batch of 512 in a call", "ratio", found.single_beyond).at_most(COST)
    yield Result(case, "of watching, a batch of 512 in a call / of an update", "ratio", found.single)
    for name, share in found.looking.items():
        yield Result(case, f"of looking out by {name} / of an update", "ratio", share)


def _delays(pool: Executor, size: Size) -> Iterator[Result]:
    for features in size.features:
        chosen = list(itertools.product(range(len(PEERS)), PARTS))
        tuning = list(
            pool.map(delays.tune, *zip(*[(features, peer, part, size.tuning) for peer, part in chosen], strict=True))
        )
        for name, _, run_length in tuning:
            yield Result(f"delays, {features} features", f"run length of {name}", "vectors", run_length)
        parameters = {name: parameter for name, parameter, _ in tuning}
        runs = list(pool.map(partial(delays.measure, features, parameters=parameters), range(size.delays)))
        yield from _beside(features, runs)


def _beside(features: int, runs: list[dict[tuple[str, str, str], float]]) -> Iterator[Result]:
    """Each case beside the peer that sees it first on the mean, and how many we see no later."""
    no_later = 0
    cases = list(itertools.product(mixtures.CHANGES, delays.KINDS))
    for change, kind in cases:
        means = {key[2]: float(np.mean([run[key] for run in runs])) for key in runs[0] if key[:2] == (change, kind)}
        ours = means.pop("ours")
        best = min(means, key=means.__getitem__)
        no_later += ours <= means[best]
        case = f"{features} features, {change}, {kind}"
        print(f"{case}: {ours:.0f}, {best} {means[best]:.0f}", flush=True)
        yield Result(case, f"delay, mean of {len(runs)}", "vectors", ours).beside(best, means[best])
    cases_ = Result(
        f"delays, {features} features", f"cases of {len(cases)} seen no later than by the best peer", "cases", no_later
    )
    yield cases_.at_least(CASES)


def _detectors(pool: Executor, size: Size) -> Iterator[Result]:
    for features in size.features:
        runs = list(pool.map(partial(detectors.measure, features), range(size.detectors)))
        for name in detectors.SETS:
            case = f"detectors, {features} features, {name}"
            typical = detectors.typical([run[name][1] for run in runs])
            length = detectors.run_length(sum(run[name][0] for run in runs), len(runs))
            print(f"{case}: {typical:.0f}, {length:.0f}", flush=True)
            yield Result(case, f"delay, geometric mean of the changes, {len(runs)} models", "vectors", typical)
            yield Result(case, "measured run length", "vectors", length)


def _real(pool: Executor, size: Size) -> Iterator[Result]:
    for case in real.CASES:
        runs = list(pool.map(partial(real.measure, case), range(size.seeds)))
        seen, false = sum(run.seen for run in runs), sum(run.false for run in runs)
        print(f"{case}: seen {seen}, false {false} of {size.seeds}", flush=True)
        yield Result(
            case, f"streams of {size.seeds} with an alarm within {real.WITHIN:,} vectors", "streams", seen
        ).at_least(0.9 * size.seeds)
        yield Result(case, "delay, median", "vectors", float(np.median([run.delay for run in runs])))
        most = real.most_false(size.seeds)
        yield Result(case, f"streams of {size.seeds} without a change that alarm", "streams", false).at_most(most)


_PARTS: Mapping[str, Callable[[Executor, Size], Iterator[Result]]] = {
    "cost": _cost,
    "run_lengths": _run_lengths,
    "detectors": _detectors,
    "real": _real,
    "delays": _delays,
}


if __name__ == "__main__":
    main()
