"""What the settings select, chosen once: below this no setting's name is compared with anything."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np

from streamgmm.drift import monitor, words
from streamgmm.drift.watch import Wanted
from streamgmm.engine.features import in_words
from streamgmm.errors import SettingsError
from streamgmm.mixture import background, covariance, revive, step_size, stepwise_em
from streamgmm.mixture import start as starts
from streamgmm.mixture.background import Background
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.given import NOTHING, Given, given
from streamgmm.mixture.initialise import Start
from streamgmm.mixture.learning import Learning
from streamgmm.records import assignments, event_times, transforms, vectors
from streamgmm.settings import Settings

T = TypeVar("T")


class Plan(NamedTuple):
    """What the settings fix for the engine's life."""

    topic: str
    decoder: vectors.Decoder
    clock: event_times.Clock
    encoder: assignments.Encoder
    source_header: bool
    largest_record: int  # bytes of an assignment's key, value and headers
    candidates: range  # numbers of components; one, or those of which the warm-up chooses
    start: Start
    learning: Learning
    averaged_scoring: bool
    frozen: bool  # nothing is learnt
    warm_up: int | None
    warm_up_bytes: int
    drift: monitor.Plan | None
    actions: tuple[str, ...]  # what follows an alarm
    event_time_window: float | None  # seconds
    features: Callable[[int], Sequence[words.Feature]]  # by their number


def plan(settings: Settings, *, largest_record: int) -> Plan:
    """Choose once what the settings select; `largest_record` in bytes is what the output takes.

    Raises SettingsError for what only the mixture can tell to be wrong, as a covariance that is none.
    """
    model, chosen, drift = settings.model, settings.learning, settings.drift
    learning = _learning(settings)
    return Plan(
        topic=settings.input.topic,
        decoder=vectors.decoder(settings.input),
        clock=event_times.clock(settings.input),
        encoder=assignments.encoder(settings.output),
        source_header=settings.output.source_header,
        largest_record=largest_record,
        candidates=range(model.fewest_components, model.most_components + 1),
        start=_start(settings, learning.covariance),
        learning=learning,
        averaged_scoring=chosen.averaged_scoring,
        frozen=chosen.frozen,
        warm_up=chosen.warm_up,
        warm_up_bytes=int(chosen.warm_up_bytes),
        drift=_drift(settings, learning) if drift.enabled else None,
        actions=drift.actions if drift.enabled else (),
        event_time_window=drift.event_time_window,
        features=partial(in_words, settings),
    )


def _drift(settings: Settings, learning: Learning) -> monitor.Plan:
    drift = settings.drift
    settle = {"auto": drift.settle, "manual": None, "imported": 0}[drift.reference]
    return monitor.Plan(
        settle=settle,
        settle_again=drift.settle,
        reference_size=drift.reference_size,
        wanted=Wanted(drift.window, drift.expected_run_length, settings.model.random_state, drift.detectors),
        outlier_quantile=drift.outlier_quantile,
        cool_down=drift.cool_down,
        covariance=learning.covariance,
    )


def _learning(settings: Settings) -> Learning:
    model, chosen = settings.model, settings.learning
    return stepwise_em.Learning(
        covariance=covariance.by_name(model.covariance_type),
        batch_size=chosen.batch_size,
        exponent=chosen.exponent,
        delay=chosen.delay,
        reg_relative=model.reg_relative,
        reg_covar=model.reg_covar,
        half_life=step_size.ENDLESS
        if chosen.half_life is None
        else step_size.half_life(chosen.half_life.value, chosen.half_life.unit, chosen.batch_size),
        max_gap=np.inf if chosen.max_gap is None else chosen.max_gap,
        dead_components=revive.by_name(chosen.dead_components),
        merge=chosen.merge,
        split=chosen.split,
        background=_background(settings),
        averaging=chosen.averaging,
        random_state=model.random_state,
    )


def _background(settings: Settings) -> Background | None:
    """The background's range in the units that the model has: transformed like the features."""
    chosen, features = settings.model.background, settings.input.features
    if chosen is None:
        return None
    ends = np.array([chosen.low, chosen.high])
    if isinstance(features, list):
        ends = transforms.apply(features, ends)
        for feature, low, high in zip(features, *ends, strict=True):
            if not np.isfinite([low, high]).all():
                raise SettingsError(f"model.background: outside the domain of the transform of {feature.name!r}")
    return _checked(lambda: background.over(*ends))


def _start(settings: Settings, shape: Covariance) -> Start:
    """Where the model starts."""
    model = settings.model
    return Start(starts.by_name(model.init_params), model.n_init, _given(settings, shape))


def _given(settings: Settings, shape: Covariance) -> Given:
    model = settings.model
    names = ("weights_init", "means_init", "covariances_init", "precisions_init")
    values = {name: getattr(model, name) for name in names if getattr(model, name) is not None}
    if not values:
        return NOTHING
    n_components, n_features = model.most_components, settings.n_features or 1  # 1: nothing is given that has a length
    return _checked(lambda: given(shape, (n_components, n_features), **values))


def _checked(make: Callable[[], T]) -> T:
    try:
        return make()
    except ValueError as error:
        raise SettingsError(f"model.{error}") from error
