"""Vectors from records: `decoder(settings.input)` chooses the format and the layout once; see `decoded` for what it gives.

| format | value |
| --- | --- |
| msgpack, json | an array of numbers; an array of arrays (a vector each); a map with such an array in one field, or with a field for each feature; msgpack also raw bytes in place of the array: rows of little-endian float64 |
| float32, float64 | rows of little-endian numbers |

A weight (`input.weight`) is a field of the map: one number, or one for each vector; where the field is absent it is 1.
"""  # noqa: E501 - a table

from collections.abc import Callable, Mapping

from streamgmm.errors import SettingsError
from streamgmm.records.decoded import REASONS, Decoder, Rejection, Vectors
from streamgmm.records.json_vectors import JsonArrays, JsonFields
from streamgmm.records.layouts import ArrayLayout, NamedLayout
from streamgmm.records.msgpack_vectors import MsgpackArrays, MsgpackFields
from streamgmm.records.raw_vectors import RawRows
from streamgmm.records.transforms import transformed
from streamgmm.settings import Input

__all__ = ["REASONS", "Decoder", "Rejection", "Vectors", "decoder"]

_ARRAYS: Mapping[str, Callable[[ArrayLayout], Decoder]] = {"msgpack": MsgpackArrays, "json": JsonArrays}
_FIELDS: Mapping[str, Callable[[NamedLayout], Decoder]] = {"msgpack": MsgpackFields, "json": JsonFields}
_RAW = {"float32": "<f4", "float64": "<f8"}


def decoder(settings: Input) -> Decoder:
    """The decoder for `input.format`, `input.features` and `input.weight`.

    Raises SettingsError where these contradict each other.
    """
    if settings.format in _RAW:
        _refuse_fields(settings)
        return RawRows(_RAW[settings.format])
    if isinstance(settings.features, str):
        if settings.weight == settings.features:
            raise SettingsError(f"input.weight: {settings.weight!r} is the field that holds the features")
        return _ARRAYS[settings.format](ArrayLayout(settings.features, settings.weight))
    if not settings.features:
        raise SettingsError("input.features: the list of fields is empty")
    names = tuple(feature.name for feature in settings.features)
    return transformed(_FIELDS[settings.format](NamedLayout(names, settings.weight)), settings.features)


def _refuse_fields(settings: Input) -> None:
    if settings.weight is not None or not isinstance(settings.features, str):
        raise SettingsError(
            f"input.format {settings.format} has no fields: leave out input.weight, and the list in input.features"
        )
