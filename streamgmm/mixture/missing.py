"""Vectors of which some features are missing (NaN), told from the complete ones and put beside them again.

Complete vectors go through the kernel in blocks as if there were no others; those with gaps go in blocks of their own,
into sums of their own. So either kind gives the same bits however the stream was cut, and complete vectors pay for the
others with one look at their features.

Responsibilities and log p are those of the features that are known; log p under different patterns of missing
features are densities of different things and cannot be compared. A vector with no feature known has log p = 0 and
the weights as its responsibilities.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.mixture import kernel as dense
from streamgmm.mixture.arrays import Array, Flags, sealed
from streamgmm.mixture.block import Batch, Model, Output, Rows
from streamgmm.mixture.compiled import compiled, part
from streamgmm.mixture.kernel import Kernel
from streamgmm.mixture.missing_diagonal import mixture_diagonal, scan_diagonal
from streamgmm.mixture.missing_full import mixture_full, scan_full
from streamgmm.mixture.moments import Moments, Sums
from streamgmm.mixture.patterns import Seen
from streamgmm.mixture.pieces import empty_output, pieces
from streamgmm.mixture.prepared import borrow, prepared

Places = NDArray[np.intp]


class Passes(NamedTuple):
    """The passes for one shape of factor."""

    mixture: Callable[[Model, int], Any]
    scan: Callable[[Any, Batch, Output, Moments, int, int, int], None]


class Split(NamedTuple):
    """Rows by kind, and where they were."""

    complete: Rows
    incomplete: Rows
    of_complete: Places
    of_incomplete: Places


_BY_ORDER: Mapping[int, Passes] = {
    2: Passes(mixture_full, scan_full),
    1: Passes(mixture_diagonal, scan_diagonal),
}


def split(rows: Rows) -> Split | None:
    """Complete and incomplete rows; None where all are complete."""
    if not any_missing(rows.vectors):
        return None
    complete, incomplete, *places = _split(rows)
    return Split(Rows(*map(sealed, complete)), Rows(*map(sealed, incomplete)), *places)


def accumulate(kernel: Kernel, model: Model, sums: Sums, batch: Batch, output: Output) -> Sums:
    """As `kernel.accumulate`, for rows that all have gaps."""
    passes = _BY_ORDER[kernel.order]
    kept = prepared(model, passes.mixture)

    def scan(batch: Batch, output: Output, moments: Moments, wave: int, first: int, last: int) -> None:
        table = borrow(kept)
        passes.scan(Seen(kept.model, kept.mixture, table), batch, output, moments, wave, first, last)
        kept.tables.append(table)

    return dense.in_waves(kernel, kept.model, sums, batch, scan, output)


def put_together(parts: Split, complete: Output, incomplete: Output, output: Output) -> None:
    """Put out what is known of both kinds, in the rows' order."""
    _put(output, complete, parts.of_complete)
    _put(output, incomplete, parts.of_incomplete)


def scores(kernel: Kernel, model: Model, rows: Rows) -> Output:
    """What is known of each row, whatever its weight; no statistics."""
    output = empty_output(rows, len(model.means))
    for piece, place in pieces(rows, output):
        _score(kernel, model, piece, place)
    return Output(*map(sealed, output))


def evidence(kernel: Kernel, model: Model, rows: Rows) -> Array:
    """log p of what is known of each row, (n,); no statistics."""
    output = empty_output(rows, 0)
    for piece, place in pieces(rows, output):
        _evidence(kernel, model, piece, place.log_likelihood)
    return sealed(output.log_likelihood)


def _score(kernel: Kernel, model: Model, rows: Rows, output: Output) -> None:
    parts = split(rows)
    if parts is None:
        dense.accumulate(kernel, model, kernel.no_sums(*model.means.shape), _alone(rows), output)
        return
    both = empty_output(parts.complete, len(model.means)), _score_incomplete(kernel, model, parts.incomplete)
    _score(kernel, model, parts.complete, both[0])
    put_together(parts, *both, output)


def _evidence(kernel: Kernel, model: Model, rows: Rows, log_likelihood: Array) -> None:
    parts = split(rows)
    if parts is None:
        dense.evidence(kernel, model, rows, log_likelihood)
        return
    complete = np.empty(len(parts.of_complete))
    dense.evidence(kernel, model, parts.complete, complete)
    log_likelihood[parts.of_complete] = complete
    log_likelihood[parts.of_incomplete] = _score_incomplete(kernel, model, parts.incomplete).log_likelihood


def _score_incomplete(kernel: Kernel, model: Model, rows: Rows) -> Output:
    output = empty_output(rows, len(model.means))
    accumulate(kernel, model, kernel.no_sums(*model.means.shape), _alone(rows), output)
    return output


def _alone(rows: Rows) -> Batch:
    """Rows that are only scored."""
    return Batch(Rows(rows.vectors[:0], rows.weights[:0]), rows, complete=0)


def any_missing(vectors: Array) -> bool:
    """Whether a matrix as `frozen` gives it has a missing feature."""
    return _any_missing(vectors.reshape(-1))


@compiled
def _any_missing(values: Array) -> bool:
    count = 0
    for n in range(len(values)):
        count += values[n] != values[n]
    return count > 0


@compiled
def _split(rows: Rows) -> Split:
    missing = np.zeros(len(rows.weights), np.bool_)
    for n in range(len(missing)):
        for i in range(rows.vectors.shape[1]):
            missing[n] |= math.isnan(rows.vectors[n, i])
    complete, of_complete = _those(rows, missing, False)
    incomplete, of_incomplete = _those(rows, missing, True)
    return Split(complete, incomplete, of_complete, of_incomplete)


@part
def _those(rows: Rows, missing: Flags, of: bool) -> tuple[Rows, Places]:
    """Copies of the rows whose flag is as asked for, and where they are."""
    count = 0
    for flag in missing:
        count += flag == of
    vectors, weights, places = np.empty((count, rows.vectors.shape[1])), np.empty(count), np.empty(count, np.intp)
    place = 0
    for n in range(len(missing)):
        if missing[n] == of:
            places[place], weights[place] = n, rows.weights[n]
            for i in range(vectors.shape[1]):
                vectors[place, i] = rows.vectors[n, i]
            place += 1
    return Rows(vectors, weights), places


@compiled
def _put(output: Output, of_some: Output, places: Places) -> None:
    for n in range(len(places)):
        output.log_likelihood[places[n]] = of_some.log_likelihood[n]
        for k in range(output.responsibilities.shape[1]):
            output.responsibilities[places[n], k] = of_some.responsibilities[n, k]
