"""Assignments in msgpack, in compiled code: constant keys and written numbers, record after record into one buffer."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamgmm.records.assigned import Assignments
from streamgmm.records.columns import Bytes, Int64, Slices, frozen, normal_array, normal_slices, slices_of
from streamgmm.records.compiled import compiled, copy
from streamgmm.records.msgpack_writer import write_array_head, write_float64, write_int

_KEYS = ("component", "responsibilities", "log_likelihood", "outlier", "model")
_NUMBERS = 9 + 9 + 1  # bytes of a vector's component, log-likelihood and outlier at most
_HEADS = 4 * 5 + 9  # bytes of a record's array heads and model at most


def encode(assignments: Assignments, single: NDArray[np.bool_], shares: Slices) -> Slices:
    """One value a record; `shares` are the vectors' responsibilities in msgpack, all of length 0 to leave them out."""
    published = bool(shares.length.any())
    texts = _texts(assignments, published=published)
    counts = assignments.counts
    size = counts.size * (int(texts.length.sum()) + _HEADS) + len(assignments.component) * _NUMBERS
    out = np.empty(size + int(shares.length.sum()), np.uint8)
    length = np.empty(counts.size, np.int64)
    numbers = (
        normal_array(assignments.component),
        normal_array(assignments.log_likelihood),
        normal_array(assignments.outlier),
        normal_array(assignments.model),
    )
    used = _encode(numbers, normal_array(counts), normal_array(single), normal_slices(shares), texts, out, length)
    return Slices(frozen(out[:used]), frozen(np.cumsum(length) - length), frozen(length))


def _texts(assignments: Assignments, *, published: bool) -> Slices:
    """What every record has in common: the keys, and what is the same for all behind the model's number."""
    pack = msgspec.msgpack.encode
    keys = [pack(key) if published or key != "responsibilities" else b"" for key in _KEYS]
    last = {"generation": int(assignments.generation), "ids_version": int(assignments.ids_version)}
    entries = len(_KEYS) + len(last) - (not published)
    return slices_of([bytes([0x80 | entries]) + keys[0], *keys[1:], pack(last)[1:]])


@compiled
def _encode(
    numbers: tuple[Int64, NDArray[np.float64], NDArray[np.int8], Int64],
    counts: Int64,
    single: NDArray[np.bool_],
    shares: Slices,
    texts: Slices,
    out: Bytes,
    length: Int64,
) -> int:
    component, log_likelihood, outlier, model = numbers
    at, first = 0, 0
    for i in range(counts.size):
        start, behind = at, first + counts[i]
        at = _text(out, at, texts, 0)
        at = at if single[i] else write_array_head(out, at, counts[i])
        for row in range(first, behind):
            at = write_int(out, at, component[row])
        if texts.length[1]:
            at = _text(out, at, texts, 1)
            at = at if single[i] else write_array_head(out, at, counts[i])
            for row in range(first, behind):
                at = copy(out, at, shares.buffer, shares.start[row], shares.length[row])
        at = _text(out, at, texts, 2)
        at = at if single[i] else write_array_head(out, at, counts[i])
        for row in range(first, behind):
            at = write_float64(out, at, log_likelihood[row])
        at = _text(out, at, texts, 3)
        at = at if single[i] else write_array_head(out, at, counts[i])
        for row in range(first, behind):
            out[at] = 0xC0 if outlier[row] < 0 else 0xC2 + outlier[row]
            at += 1
        at = write_int(out, _text(out, at, texts, 4), model[i])
        at = _text(out, at, texts, 5)
        length[i], first = at - start, behind
    return at


@compiled
def _text(out: Bytes, at: int, texts: Slices, which: int) -> int:
    return copy(out, at, texts.buffer, texts.start[which], texts.length[which])
