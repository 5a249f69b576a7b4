"""Patterns of missing features, each with the model as those vectors see it: made once for a model, in a bounded table.

Seen through a pattern, the model is one of the known features alone, and there it is scored as any other: the factors
of a pattern stand where the model's stand, with zeros for the features that are missing. Beside it the table keeps how
what is missing is filled in (`filling`).
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.mixture.arrays import Array, Flags
from streamgmm.mixture.block import BLOCK, Model
from streamgmm.mixture.compiled import inlined, part
from streamgmm.mixture.filling import Filling

LOG_2_PI = math.log(2 * math.pi)
_MOST_PATTERNS = 512  # kept at once
_MOST_NUMBERS = 1 << 23  # in what is kept of them
_PROBES = 8  # places in the table where a pattern may be


class Patterns(NamedTuple):
    """A table of s patterns. Features that fill up are in `factors` and `filling`, zero, and nowhere else."""

    used: NDArray[np.int64]  # (s,) the last run that used it, counted from 1; 0: an empty place; -1: in another call
    missing: Flags  # (s, d)
    order: NDArray[np.int64]  # (s, d) known features, then missing ones
    known: NDArray[np.int64]  # (s,) how many are known
    constants: Array  # (s, k) as `Model.constants`
    factors: Array  # (s, ...) as `Model.factors`
    filling: Array  # (s, ...) as `Filling.by`


class Seen(NamedTuple):
    """A model as vectors see it that miss features."""

    model: Model  # padded
    mixture: Any  # what a pattern is made of
    patterns: Patterns


def empty_patterns(model: Model, features: int) -> Patterns:
    """A table for patterns of the features of a model, which may be padded. Memory comes with what is entered."""
    slots = max(1, min(_MOST_PATTERNS, _MOST_NUMBERS // (2 * model.factors.size)))
    return Patterns(
        np.zeros(slots, np.int64),
        np.empty((slots, features), np.bool_),
        np.empty((slots, features), np.int64),
        np.empty(slots, np.int64),
        np.empty((slots, len(model.constants))),
        np.empty((slots, *model.factors.shape)),
        np.empty((slots, *model.factors.shape)),
    )


@part
def filling_by(patterns: Patterns) -> Filling:
    """How a block's vectors are filled in, whose patterns are all in the table; their groups are still to be named."""
    named = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    return Filling(patterns.order, patterns.known, patterns.filling, named[0], named[1])


@inlined
def find(patterns: Patterns, vectors: Array, n: int, run: int) -> tuple[int, bool]:
    """The place of the pattern of vector n in the table, and whether it is still to be made there.

    It keeps its place to the end of the run.
    """
    slots, probes = len(patterns.used), 1
    place = int(np.int64(key_of(vectors, n) % np.uint64(slots)))
    while probes < _PROBES and patterns.used[place] and not _is_of(vectors, n, patterns.missing[place]):
        place = (place + 1) % slots
        probes += 1
    new = bool(patterns.used[place] == 0) or not _is_of(vectors, n, patterns.missing[place])
    while new and patterns.used[place] == run:
        place = (place + 1) % slots
    patterns.used[place] = run
    return place, new


@part
def enter(patterns: Patterns, place: int, vectors: Array, n: int) -> None:
    """Put the pattern of vector n into its place: which features are missing, the known ones first."""
    order, known = patterns.order[place], 0
    for i in range(len(order)):
        patterns.missing[place, i] = math.isnan(vectors[n, i])
        if not patterns.missing[place, i]:
            order[known] = i
            known += 1
    patterns.known[place] = last = known
    for i in range(len(order)):
        if patterns.missing[place, i]:
            order[last] = i
            last += 1


@inlined
def key_of(vectors: Array, n: int) -> np.uint64:
    """A number for the pattern of vector n, by the hash of Fowler, Noll and Vo; others may share it."""
    key = np.uint64(14695981039346656037)
    for i in range(vectors.shape[1]):
        key = (key ^ np.uint64(1 if math.isnan(vectors[n, i]) else 2)) * np.uint64(1099511628211)
    return key ^ (key >> np.uint64(32))


@inlined
def is_like(vectors: Array, one: int, other: int) -> bool:
    """Whether two vectors miss the same features."""
    different = 0
    for i in range(vectors.shape[1]):
        different += math.isnan(vectors[one, i]) != math.isnan(vectors[other, i])
    return different == 0


@inlined
def _is_of(vectors: Array, n: int, missing: Flags) -> bool:
    different = 0
    for i in range(vectors.shape[1]):
        different += math.isnan(vectors[n, i]) != missing[i]
    return different == 0
