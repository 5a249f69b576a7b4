"""What `/api/v1/` answers, from the newest frame."""

from streamgmm.service.api import ComponentCard, Components, Drift, Happening, SetAside, Stream, Vector
from streamgmm.service.live.points import Point
from streamgmm.service.live.recorder import Recorder
from streamgmm.service.live.wire import Wire


def components(recorder: Recorder, wire: Wire) -> Components:
    """All components with all features."""
    frame = recorder.newest()
    seen = frame.snapshot
    found = wire.cards(frame, list(range(len(seen.features))))["components"]
    cards = tuple(ComponentCard.model_validate(card) for card in found)
    return Components(features=seen.features, units=seen.units, components=cards)


def drift(recorder: Recorder) -> Drift:
    """The drift panel."""
    return Drift.model_validate(recorder.newest().snapshot.drift)


def events(recorder: Recorder) -> tuple[Happening, ...]:
    """What has happened lately."""
    return tuple(Happening.model_validate(moment) for moment in recorder.newest().moments)


def stream(recorder: Recorder) -> Stream:
    """The stream panel."""
    frame = recorder.newest()
    seen = frame.snapshot
    return Stream(
        **frame.flow._asdict(),
        positions=dict(seen.positions),
        lag=dict(seen.lag),
        rejected=dict(seen.totals.rejected),
        dead_letters=tuple(SetAside.model_validate(letter) for letter in frame.dead_letters),
    )


def vector(point: Point, recorder: Recorder) -> Vector:
    """One sampled vector in its own units."""
    shares = dict(zip(point.ids, point.responsibilities.tolist(), strict=True))
    return Vector(features=recorder.in_own_units(point.vector), responsibilities=shares, outlier=point.outlier)
