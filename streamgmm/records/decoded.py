"""What decoding gives: one matrix of vectors for all records that hold some, and a reason for each that does not.

A record is accepted or rejected whole. Every reason is in `REASONS`; the first that applies, in that order, is given.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from streamgmm.records.columns import Int64, RecordColumns

Float64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

MOST_WEIGHT = 1e9  # time is weight: one vector above it would end all learning

REASONS: Mapping[str, str] = {
    "empty": "The value is null or has no bytes.",
    "undecodable": "The value is not msgpack, not JSON, or nested too deep.",
    "wrong_type": "A number, an array or a map was wanted and something else found; true and false are no numbers.",
    "no_vectors": "The array or the bytes that hold the vectors are empty.",
    "wrong_dimension": "A vector has another number of features than the model.",
    "not_finite": "A number is infinite, or too large for 64 bits.",
    "all_missing": "Every feature of a vector is missing: null, NaN or an absent field.",
    "bad_weight": "The weight is null or no number, negative, above 1e9, NaN, or not one for each vector.",
    "bad_event_time": "The event time is absent, null, no number and no ISO 8601 text, or beyond the years 1 to 9999.",
    "transform_domain": "A feature's transform is not defined for its value, as log for 0.",
}


class Rejection(NamedTuple):
    """Why a record was not accepted."""

    record: int  # its row in the columns
    reason: str  # a key of REASONS
    message: str  # says what was found and what was wanted


class Vectors(NamedTuple):
    """The vectors of r accepted records, record after record, in the columns' order."""

    matrix: Float64  # (n, d), C-contiguous; NaN where a feature is missing, never in a whole row
    weights: Float64  # (n,)
    counts: Int64  # (r,) vectors in each accepted record
    accepted: Int64  # (r,) their rows in the columns
    nested: Mask  # (r,) the record was an array of arrays, or raw rows more than one: its assignment is arrays too
    rejected: tuple[Rejection, ...]  # in row order


class Decoder(Protocol):
    """Reads vectors from the values of records."""

    def decode(self, columns: RecordColumns, n_features: int | None) -> Vectors:
        """The vectors of all records; n_features None takes the first acceptable record's."""


class Rows(NamedTuple):
    """The vectors of one record."""

    matrix: Float64  # (n, d)
    weights: Float64  # (n,)
    nested: bool


def usable(matrix: Float64) -> Mask:
    """The rows (n,) of (n, d) that can be learnt from: no number is infinite, and not all are missing."""
    finite = np.isfinite(matrix)
    if finite.all():
        return np.ones(len(matrix), np.bool_)
    return np.asarray(finite.any(axis=1) & ~np.isinf(matrix).any(axis=1))


class Rejected(Exception):
    """Raised while one record is decoded: why it is not accepted."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason, self.message = reason, message
        super().__init__(f"{reason}: {message}")
