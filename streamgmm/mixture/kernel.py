"""The E-step and its statistics in one compiled pass, block by block.

Blocks are counted from the batch's start and added to the sums in order, so the same rows give the same bits, however
they were cut into calls: the rows of an unfinished block are carried to the next call, which loads them again in
front of its own.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import (
    BLOCK,
    Batch,
    Model,
    Output,
    Rows,
    diagonal_joint,
    empty_block,
    exponentiate_joint,
    full_joint,
    load,
    normalise,
    store,
    store_evidence,
)
from streamgmm.mixture.compiled import compiled
from streamgmm.mixture.moments import Sums, block_weight, diagonal_moments, full_moments


class Kernel(NamedTuple):
    """The passes for one shape of factor: (k, d, d) is of order 2, (k, d) of order 1."""

    order: int
    accumulate: Callable[[Model, Sums, Batch, Output], float]
    evidence: Callable[[Model, Batch, Array], None]

    def shape(self, components: int, features: int) -> tuple[int, ...]:
        """Of factors and of scatter."""
        return (components, *(features,) * self.order)


def accumulate(kernel: Kernel, model: Model, sums: Sums, batch: Batch) -> tuple[Sums, Output]:
    """The sums with the complete blocks added, and the output of the rows that are not carried."""
    output = Output(np.empty((len(batch.rows.weights), len(model.means))), np.empty(len(batch.rows.weights)))
    grown = sums._replace(mass=sums.mass.copy(), mean=sums.mean.copy(), scatter=sums.scatter.copy())
    weight = kernel.accumulate(model, grown, batch, output)
    grown = Sums(weight, frozen(grown.mass), frozen(grown.mean), frozen(grown.scatter))
    return grown, Output(frozen(output.responsibilities), frozen(output.log_likelihood))


def evidence(kernel: Kernel, model: Model, rows: Rows) -> Array:
    """log p of each row, (n,); no statistics."""
    log_likelihood = np.empty(len(rows.weights))
    kernel.evidence(model, Batch(Rows(rows.vectors[:0], rows.weights[:0]), rows, 0), log_likelihood)
    return frozen(log_likelihood)


@compiled
def _accumulate_full(model: Model, sums: Sums, batch: Batch, output: Output) -> float:
    """Score the rows into `output`; add complete blocks to the sums, in place. Returns the sums' weight."""
    block, weight, first = empty_block(model), sums.weight, len(batch.carried.weights)
    for start in range(0, first + len(batch.rows.weights), BLOCK):
        load(block, batch, start)
        for k in range(len(model.means)):
            full_joint(block, model, k)
        exponentiate_joint(block)
        normalise(block)
        store(block, output, start - first)
        if start < batch.complete:
            weight += block_weight(block)
            for k in range(len(model.means)):
                full_moments(block, model, sums, k)
    return weight


@compiled
def _accumulate_diagonal(model: Model, sums: Sums, batch: Batch, output: Output) -> float:
    """As `_accumulate_full`, where the factors are diagonal."""
    block, weight, first = empty_block(model), sums.weight, len(batch.carried.weights)
    for start in range(0, first + len(batch.rows.weights), BLOCK):
        load(block, batch, start)
        for k in range(len(model.means)):
            diagonal_joint(block, model, k)
        exponentiate_joint(block)
        normalise(block)
        store(block, output, start - first)
        if start < batch.complete:
            weight += block_weight(block)
            for k in range(len(model.means)):
                diagonal_moments(block, model, sums, k)
    return weight


@compiled
def _evidence_full(model: Model, batch: Batch, log_likelihood: Array) -> None:
    block = empty_block(model)
    for start in range(0, len(batch.rows.weights), BLOCK):
        load(block, batch, start)
        for k in range(len(model.means)):
            full_joint(block, model, k)
        exponentiate_joint(block)
        store_evidence(block, log_likelihood, start)


@compiled
def _evidence_diagonal(model: Model, batch: Batch, log_likelihood: Array) -> None:
    block = empty_block(model)
    for start in range(0, len(batch.rows.weights), BLOCK):
        load(block, batch, start)
        for k in range(len(model.means)):
            diagonal_joint(block, model, k)
        exponentiate_joint(block)
        store_evidence(block, log_likelihood, start)


FULL = Kernel(2, _accumulate_full, _evidence_full)
DIAGONAL = Kernel(1, _accumulate_diagonal, _evidence_diagonal)
