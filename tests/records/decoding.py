"""What the tests of decoding share: decoders by a line of settings, and records from Python values."""

import json
import struct

import msgpack
import numpy as np

from streamgmm.records.columns import Record, of_records
from streamgmm.records.decoded import usable
from streamgmm.records.vectors import decoder
from streamgmm.settings import Input

PACK = {"msgpack": msgpack.packb, "json": lambda value: json.dumps(value).encode()}


def decoder_of(**settings):
    return decoder(Input.model_validate({"topic": "t", **settings}))


def columns_of(values):
    return of_records([Record(i, 0, None, value) for i, value in enumerate(values)], len(values))


def decoded(values, n_features=None, **settings):
    """Vectors of raw values."""
    return decoder_of(**settings).decode(columns_of(values), n_features)


def packed(values, form):
    return [PACK[form](value) for value in values]


def doubles(*numbers):
    return struct.pack(f"<{len(numbers)}d", *numbers)


def reasons(vectors):
    return [(rejection.record, rejection.reason) for rejection in vectors.rejected]


def check_whole(vectors, n_records):
    """What holds of any Vectors: every record is accepted or rejected, and no vector is infinite or wholly missing."""
    rows = sorted([*vectors.accepted.tolist(), *(rejection.record for rejection in vectors.rejected)])
    assert rows == list(range(n_records))
    assert vectors.accepted.tolist() == sorted(vectors.accepted.tolist())
    assert [r.record for r in vectors.rejected] == sorted(r.record for r in vectors.rejected)
    assert vectors.matrix.shape[0] == vectors.weights.size == vectors.counts.sum()
    assert (vectors.counts > 0).all()
    assert vectors.counts.size == vectors.nested.size == vectors.accepted.size
    assert usable(vectors.matrix).all()
    assert (vectors.weights >= 0).all()
    assert np.isfinite(vectors.weights).all()
    assert vectors.matrix.flags.c_contiguous
    assert vectors.matrix.flags.aligned
    assert vectors.matrix.dtype == np.float64
    assert not any(array.flags.writeable for array in vectors[:5])
