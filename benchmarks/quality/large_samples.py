"""Points 1 and 2: a million vectors from a known mixture, seen once; beside the paper's ten passes over the same."""

from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

import numpy as np

from benchmarks.harness.results import Result
from benchmarks.quality import one_pass, protocol, truth
from benchmarks.quality.truth import log_likelihood

SETS = ("Iris1", "ELKI1", "Flea1", "Wreath")
BELOW_TRUTH, WORST, INDEX = 50.0, 500.0, 0.001  # nats, nats, adjusted Rand index


class Size(NamedTuple):
    """How much is measured."""

    vectors: int
    seeds: int
    steps: int  # of the paper's protocol


FULL = Size(1_000_000, 10, protocol.STEPS)


class Run(NamedTuple):
    """One sample; nats of all its vectors together."""

    under_truth: float
    one_pass: float
    paper: float
    index_less_truth: float


def results(name: str, size: Size) -> Iterator[Result]:
    """Of one set."""
    yield from _judged(name, [_run(name, size, seed) for seed in range(size.seeds)], targets=size == FULL)


def _run(name: str, size: Size, seed: int) -> Run:
    true, rng = truth.published(name), np.random.default_rng(seed)
    sample, components = truth.draw(true, size.vectors, rng), len(true.weights)
    ours = one_pass.learnt(sample.vectors, components, seed)
    paper = protocol.learnt(sample.vectors, components, rng, size.steps)
    likelihoods = (log_likelihood(model, sample.vectors) for model in (true, ours, paper))
    return Run(*likelihoods, truth.index(ours, sample) - truth.index(true, sample))


def _judged(name: str, runs: list[Run], *, targets: bool) -> Iterator[Result]:
    """The targets are those of a million vectors."""
    case, ours = f"{name}, one pass", [run.one_pass - run.under_truth for run in runs]
    above = min(run.one_pass - run.paper for run in runs)
    off = max(abs(run.index_less_truth) for run in runs)
    found = [
        Result(case, "log-likelihood less the true model's, median", "nats", median(ours)).at_least(-BELOW_TRUTH),
        Result(case, "log-likelihood less the true model's, worst", "nats", min(ours)).at_least(-WORST),
        Result(case, "log-likelihood less the paper's protocol's, least", "nats", above).at_least(0),
        Result(case, "index off the true model's, most", "ARI", off).at_most(INDEX),
        *_of_the_paper(name, runs),
    ]
    yield from found if targets else (result._replace(target=None, met=None) for result in found)


def _of_the_paper(name: str, runs: list[Run]) -> Iterator[Result]:
    case, less = f"{name}, the paper's protocol", median(run.paper - run.under_truth for run in runs)
    yield Result(case, "log-likelihood less the true model's, median", "nats", less)
    if name in protocol.PUBLISHED:
        reached, quartiles = median(run.paper for run in runs), protocol.PUBLISHED[name]
        yield Result(case, "median, from the published first quartile", "nats", reached).at_least(quartiles.first)
        yield Result(case, "median, to the published third quartile", "nats", reached).at_most(quartiles.third)
