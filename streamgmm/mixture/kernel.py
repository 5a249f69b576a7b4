"""The E-step and its statistics in one compiled pass, block by block, on several threads.

Blocks are counted from the batch's start. Each is worked on by itself, by any thread; their moments are then added to
the sums in the blocks' order. So the same rows give the same bits, whatever the number of threads, and however they
were cut into calls: the rows of an unfinished block are carried to the next call, which loads them again in front of
its own. Blocks go in waves, so that the memory for their moments is bounded.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from streamgmm.mixture import threads
from streamgmm.mixture.arrays import Array, frozen, sealed
from streamgmm.mixture.block import BLOCK, Batch, Model, Output, Rows, empty_block, load, load_new, padded
from streamgmm.mixture.compiled import compiled
from streamgmm.mixture.density import (
    diagonal_joint,
    full_joint,
    log_evidence,
    responsibilities,
    store,
    store_evidence,
)
from streamgmm.mixture.filling import nothing_to_fill
from streamgmm.mixture.moments import Moments, Sums, add_diagonal, add_full, diagonal_moments, full_moments

_MOST_BLOCKS = 256  # of a thread in a wave
_MOST_NUMBERS = 1 << 17  # in their moments, unless two blocks need more
_LEAST_WORK = 2_000_000  # products that another thread is worth, about 100 us

Scan = Callable[[Batch, Output, Moments, int, int, int], None]  # blocks of a wave from the one to the other


class Kernel(NamedTuple):
    """The passes for one shape of factor: (k, d, d) is of order 2, (k, d) of order 1."""

    order: int
    scan: Callable[[Model, Batch, Output, Moments, int, int, int], None]
    add: Callable[[Array, Sums, Moments, int, int, int], None]
    evidence: Callable[[Model, Rows, Array, int, int], None]

    def shape(self, components: int, features: int) -> tuple[int, ...]:
        """Of factors and of scatter."""
        return (components, *(features,) * self.order)

    def no_sums(self, components: int, features: int) -> Sums:
        """Sums over nothing."""
        return _no_sums(components, features, self.shape(components, features))


@lru_cache(maxsize=64)  # a value like any other, asked for with each pass that only scores
def _no_sums(components: int, features: int, scatter: tuple[int, ...]) -> Sums:
    return Sums(0.0, *(frozen(np.zeros(shape)) for shape in ((components,), (components, features), scatter)))


def accumulate(kernel: Kernel, model: Model, sums: Sums, batch: Batch, output: Output) -> Sums:
    """The sums with the complete blocks added; what becomes known of the rows that are not carried is put out."""
    model = padded(model)
    return in_waves(kernel, model, sums, batch, partial(kernel.scan, model), output)


def in_waves(kernel: Kernel, model: Model, sums: Sums, batch: Batch, scan: Scan, output: Output) -> Sums:
    """As `accumulate`, for a padded model and a scan of its own."""
    complete = batch.complete // BLOCK
    blocks = (len(batch.carried.weights) + len(batch.rows.weights) + BLOCK - 1) // BLOCK
    wave, least = _wave(model), _least_blocks(model)
    moments, grown = _empty_moments(kernel, model, min(wave, complete)), _grown(sums, complete)
    for first in range(0, blocks, wave):
        threads.share(partial(scan, batch, output, moments, first), min(wave, blocks - first), least)
        if first < complete:
            grown = _add(kernel, model, grown, moments, min(wave, complete - first))
    if complete:
        grown = Sums(grown.weight, sealed(grown.mass), sealed(grown.mean), sealed(grown.scatter))
    return grown


def evidence(kernel: Kernel, model: Model, rows: Rows, log_likelihood: Array) -> None:
    """Put out log p of each row, (n,); no statistics."""
    model, blocks = padded(model), (len(log_likelihood) + BLOCK - 1) // BLOCK
    threads.share(partial(kernel.evidence, model, rows, log_likelihood), blocks, _least_blocks(model))


def _grown(sums: Sums, blocks: int) -> Sums:
    """Sums that blocks may be added to."""
    if not blocks:
        return sums
    return sums._replace(mass=sums.mass.copy(), mean=sums.mean.copy(), scatter=sums.scatter.copy())


def _add(kernel: Kernel, model: Model, sums: Sums, moments: Moments, slots: int) -> Sums:
    """Add the first blocks of a wave to the sums, in order and in place."""
    least = _LEAST_WORK // (4 * slots * sums.scatter[0].size) + 1
    threads.share(partial(kernel.add, model.means, sums, moments, slots), len(model.means), least)
    weight = sums.weight
    for of_block in moments.weight[:slots].tolist():
        weight += of_block
    return sums._replace(weight=weight)


def _wave(model: Model) -> int:
    """Blocks in a wave."""
    numbers = model.means.size + model.factors.size
    return threads.count() * max(2, min(_MOST_BLOCKS, _MOST_NUMBERS // numbers))


def _least_blocks(model: Model) -> int:
    """How many blocks another thread is worth."""
    return _LEAST_WORK // (BLOCK * (model.factors.size + 8 * model.means.size + 16 * len(model.means))) + 1


def alone(model: Model, rows: int) -> bool:
    """Whether one thread scans so many rows in one wave: another is not there, or not worth it."""
    blocks = -(-rows // BLOCK)
    return blocks <= _wave(model) and (threads.count() == 1 or blocks < 2 * _least_blocks(model))


def _empty_moments(kernel: Kernel, model: Model, slots: int) -> Moments:
    components, features = model.means.shape
    return Moments(
        np.empty(slots),
        np.empty((slots, components)),
        np.empty((slots, components, features)),
        np.empty((slots, *kernel.shape(components, features))),
    )


@compiled
def scan_full(model: Model, batch: Batch, output: Output, moments: Moments, wave: int, first: int, last: int) -> None:
    """Score the blocks from `first` to `last` of the wave that begins at block `wave`; moments of complete ones."""
    block, carried, filling = empty_block(model), len(batch.carried.weights), nothing_to_fill(np.empty((0, 0, 0, 0)))
    for slot in range(first, last):
        start = (wave + slot) * BLOCK
        steps, whole = load(block, batch, start), start < batch.complete
        full_joint(block, model, steps)
        responsibilities(block, steps)
        store(block, output, max(carried - start, 0) if whole else 0, max(start - carried, 0))
        if whole:
            full_moments(block, model.means, filling, 0, moments, slot, steps)


@compiled
def scan_diagonal(
    model: Model, batch: Batch, output: Output, moments: Moments, wave: int, first: int, last: int
) -> None:
    """As `scan_full`, where the factors are diagonal."""
    block, carried, filling = empty_block(model), len(batch.carried.weights), nothing_to_fill(np.empty((0, 0, 0)))
    for slot in range(first, last):
        start = (wave + slot) * BLOCK
        steps, whole = load(block, batch, start), start < batch.complete
        diagonal_joint(block, model, steps)
        responsibilities(block, steps)
        store(block, output, max(carried - start, 0) if whole else 0, max(start - carried, 0))
        if whole:
            diagonal_moments(block, model.means, filling, 0, moments, slot, steps)


@compiled
def _evidence_full(model: Model, rows: Rows, log_likelihood: Array, first: int, last: int) -> None:
    block = empty_block(model)
    for start in range(first * BLOCK, last * BLOCK, BLOCK):
        steps = load_new(block, rows, start)
        full_joint(block, model, steps)
        log_evidence(block, steps)
        store_evidence(block, log_likelihood, start)


@compiled
def _evidence_diagonal(model: Model, rows: Rows, log_likelihood: Array, first: int, last: int) -> None:
    block = empty_block(model)
    for start in range(first * BLOCK, last * BLOCK, BLOCK):
        steps = load_new(block, rows, start)
        diagonal_joint(block, model, steps)
        log_evidence(block, steps)
        store_evidence(block, log_likelihood, start)


FULL = Kernel(2, scan_full, add_full, _evidence_full)
DIAGONAL = Kernel(1, scan_diagonal, add_diagonal, _evidence_diagonal)
