"""A frame as the page takes it: JSON, made once for all pages that look along the same axes and know as much."""

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture.m_step import LEAST_MASS
from streamgmm.mixture.parameters import Parameters
from streamgmm.service.live import axes, cards, points, series
from streamgmm.service.live.axes import Axis, Principal, View
from streamgmm.service.live.frame import Frame, Picture
from streamgmm.service.live.recorder import Recorder
from streamgmm.service.plain import to_plain
from streamgmm.settings import Settings, Standardise

KEPT = 16  # encoded frames


class Wire:
    """Encodes one recorder's frames."""

    def __init__(self, settings: Settings, recorder: Recorder) -> None:
        self._recorder = recorder
        self._covariance = covariances.by_name(settings.model.covariance_type)
        declared = settings.input.features
        self._transforms = [] if isinstance(declared, str) else [_transform(f.transform) for f in declared]
        self._instance = uuid.uuid4().hex[:12]
        self._encoded: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
        self._pinned: tuple[Parameters, Principal] | None = None
        self._finding, self._turn = asyncio.Lock(), asyncio.Lock()
        self._rested = 0.0  # when the next frame may be encoded, by the performance counter

    async def taken(self, frame: Frame, x: str, y: str, since: int | None) -> bytes:
        """As `encoded`, one after the other, each after a rest as long as the one before took.

        However many ask, for as different things as they like, half of the event loop's time is the learner's.
        """
        await self._ready(frame, x, y)
        if (frame.number, x, y, since) in self._encoded:
            return self.encoded(frame, x, y, since)
        async with self._turn:
            if (rest := self._rested - time.perf_counter()) > 0:
                await asyncio.sleep(rest)
            began = time.perf_counter()
            found = self.encoded(frame, x, y, since)
            ended = time.perf_counter()
            self._rested = ended + (ended - began)
            self._recorder.encoded(ended - began)
        return found

    async def _ready(self, frame: Frame, x: str, y: str) -> None:
        """Find the principal axes where these ask for them, in a thread: of many features it takes a moment."""
        if frame.picture is None or not (x.startswith("p") or y.startswith("p")):
            return
        async with self._finding:
            wanted = self._to_pin(frame.picture)
            if self._pinned is None or self._pinned[0] is not wanted:
                self._pinned = (wanted, await asyncio.to_thread(axes.principal, wanted, self._covariance))

    def encoded(self, frame: Frame, x: str, y: str, since: int | None) -> bytes:
        """JSON of the frame along these axes.

        `since` is the frame that the page had last; None: it has nothing, and gets everything.
        """
        key = (frame.number, x, y, since)
        if key not in self._encoded:
            self._encoded[key] = msgspec.json.encode(self._document(frame, x, y, since), enc_hook=_plain)
            while len(self._encoded) > KEPT:
                self._encoded.popitem(last=False)
        return self._encoded[key]

    def _document(self, frame: Frame, x: str, y: str, since: int | None) -> dict[str, Any]:
        ring = self._recorder.ring
        last = ring.at(since) if since is not None else None
        if last is not None and _other_axes(last, frame, x, y):
            last = None  # the points that the page has lie along the old ones
        oldest = ring.oldest or frame
        return {
            "instance": self._instance,
            "number": frame.number,
            "oldest": {"number": oldest.number, "time": oldest.time},
            "time": frame.time,
            "complete": last is None,
            "model": _model(frame, self._transforms),
            **self.cards(frame),
            **self._scene(frame, x, y, last),
            "drift": _drift(frame),
            "flow": frame.flow._asdict(),
            "dead_letters": [letter._asdict() for letter in frame.dead_letters],
            "events": [m._asdict() for m in frame.moments if last is None or m.number > last.last_moment],
            "series": series.rows(list(ring)) if last is None else [series.row(frame)],
        }

    def cards(self, frame: Frame, features: list[int] | None = None) -> dict[str, Any]:
        """What is said of each component, of these features; None: of those that the page has room for."""
        return cards.cards(frame, self._covariance, features)

    # ---- the scatter

    def _scene(self, frame: Frame, x: str, y: str, last: Frame | None) -> dict[str, Any]:
        """Axes, ellipses (those of the reference too) and points."""
        picture = frame.picture
        if picture is None:
            return {"view": None, "ellipses": [], "reference": [], "points": None}
        looked = axes.view(x, y, picture.parameters.means.shape[1], lambda: self._principal(picture))
        frozen = picture.frozen
        by_row = {row: component for component, row in picture.reference.items()}
        return {
            "view": {"x": _axis(looked.x), "y": _axis(looked.y) if looked.y else None},
            "ellipses": self._ellipses(picture.parameters, looked, picture.ids.tolist()),
            "reference": self._ellipses(frozen, looked, [by_row.get(i) for i in range(len(frozen.weights))])
            if frozen
            else [],
            "points": points.columns(self._frames_with_points(frame, last), looked),
        }

    def _frames_with_points(self, frame: Frame, last: Frame | None) -> Sequence[Frame]:
        if last is None:
            return self._recorder.ring.up_to(frame, points.MOST_POINTS) or [frame]
        between = (self._recorder.ring.at(number) for number in range(last.number + 1, frame.number + 1))
        return [each for each in between if each is not None]

    def _ellipses(self, parameters: Parameters, view: View, ids: list[int | None]) -> list[dict[str, Any]]:
        """Centre and covariance of each component along the axes, exactly; a vacant place has none."""
        centres = parameters.means @ view.matrix.T - view.origin
        found = self._covariance.project(parameters.covariances, view.matrix, len(ids))
        return [
            {"id": component, "weight": weight, "centre": centre, "covariance": covariance}
            for component, weight, centre, covariance in zip(
                ids, parameters.weights.tolist(), centres.tolist(), found.tolist(), strict=True
            )
            if weight >= LEAST_MASS
        ]

    def _principal(self, picture: Picture) -> Principal:
        wanted = self._to_pin(picture)
        if self._pinned is None or self._pinned[0] is not wanted:
            self._pinned = (wanted, axes.principal(wanted, self._covariance))
        return self._pinned[1]

    def _to_pin(self, picture: Picture) -> Parameters:
        """Whose axes they are: the reference's; before there is one the first model's that was seen."""
        if picture.frozen is not None:
            return picture.frozen
        return picture.parameters if self._pinned is None else self._pinned[0]


def _other_axes(last: Frame, frame: Frame, x: str, y: str) -> bool:
    """Whether principal axes are looked along, and another reference has come, which turns them."""
    references = [one.picture.frozen if one.picture is not None else None for one in (last, frame)]
    return references[0] is not references[1] and any(key.startswith("p") for key in (x, y))


def _drift(frame: Frame) -> dict[str, Any]:
    """With the sentence that stands, and how the alarm rose, in the event's own words."""
    raised = frame.raised
    rose = None if raised is None else {"time": raised.time, "sentence": raised.fields["sentence"]}
    return {**to_plain(frame.snapshot.drift), "sentence": frame.sentence, "rose": rose}


def _model(frame: Frame, transforms: list[Any]) -> dict[str, Any]:
    seen = frame.snapshot
    given = transforms or ["identity"] * len(seen.features)
    return {
        "name": seen.model,
        "phase": seen.phase,
        "detail": seen.detail,
        "frozen": seen.frozen,
        "warm_up": seen.warm_up,
        "steps": seen.steps,
        "step_size": seen.step_size,
        "log_likelihood": seen.log_likelihood,
        "features": [
            {"name": name, "unit": unit, "transform": transform}
            for name, unit, transform in zip(seen.features, seen.units, given, strict=False)
        ],
        "totals": seen.totals._asdict(),
        "lag": {str(partition): records for partition, records in seen.lag.items()},
        "last_timestamp": seen.last_timestamp,
    }


def _axis(axis: Axis) -> dict[str, Any]:
    loads = [{"feature": feature, "load": round(load, 2)} for feature, load in axis.loads]
    return {"key": axis.key, "feature": axis.feature, "share": axis.share, "loads": loads}


def _transform(transform: str | Standardise) -> Any:  # noqa: ANN401 - a name, or mean and scale
    return transform.model_dump() if isinstance(transform, Standardise) else transform


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else repr(value)
