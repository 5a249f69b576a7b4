"""Features as a person knows them: their names, their units, and the way back from their transforms."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from streamgmm.drift import words
from streamgmm.engine.values import Array
from streamgmm.settings import Feature, Settings, Standardise

_UNDO: Mapping[str, Callable[[Array], Array]] = {
    "identity": np.asarray,
    "sqrt": np.square,
    "log": np.exp,
    "log1p": np.expm1,
    "logit": lambda values: np.exp(-np.logaddexp(0.0, -values)),
}


def features(settings: Settings, count: int) -> Sequence[Feature]:
    """The features that the settings name; those of an array are x0, x1 and so on, as many as it has."""
    declared = settings.input.features
    return [Feature(name=f"x{i}") for i in range(count)] if isinstance(declared, str) else list(declared)


def in_words(settings: Settings, count: int) -> Sequence[words.Feature]:
    """The same as `drift.words` takes them."""
    return [words.Feature(one.name, one.unit, undo(one)) for one in features(settings, count)]


def undo(feature: Feature) -> Callable[[Array], Array]:
    """From transformed values to the feature's unit."""
    transform = feature.transform
    if isinstance(transform, Standardise):
        return lambda values: values * transform.scale + transform.mean
    return _UNDO[transform]
