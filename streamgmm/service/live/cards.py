"""What is said of each component: its weight, its size, and how far it has moved from the reference."""

from typing import Any, NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import shape_of
from streamgmm.mixture.vacancy import vacant
from streamgmm.service.live.frame import Frame, Picture
from streamgmm.service.live.rounding import told_apart

MOST_FEATURES = 24  # shown of each component
RECENT = 60.0  # seconds that a birth or a split is marked for
_MARKS = {"component_born": "born", "component_died": "died", "component_split": "split", "component_merged": "merged"}
_WHOSE = {"component_merged": ("into", "component")}  # fields: who is marked, and with whom


class Mark(NamedTuple):
    """What befell a component, and the id of the other one: where it came from, or whom it took in."""

    word: str | None = None
    other: int | None = None


def deviations(picture: Picture, covariance: Covariance) -> Array:
    """How far each mean is from its reference, in the reference's standard deviations (k, d); NaN without one."""
    shape = shape_of(picture.parameters)
    moved = np.full(shape, np.nan)
    if picture.frozen is None:
        return moved
    frozen = picture.frozen
    spread = np.sqrt(np.maximum(covariance.variances(frozen.covariances, shape_of(frozen)), 0.0))
    with np.errstate(all="ignore"):
        for row, component in enumerate(picture.ids.tolist()):
            if (at := picture.reference.get(component)) is not None:
                moved[row] = (picture.parameters.means[row] - frozen.means[at]) / spread[at]
    return np.where(np.isfinite(moved), moved, np.nan)


def shown_features(moved: Array) -> list[int]:
    """The features that are shown: all of them, or those that have moved furthest, in their order."""
    d = moved.shape[1]
    if d <= MOST_FEATURES:
        return list(range(d))
    furthest = np.abs(np.nan_to_num(moved)).max(axis=0)
    return sorted(np.argsort(-furthest, kind="stable")[:MOST_FEATURES].tolist())


def cards(frame: Frame, covariance: Covariance, features: list[int] | None = None) -> dict[str, Any]:
    """`components`, each with what is said of it, and `shown`: the numbers of the features in `mean`, `deviation`.

    `features` chooses these; None: see `shown_features`. A vacant place has no card.
    """
    picture = frame.picture
    if picture is None:
        return {"shown": [], "components": []}
    there = np.flatnonzero(~vacant(picture.parameters.weights))
    moved = deviations(picture, covariance)[there]
    shown = shown_features(moved) if features is None else features
    means = told_apart(np.array([c.mean for c in frame.snapshot.components]).reshape(moved.shape), 6)
    marks = _marks(frame)
    ids = picture.ids[there].tolist()
    columns = zip(
        there.tolist(),
        ids,
        means[:, shown].tolist(),
        np.round(moved[:, shown], 2).tolist(),
        (marks.get(one, Mark()) for one in ids),
        strict=True,
    )
    return {
        "shown": shown,
        "components": [
            {
                "id": component,
                "weight": float(picture.parameters.weights[row]),
                "reference_weight": _reference_weight(picture, component),
                "effective": round(float(picture.effective[row]), 1),
                "age": _age(frame, frame.born.get(component)),
                "mean": mean,
                "deviation": deviation,
                "mark": mark.word,
                "other": mark.other,
            }
            for row, component, mean, deviation, mark in columns
        ],
    }


def _reference_weight(picture: Picture, component: int) -> float | None:
    at = picture.reference.get(component)
    return None if picture.frozen is None or at is None else float(picture.frozen.weights[at])


def _age(frame: Frame, born: int | None) -> int | None:
    return None if born is None else max(0, frame.snapshot.totals.vectors - born)


def _marks(frame: Frame) -> dict[int, Mark]:
    """The last thing that befell each component lately, by id; a merge is told of who took the other one in."""
    marks = {}
    for moment in frame.moments:
        if moment.type in _MARKS and moment.time >= frame.time - RECENT:
            whose, other = _WHOSE.get(moment.type, ("component", "parent"))
            marks[int(str(moment.fields[whose]))] = Mark(_MARKS[moment.type], _id(moment.fields.get(other)))
    return marks


def _id(value: object) -> int | None:
    return None if value is None else int(str(value))
