"""The sampled vectors of some frames, as a page draws them: where, which component, how certain."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from streamgmm.engine.sample import Sample
from streamgmm.mixture.arrays import Array
from streamgmm.service.live.axes import View, along
from streamgmm.service.live.frame import Frame, n_points
from streamgmm.service.live.rounding import to_a_thousandth

MOST_POINTS = 5000  # that a page holds


class Point(NamedTuple):
    """One vector, and what the model said of it."""

    vector: Array  # (d,)
    responsibilities: Array  # (k,)
    ids: tuple[int, ...]  # (k,)
    outlier: bool | None


def columns(frames: Sequence[Frame], view: View) -> dict[str, Any]:
    """The newest `MOST_POINTS` of the frames' vectors as columns; `first` is the number of the first."""
    samples = [sample for frame in frames for sample in frame.samples]
    first = frames[0].first_point if frames else 0
    total = sum(n_points(frame) for frame in frames)
    if not samples:
        return {"first": first, "x": [], "y": [], "component": [], "certainty": [], "outlier": []}
    newest = slice(max(0, total - MOST_POINTS), None)
    vectors = np.concatenate([sample.vectors for sample in samples])[newest]
    best, certainty, outlier = (np.concatenate(part)[newest] for part in zip(*map(_said, samples), strict=True))
    shown = [_rounded(along(axis, vectors)).tolist() for axis in view.axes]
    return {
        "first": first + max(0, total - MOST_POINTS),
        "x": shown[0],
        "y": shown[1] if len(shown) > 1 else [],
        "component": best.tolist(),
        "certainty": np.round(certainty, 2).tolist(),
        "outlier": np.flatnonzero(outlier == 1).tolist(),
    }


def _rounded(at: Array) -> Array:
    known = at[np.isfinite(at)]
    return to_a_thousandth(at, float(known.std())) if len(known) else at


def _said(sample: Sample) -> tuple[Any, Any, Any]:
    """The most probable component of each, its probability, whether it is an outlier."""
    rows = np.arange(len(sample.vectors))
    best = sample.responsibilities.argmax(axis=1)
    return sample.ids[best], sample.responsibilities[rows, best], sample.outlier


def find(frames: Iterable[Frame], number: int) -> Point | None:
    """The sampled vector of that number, if one of the frames still holds it."""
    frame = next((f for f in frames if f.first_point <= number < f.first_point + n_points(f)), None)
    if frame is None:
        return None
    row = number - frame.first_point
    for sample in frame.samples:
        if row < len(sample.vectors):
            outlier = None if sample.outlier[row] < 0 else bool(sample.outlier[row])
            return Point(sample.vectors[row], sample.responsibilities[row], tuple(sample.ids.tolist()), outlier)
        row -= len(sample.vectors)
    return None
