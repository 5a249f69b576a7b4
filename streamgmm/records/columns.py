"""Records as columns: byte strings as positions in a buffer, so that no record becomes a Python object on its way.

A fetch is `{partition: RecordColumns}`. The keys, values and headers of the columns are `Slices`: each names the
buffer that its bytes lie in, so that an output can take its keys from the input's buffer and its values from the
encoder's without a copy. Everything here is immutable: arrays are set read-only when a value is built.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Int64 = NDArray[np.int64]

NULL = -1  # the length of a byte string that is null


class Slices(NamedTuple):
    """n byte strings, each a place in one buffer; a length of -1 is null."""

    buffer: Bytes  # (b,)
    start: Int64  # (n,)
    length: Int64  # (n,)

    def __getitem__(self, i: int) -> bytes | None:  # type: ignore[override]
        """The i-th string as an object: for the rare record only."""
        raise NotImplementedError


class RecordColumns(NamedTuple):
    """n records of one partition in offset order.

    `position` is the reader's position after them: the next offset to read. It may lie beyond the last record's
    offset + 1, because transaction markers and compaction gaps count as passed, also when nothing else was passed
    (n = 0).
    """

    offsets: Int64  # (n,)
    timestamps: Int64  # (n,) milliseconds since the epoch
    keys: Slices
    values: Slices
    headers: Slices  # each the header bytes of a record batch v2, without the count before them
    header_counts: Int64  # (n,)
    position: int


class Record(NamedTuple):
    """One record as an object: where records are rare (a rejection, `tail`, a test)."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


# To be written with this file: frozen(array) -> array (sets read-only); slices_of(list of bytes|None) -> Slices;
# of_records(records, position) -> RecordColumns; records_of(columns) -> Iterator[Record]; empty(position);
# take(columns, rows) -> RecordColumns; concatenate(parts: Sequence[RecordColumns]) -> RecordColumns.
__all__ = ["NULL", "Bytes", "Int64", "Iterator", "Record", "RecordColumns", "Sequence", "Slices"]
