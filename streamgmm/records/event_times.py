"""When a record happened, in seconds since the epoch: `clock(settings.input)` chooses once where that is read.

| `input.event_time` | the event time is |
| --- | --- |
| null | the record's timestamp; a record without one (-1) has none (NaN) |
| a field | the number in that field of the map, in `input.event_time_unit`; or a time: ISO 8601 text (UTC where it names no zone), or msgpack's timestamp |

A record whose field says no time is rejected: were it let through, forgetting by time would stop without a word.
Numbers are read in bulk, the other forms record by record.
"""  # noqa: E501 - a table

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np

from streamgmm.records.assemble import dropped
from streamgmm.records.columns import (
    Bytes,
    Int64,
    RecordColumns,
    Slices,
    frozen,
    normal_slices,
    slices_of,
    string,
    take,
)
from streamgmm.records.compiled import compiled
from streamgmm.records.decoded import Float64, Rejection, Vectors
from streamgmm.records.msgpack_walker import ABSENT, ODD, locate, number, room
from streamgmm.settings import Input

LATEST = 253_402_300_800.0  # the end of the year 9999, and as far back: milliseconds taken for seconds lie beyond
_SECONDS: Mapping[str, float] = {"s": 1.0, "ms": 0.001}


class Clock(Protocol):
    """Finds the event times of accepted records."""

    def read(self, columns: RecordColumns, vectors: Vectors) -> tuple[Vectors, Float64]:
        """The vectors without the records whose time cannot be read, and the times (r,) of the others."""


class Timestamps:
    """The records' own timestamps."""

    def read(self, columns: RecordColumns, vectors: Vectors) -> tuple[Vectors, Float64]:
        """See Clock."""
        stamps = columns.timestamps[vectors.accepted]
        return vectors, frozen(np.where(stamps >= 0, stamps * _SECONDS["ms"], np.nan))


class Format(NamedTuple):
    """How a format's values are read."""

    numbers: Callable[[Slices, str], Float64]  # of a field (n,); NaN where it is no plain number
    tree: Callable[[bytes], Any]


class FieldTimes(NamedTuple):
    """A field of each record's map."""

    field: str
    seconds: float  # to a unit
    format: Format

    def read(self, columns: RecordColumns, vectors: Vectors) -> tuple[Vectors, Float64]:
        """See Clock."""
        values = take(columns, vectors.accepted).values
        times = self.format.numbers(values, self.field) * self.seconds
        times[np.abs(times) >= LATEST] = np.nan
        wrong: dict[int, str] = {}
        for record in np.flatnonzero(np.isnan(times)).tolist():
            found = self._of(string(values, record) or b"")
            if isinstance(found, str):
                wrong[record] = found
            else:
                times[record] = found
        return self._without(vectors, wrong), frozen(np.delete(times, list(wrong)))

    def _of(self, value: bytes) -> float | str:
        """Seconds, or what is wrong."""
        tree = self.format.tree(value)
        if not isinstance(tree, dict) or self.field not in tree:
            return "is absent"
        given = tree[self.field]
        time = _time(given, self.seconds)
        if time is None:
            return f"is {'null' if given is None else 'no number and no ISO 8601 text'}"
        return time if abs(time) < LATEST else "lies beyond the years 1 to 9999; is it in another unit?"

    def _without(self, vectors: Vectors, wrong: Mapping[int, str]) -> Vectors:
        if not wrong:
            return vectors
        owner = np.repeat(np.arange(vectors.counts.size), vectors.counts)

        def why(row: int) -> Rejection:
            record = int(owner[row])
            return Rejection(int(vectors.accepted[record]), "bad_event_time", f"{self.field!r} {wrong[record]}")

        return dropped(vectors, np.isin(owner, list(wrong)), why)


def clock(settings: Input) -> Clock:
    """Where event times are read."""
    if settings.event_time is None:
        return Timestamps()
    return FieldTimes(settings.event_time, _SECONDS[settings.event_time_unit], _FORMATS[settings.format])


def _time(given: object, seconds: float) -> float | None:
    if type(given) is float or type(given) is int:
        if abs(given) < LATEST / _SECONDS["ms"]:
            return float(given) * seconds
        return None if given != given else math.inf  # noqa: PLR0124 - what NaN is; no float holds some integers
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given)
        except ValueError:
            return None
    if isinstance(given, datetime):
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()
    return None


def _msgpack_numbers(values: Slices, field: str) -> Float64:
    values = normal_slices(values)
    places = np.empty((values.length.size, 2), np.int64)
    locate(values, slices_of([field.encode()]), False, room(), places)
    times = np.empty(len(places))
    _read(values.buffer, places, times)
    return times


@compiled
def _read(data: Bytes, places: Int64, times: Float64) -> None:
    for i in range(times.size):
        times[i] = np.nan
        if places[i, 0] != ABSENT and places[i, 1] != ODD:
            value, behind = number(data, places[i, 0])
            if behind >= 0:
                times[i] = value


def _json_numbers(values: Slices, field: str) -> Float64:
    kind: Any = msgspec.defstruct("Timed", [("time", float)], rename={"time": field})
    decode = msgspec.json.Decoder(kind).decode

    def of(value: bytes) -> float:
        try:
            return float(decode(value).time)
        except msgspec.MsgspecError:
            return math.nan

    return np.array([of(string(values, i) or b"") for i in range(values.length.size)], np.float64)


def _json_tree(value: bytes) -> Any:  # noqa: ANN401 - any JSON value
    return json.loads(value.decode())


_FORMATS: Mapping[str, Format] = {
    "msgpack": Format(_msgpack_numbers, msgspec.msgpack.decode),
    "json": Format(_json_numbers, _json_tree),
}
