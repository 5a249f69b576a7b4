"""A walk over consecutive record batches in compiled code: what their headers say, and where their records lie.

`scan` reads the headers of the batches that a fetch brought, `locate_all` finds the records of many batches at once, so
that small batches cost little more than large ones. Neither trusts a number before it has been checked against the end
of the bytes, and neither reads behind it.
"""

import numpy as np

from streamgmm.records import record_parser
from streamgmm.records.columns import Bytes, Int64
from streamgmm.records.compiled import compiled, unsigned

HEADER_SIZE = 61
FIELDS = 11  # columns of what `scan` fills, in this order
START, END, BASE, POSITION, ATTRIBUTES, COUNT, LAST_DELTA, FIRST_TIME, MAX_TIME, PRODUCER, CRC = range(FIELDS)

FAULTS = (
    "",
    "its length is impossible",
    "it is of an old message format",
    "its header contradicts itself",
    "it does not follow the batch before it",
    "it is longer than all that there is of it",  # by who knows that it is there whole: `scan` cannot tell
)
OK, LENGTH, OLD, HEADER, ORDER, CUT = range(len(FAULTS))

SECTION = 7  # columns of what `locate_all` is given: start, end, records, last offset delta, base offset, base time,
# and 1 where the records' times are relative to it, 0 where it holds for all
_FRAME = 12  # bytes of base offset and length
_MAGIC = 16  # place of the version
_LARGEST = 2**63 - 1


@compiled
def frames(data: Bytes) -> int:
    """How many batches begin in the bytes, at most."""
    at, found = 0, 0
    while data.size - at > _MAGIC:
        length = _signed(data, at + 8, 4)
        if length <= 0:
            return found + 1
        at += _FRAME + length
        found += 1
    return found


@compiled
def scan(data: Bytes, out: Int64) -> tuple[int, int, int]:
    """Fills `out` (frames, FIELDS) with the headers of the complete batches; a last one that is cut short is left out.

    Returns (batches, place behind them, fault): an index into FAULTS, of the batch at that place; OK where there is
    none.
    """
    at, found, previous = 0, 0, 0
    while data.size - at > _MAGIC:
        length = _signed(data, at + 8, 4)
        end = at + _FRAME + length
        if length <= _MAGIC - _FRAME:
            return found, at, LENGTH
        if end > data.size:
            break
        if data[at + _MAGIC] != 2:
            return found, at, OLD
        if end - at < HEADER_SIZE:
            return found, at, LENGTH
        base, last, count = _signed(data, at, 8), _signed(data, at + 23, 4), _signed(data, at + 57, 4)
        if base < 0 or last < 0 or count < 0 or base > _LARGEST - last - 1:
            return found, at, HEADER
        if base < previous:
            return found, at, ORDER
        previous = base + last + 1
        out[found, START], out[found, END], out[found, BASE], out[found, POSITION] = at, end, base, previous
        out[found, ATTRIBUTES], out[found, COUNT], out[found, LAST_DELTA] = _signed(data, at + 21, 2), count, last
        out[found, FIRST_TIME], out[found, MAX_TIME] = _signed(data, at + 27, 8), _signed(data, at + 35, 8)
        out[found, PRODUCER], out[found, CRC] = _signed(data, at + 43, 8), unsigned(data, at + 17, 4)
        at = end
        found += 1
    return found, at, OK


@compiled
def locate_all(data: Bytes, sections: Int64, out: Int64) -> tuple[int, int, int]:
    """Fills `out` (record_parser.FIELDS, n) with the n records of all sections, offsets and times absolute.

    Returns (fault, section, record): an index into record_parser.FAULTS; 0 where all is well.
    """
    first = 0
    for i in range(sections.shape[0]):
        at, end, count, last_delta = sections[i, 0], sections[i, 1], sections[i, 2], sections[i, 3]
        fault, row = record_parser.locate(data, at, end, last_delta, out, first, count)
        if fault:
            return fault, i, row
        for row in range(first, first + count):
            out[record_parser.OFFSET, row] += sections[i, 4]
            out[record_parser.TIMESTAMP, row] = sections[i, 5] + sections[i, 6] * out[record_parser.TIMESTAMP, row]
        first += count
    return 0, 0, 0


@compiled
def _signed(data: Bytes, at: int, size: int) -> int:
    """A number of `size` bytes in two's complement, the highest first."""
    shift = np.int64(64 - 8 * size)
    signed: int = (np.int64(unsigned(data, at, size)) << shift) >> shift  # type: ignore[assignment]
    return signed
