"""Assignments to values of output records: `encoder(settings.output)` chooses the format once.

A value is a map with, in this order: `component` (id of the most probable), `responsibilities` (in the order of the
model topic's ids), `log_likelihood` (nats), `outlier` (null without a reference), `model`, `generation`, `ids_version`.
For a record that carried several vectors the first four are arrays, one entry a vector. In msgpack responsibilities are
float32, which halves the output, and log-likelihoods float64; JSON writes both in full.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamgmm.records.assigned import Assignments, Encoder
from streamgmm.records.columns import Slices, slices_of
from streamgmm.records.msgpack_assignments import encode
from streamgmm.records.shares import AllShares, NoShares, Shares, TopShares
from streamgmm.settings import Output

__all__ = ["Assignments", "Encoder", "encoder"]


class MsgpackEncoder(NamedTuple):
    """In compiled code, all records at once."""

    shares: Shares

    def encode(self, assignments: Assignments, single: NDArray[np.bool_] | None) -> Slices:
        """See Encoder."""
        plain = _plain(assignments, single)
        packed = self.shares.pack(assignments.responsibilities, assignments.ids)
        return encode(assignments, plain, packed)


class JsonEncoder(NamedTuple):
    """By msgspec, record by record. A number that JSON cannot hold (an infinite log-likelihood) is null."""

    shares: Shares

    def encode(self, assignments: Assignments, single: NDArray[np.bool_] | None) -> Slices:
        """See Encoder."""
        plain = _plain(assignments, single).tolist()
        columns: dict[str, list[Any]] = {
            "component": assignments.component.tolist(),
            "responsibilities": self.shares.objects(assignments.responsibilities, assignments.ids),
            "log_likelihood": assignments.log_likelihood.tolist(),
            "outlier": [_OUTLIER[flag] for flag in assignments.outlier.tolist()],
        }
        columns = {name: column for name, column in columns.items() if column or not len(assignments.component)}
        last = {"generation": int(assignments.generation), "ids_version": int(assignments.ids_version)}
        values: list[bytes | None] = []
        at = 0
        for one, count, model in zip(plain, assignments.counts.tolist(), assignments.model.tolist(), strict=True):
            first = {name: column[at] if one else column[at : at + count] for name, column in columns.items()}
            values.append(msgspec.json.encode(first | {"model": model} | last))
            at += count
        return slices_of(values)


_OUTLIER = {-1: None, 0: False, 1: True}
_FORMATS: Mapping[str, Callable[[Shares], Encoder]] = {"msgpack": MsgpackEncoder, "json": JsonEncoder}
_SHARES: Mapping[str, Shares] = {"all": AllShares(), "none": NoShares()}


def encoder(settings: Output) -> Encoder:
    """The encoder for `output.format` and `output.responsibilities`."""
    chosen = settings.responsibilities
    return _FORMATS[settings.format](TopShares(chosen) if isinstance(chosen, int) else _SHARES[chosen])


def _plain(assignments: Assignments, single: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    return np.ones(assignments.counts.size, np.bool_) if single is None else single
