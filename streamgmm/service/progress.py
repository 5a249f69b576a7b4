"""Progress records: what a large model writes with each transaction in place of its checkpoint.

A checkpoint above `delivery.checkpoint_bytes` is written every `delivery.checkpoint_interval`. In between a progress
record says which offsets were learnt since, in their order. A restore learns these again (`relearn`) and must come to
the same model, which a checksum of it proves.
"""

import zlib
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from streamgmm.engine.values import Array, Live, Range, State, Totals
from streamgmm.errors import StateLost
from streamgmm.service.plain import from_plain, to_plain


class Progress(NamedTuple):
    """One record, of one transaction. Its key is `<model>/progress/<number>`."""

    checkpoint: str  # id of the checkpoint that this goes on from
    number: int  # 0 after each checkpoint
    learnt: tuple[Range, ...]  # since the last record, in the order learnt
    totals: Totals  # after these
    checksum: int  # of the model after these


def encode(progress: Progress) -> bytes:
    """The record's value."""
    return msgspec.msgpack.encode(to_plain(progress))


def decode(value: bytes, where: str) -> Progress:
    """Progress from a record's value. Raises StateLost, naming `where`, if it is none."""
    try:
        progress: Progress = from_plain(Progress, msgspec.msgpack.decode(value))
    except (ValueError, TypeError, msgspec.DecodeError) as error:
        raise StateLost(f"{where} is no progress record: {error}") from error
    return progress


def checksum(state: State) -> int:
    """CRC-32 of what every vector leaves a trace in: weights, means, and all of the batch that is not complete."""
    if not isinstance(state.model, Live):
        return 0
    mixture = state.model.mixture
    parameters = mixture.parameters
    crc = zlib.crc32(f"{mixture.steps} {mixture.time!r} {state.model.filled}".encode())
    for leaf in (parameters.weights, parameters.means, *_leaves(mixture.pending)):
        crc = zlib.crc32(np.ascontiguousarray(leaf).data, crc)
    return crc


def _leaves(value: object) -> Iterator[Array]:
    """The arrays and numbers of a nested value. Not a scatter (k, d, d): it is large, and moves with its mean."""
    if isinstance(value, tuple):
        for part in value:
            yield from _leaves(part)
    elif value is not None and np.ndim(leaf := np.asarray(value)) < 3:
        yield leaf
