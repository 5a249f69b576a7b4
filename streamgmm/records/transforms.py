"""Transforms of named features, after decoding and before learning.

They are applied in compiled code, number by number, so that a vector gives the same bits whatever batch it comes in
(numpy's own logarithm may differ in the last bit with the place in the array).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streamgmm.records.assemble import dropped
from streamgmm.records.columns import Int64, RecordColumns, frozen
from streamgmm.records.compiled import compiled
from streamgmm.records.decoded import Decoder, Float64, Mask, Rejection, Vectors
from streamgmm.settings import Feature, Standardise

NAMES = ("identity", "sqrt", "log", "log1p", "logit", "standardise")  # by the number that the kernel knows them by


class Transformed(NamedTuple):
    """A decoder whose features are transformed; what is outside of a transform's domain is rejected."""

    decoder: Decoder
    features: tuple[Feature, ...]
    kinds: Int64  # (d,) index into NAMES
    means: Float64  # (d,) of `standardise`
    scales: Float64  # (d,)

    def decode(self, columns: RecordColumns, n_features: int | None) -> Vectors:
        """See Decoder."""
        vectors = self.decoder.decode(columns, n_features)
        if not vectors.counts.size:
            return vectors
        matrix = np.empty_like(vectors.matrix)
        _transform(vectors.matrix, self.kinds, self.means, self.scales, matrix)
        changed = vectors._replace(matrix=frozen(matrix))
        bad: Mask = np.logical_or.reduce(_undefined(vectors.matrix, matrix), axis=1)
        return dropped(changed, bad, lambda row: self._why(vectors, matrix, row)) if bad.any() else changed

    def _why(self, vectors: Vectors, matrix: Float64, row: int) -> Rejection:
        record = int(vectors.accepted[np.searchsorted(np.cumsum(vectors.counts), row, side="right")])
        place = int(np.flatnonzero(_undefined(vectors.matrix[row], matrix[row]))[0])
        name, kind = self.features[place].name, NAMES[self.kinds[place]]
        if np.isinf(matrix[row, place]):
            return Rejection(record, "not_finite", f"{kind} of {name!r} is infinite")
        return Rejection(record, "transform_domain", f"{kind} is not defined for the value of {name!r}")


def transformed(decoder: Decoder, features: Sequence[Feature]) -> Decoder:
    """The decoder with the features' transforms behind it; itself where there are none."""
    if all(feature.transform == "identity" for feature in features):
        return decoder
    return Transformed(decoder, tuple(features), *_as_arrays(features))


def apply(features: Sequence[Feature], matrix: Float64) -> Float64:
    """Values (n, d) in the features' own units, transformed; NaN outside of a transform's domain."""
    out = np.empty(matrix.shape)
    _transform(frozen(np.array(matrix, np.float64)), *_as_arrays(features), out)
    return out


def _as_arrays(features: Sequence[Feature]) -> tuple[Int64, Float64, Float64]:
    """Kinds, means and scales as the kernel takes them."""
    given = [f.transform if isinstance(f.transform, Standardise) else Standardise(mean=0, scale=1) for f in features]
    kinds = ["standardise" if isinstance(f.transform, Standardise) else f.transform for f in features]
    return (
        frozen(np.array([NAMES.index(kind) for kind in kinds], np.int64)),
        frozen(np.array([each.mean for each in given])),
        frozen(np.array([each.scale for each in given])),
    )


def _undefined(given: Float64, found: Float64) -> Mask:
    """Where a transform has given no finite number; what was missing (NaN) stays missing."""
    return np.asarray(np.isinf(found) | (np.isnan(found) & ~np.isnan(given)))


@compiled
def _transform(matrix: Float64, kinds: Int64, means: Float64, scales: Float64, out: Float64) -> None:
    """Outside of its domain a transform gives NaN."""
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            out[i, j] = _apply(kinds[j], matrix[i, j], means[j], scales[j])


@compiled
def _apply(kind: int, value: float, mean: float, scale: float) -> float:
    if kind == 0:
        return value
    if kind == 1:
        return math.sqrt(value) if value >= 0 else math.nan
    if kind == 2:
        return math.log(value) if value > 0 else math.nan
    if kind == 3:
        return math.log1p(value) if value > -1 else math.nan
    if kind == 4:
        return math.log(value) - math.log1p(-value) if 0 < value < 1 else math.nan
    return (value - mean) / scale
