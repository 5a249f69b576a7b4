"""Vectors of which some features are missing (NaN), told from the complete ones and put beside them again.

Complete vectors go through the kernel in blocks as if there were no others; those with gaps go through passes of
their own, into sums of their own, one after the other in the order of arrival. So either kind gives the same bits
however the stream was cut, and complete vectors pay for the others with one look at their features.

Responsibilities and log p are those of the features that are known; log p under different patterns of missing
features are densities of different things and cannot be compared. A vector with no feature known has log p = 0 and
the weights as its responsibilities.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.mixture import kernel as dense
from streamgmm.mixture import threads
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import LARGEST, Model, Output, Rows
from streamgmm.mixture.compiled import compiled
from streamgmm.mixture.kernel import Kernel
from streamgmm.mixture.missing_diagonal import add_diagonal, evidence_diagonal, score_diagonal
from streamgmm.mixture.missing_full import Wave, add_full, evidence_full, score_full
from streamgmm.mixture.moments import Sums

Places = NDArray[np.intp]
_MOST_NUMBERS = 1 << 18  # in the deviations of a wave of rows
_LEAST_WORK = 300_000  # products that another thread is worth, about 100 us


class Passes(NamedTuple):
    """The passes for one shape of factor."""

    score: Callable[[Model, Wave, int, int], None]
    add: Callable[[Model, Sums, Wave, int, int], None]
    evidence: Callable[[Model, Rows, Array], None]


class Split(NamedTuple):
    """Rows by kind, and where they were."""

    complete: Rows
    incomplete: Rows
    of_complete: Places
    of_incomplete: Places


_BY_ORDER: Mapping[int, Passes] = {
    2: Passes(score_full, add_full, evidence_full),
    1: Passes(score_diagonal, add_diagonal, evidence_diagonal),
}


def split(rows: Rows) -> Split | None:
    """Complete and incomplete rows; None where all are complete."""
    if not _any_missing(rows.vectors.reshape(-1)):
        return None
    missing = np.isnan(rows.vectors).any(axis=1)
    places = np.flatnonzero(~missing), np.flatnonzero(missing)
    complete, incomplete = (Rows(frozen(rows.vectors[at]), frozen(rows.weights[at])) for at in places)
    return Split(complete, incomplete, *places)


def accumulate(kernel: Kernel, model: Model, sums: Sums, rows: Rows) -> tuple[Sums, Output]:
    """The sums with the incomplete rows added, and their output."""
    count, (components, features) = len(rows.weights), model.means.shape
    output = Output(np.empty((count, components)), np.empty(count))
    mass, mean, scatter = sums.mass.copy(), sums.mean.copy(), sums.scatter.copy()
    grown = Sums(_added(sums.weight, rows.weights), mass, mean, scatter)
    length = min(count, _MOST_NUMBERS // model.means.size + 1)
    deviations = np.empty((length, features, components))
    for first in range(0, count, length):
        at = slice(first, min(first + length, count))
        own, scores = Rows(*(each[at] for each in rows)), Output(*(each[at] for each in output))
        _pass_over(_BY_ORDER[kernel.order], model, grown, Wave(own, scores, deviations[: at.stop - first]))
    return Sums(grown.weight, frozen(mass), frozen(mean), frozen(scatter)), output


def _pass_over(passes: Passes, model: Model, sums: Sums, wave: Wave) -> None:
    """Score a wave of rows, some on each thread, then add them, some components on each thread."""
    work, count, components = model.factors.size + 8 * model.means.size, len(wave.deviations), len(model.means)
    threads.share(partial(passes.score, model, wave), count, _LEAST_WORK // work + 1)
    least = _LEAST_WORK * components // (work * count) + 1
    threads.share(partial(passes.add, model, sums, wave), components, least)


def together(parts: Split, complete: Output, incomplete: Output) -> Output:
    """The output of both kinds in the rows' order."""
    count = len(parts.of_complete) + len(parts.of_incomplete)
    output = Output(np.empty((count, complete.responsibilities.shape[1])), np.empty(count))
    for whole, one, other in zip(output, complete, incomplete, strict=True):
        whole[parts.of_complete], whole[parts.of_incomplete] = one, other
    return Output(frozen(output.responsibilities), frozen(output.log_likelihood))


def evidence(kernel: Kernel, model: Model, rows: Rows) -> Array:
    """log p of what is known of each row, (n,); no statistics."""
    parts = split(rows)
    if parts is None:
        return dense.evidence(kernel, model, rows)
    log_likelihood, of_incomplete = np.empty(len(rows.weights)), np.empty(len(parts.of_incomplete))
    _BY_ORDER[kernel.order].evidence(model, parts.incomplete, of_incomplete)
    log_likelihood[parts.of_complete] = dense.evidence(kernel, model, parts.complete)
    log_likelihood[parts.of_incomplete] = of_incomplete
    return frozen(log_likelihood)


@compiled
def _any_missing(values: Array) -> bool:
    count = 0
    for value in values:
        count += value != value  # noqa: PLR0124 - what NaN is
    return count > 0


@compiled
def _added(before: float, weights: Array) -> float:
    """`before` plus the weights, one after the other: the same bits however they were cut."""
    total = before
    for weight in weights:
        total += min(weight, LARGEST)
    return total
