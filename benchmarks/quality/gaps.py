"""Point 5: Iris1 with values missing, judged on complete held-out vectors, beside what people do instead.

At random: a flower's first measurement is always taken, and the larger it is, the likelier the others are lost.
Completely at random: every value is lost with the same chance. There the complete rows are a fair sample, and as long
as they are most rows no method can be much better than using them alone: the bound of `information` says how much.

All three learn by `fit`, with the same number of passes.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from benchmarks.harness.results import Result
from benchmarks.quality import information, truth
from benchmarks.quality.truth import Matrix
from streamgmm import StreamingGaussianMixture
from streamgmm.mixture.parameters import Parameters

Lose = Callable[[Matrix, float, np.random.Generator], Matrix]
SHARES = (0.05, 0.2, 0.4)
OF_MEAN, OF_COMPLETE, EIGENVALUES = 0.2, 0.5, 0.1


class Size(NamedTuple):
    """How much is measured."""

    vectors: int
    held_out: int
    seeds: int
    passes: int


class Run(NamedTuple):
    """Nats a held-out vector below the true model, and how far an eigenvalue is off at most."""

    ours: float
    mean_imputation: float
    complete_rows: float
    bound: float  # what no unbiased method is below, on average
    of_complete: float  # the bound, divided by that of the complete rows alone where these are a fair sample
    eigenvalue: float


def results(way: str, share: float, size: Size) -> Iterator[Result]:
    """Of one share, lost in one way."""
    runs = [_run(WAYS[way], share, size, seed) for seed in range(size.seeds)]
    yield from _judged(f"Iris1, {share:.0%} missing {way}", runs, fair=way == "completely at random")


def at_random(vectors: Matrix, share: float, rng: np.random.Generator) -> Matrix:
    """All but the first feature, by a chance that rises with the first: its mean over all values is the share."""
    n, features = vectors.shape
    rank = vectors[:, 0].argsort().argsort() / n
    chance = np.minimum(2 * share * rank * features / (features - 1), 0.95)
    lost = rng.random(vectors.shape) < chance[:, None]
    lost[:, 0] = False
    return np.where(lost, np.nan, vectors)


def completely_at_random(vectors: Matrix, share: float, rng: np.random.Generator) -> Matrix:
    """Any value; a vector that would lose all keeps its first."""
    lost = rng.random(vectors.shape) < share
    lost[lost.all(axis=1), 0] = False
    return np.where(lost, np.nan, vectors)


WAYS: Mapping[str, Lose] = {"at random": at_random, "completely at random": completely_at_random}


def _run(lose: Lose, share: float, size: Size, seed: int) -> Run:
    true, rng = truth.published("Iris1"), np.random.default_rng([seed, round(100 * share)])
    vectors, asked = (truth.draw(true, n, rng).vectors for n in (size.vectors, size.held_out))
    gappy = lose(vectors, share, rng)
    filled = np.where(np.isnan(gappy), np.nanmean(gappy, axis=0), gappy)
    complete = gappy[~np.isnan(gappy).any(axis=1)]
    models = [_fitted(learnt, len(true.weights), size.passes, seed) for learnt in (gappy, filled, complete)]
    best = truth.log_likelihood(true, asked)
    below = [(best - truth.log_likelihood(model, asked)) / len(asked) for model in models]
    bound, complete_bound = (information.gap(true, vectors, known) for known in (gappy, vectors[: len(complete)]))
    return Run(*below, bound, bound / complete_bound, _eigenvalue_off(models[0], true))


def _fitted(vectors: Matrix, components: int, passes: int, seed: int) -> Parameters:
    """After so many passes, or before one in which the likelihood fell."""
    model = StreamingGaussianMixture(components, max_iter=passes, tol=0, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(vectors)
    return truth.mixture(model.weights_ / model.weights_.sum(), model.means_, model.covariances_)


def _eigenvalue_off(found: Parameters, true: Parameters) -> float:
    """The largest relative error of an eigenvalue; each component beside the true one nearest to it."""
    distances = np.linalg.norm(found.means[:, None] - true.means[None], axis=2)
    found_values, values = (np.linalg.eigvalsh(model.covariances) for model in (found, true))
    return float(np.abs(found_values / values[distances.argmin(axis=1)] - 1).max())


def _judged(case: str, runs: list[Run], *, fair: bool) -> Iterator[Result]:
    below = "held-out log-likelihood below the true model's"
    ours = Result(case, f"{below}, median", "nats/vector", _median(runs, "ours"))
    for peer, field, share in (
        ("mean imputation", "mean_imputation", OF_MEAN),
        ("complete rows alone", "complete_rows", OF_COMPLETE),
    ):
        value = _median(runs, field)
        yield ours.against(peer, value).at_most(float(f"{share * value:.3g}"))
    yield ours.beside("the information bound", _median(runs, "bound"))
    if fair:
        yield Result(case, "information bound, of that of complete rows alone", "share", _median(runs, "of_complete"))
    yield Result(case, "eigenvalue off by, worst", "share", max(r.eigenvalue for r in runs)).at_most(EIGENVALUES)


def _median(runs: list[Run], field: str) -> float:
    return median(getattr(run, field) for run in runs)
