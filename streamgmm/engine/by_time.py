"""Windows of event time, for people to look at: what the vectors were like from one minute, say, to the next.

A window is open until the first vector whose event time lies at its end or later. A vector that comes late counts in
the window that is open, one without an event time too; a time without vectors has no window. So a clock that is far
ahead holds its window open until the others have come there. Nothing here may alarm: a window has as many vectors as
came, and limits are for windows cut by position.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.engine.values import Array, Event, Open
from streamgmm.records.columns import Int64


class Vectors(NamedTuple):
    """Vectors as they were scored."""

    times: Array  # (n,) event times in seconds; NaN where there is none
    log_likelihood: Array  # (n,) nats
    outlier: NDArray[np.int8]  # (n,) -1: not known
    component: Int64  # (n,) id of the most probable


def advance(opened: Open | None, vectors: Vectors, length: float) -> tuple[Open | None, list[tuple[int, Event]]]:
    """The window that is open after the vectors, and those that ended, each with the row that ended it.

    A window of another length, that was open when the setting changed, is dropped.
    """
    ended = []
    if opened is not None and opened.length != length:
        opened = None
    for number, rows in _stretches(opened, vectors.times, length):
        if opened is None or number > opened.number:
            if opened is not None:
                ended.append((rows.start, _event(opened)))
            opened = Open(number, length)
        opened = _with(opened, vectors, rows)
    return opened, ended


def _stretches(opened: Open | None, times: Array, length: float) -> Iterator[tuple[int, slice]]:
    """Rows side by side in the same window, and its number; rows before the first event time are in none."""
    before = -np.inf if opened is None else opened.number
    numbers = np.fmax.accumulate(np.concatenate([[before], np.floor(times / length)]))[1:]
    edges = [0, *(np.flatnonzero(numbers[1:] != numbers[:-1]) + 1).tolist(), len(numbers)]
    for start, stop in pairwise(edges):
        if stop > start and np.isfinite(numbers[start]):
            yield int(numbers[start]), slice(start, stop)


def _with(opened: Open, vectors: Vectors, rows: slice) -> Open:
    likelihoods, flags = vectors.log_likelihood[rows], vectors.outlier[rows]
    ids, counts = np.unique(vectors.component[rows], return_counts=True)
    components = {int(key): count for key, count in opened.components.items()}
    for key, count in zip(ids.tolist(), counts.tolist(), strict=True):
        components[key] = components.get(key, 0) + count
    return Open(
        opened.number,
        opened.length,
        opened.vectors + len(likelihoods),
        float(np.cumsum(np.concatenate([[opened.log_likelihood], likelihoods]))[-1]),  # one by one: any cut alike
        opened.outliers + int((flags == 1).sum()),
        opened.judged + int((flags >= 0).sum()),
        {str(key): components[key] for key in sorted(components)},
    )


def _event(window: Open) -> Event:
    return Event(
        "event_time_window",
        {
            "start": round(window.number * window.length * 1000),
            "end": round((window.number + 1) * window.length * 1000),
            "vectors": window.vectors,
            "log_likelihood": window.log_likelihood / window.vectors,
            "outliers": window.outliers / window.judged if window.judged else None,
            "components": {key: count / window.vectors for key, count in window.components.items()},
        },
    )
