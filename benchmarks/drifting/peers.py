"""The peers: River's ADWIN, KSWIN and PageHinkley and an online MMD, on the log-likelihood or on every feature at once.

All are shown standardised values. KSWIN and PageHinkley are compiled here, for speed. Of KSWIN's
p-value only the distance counts: both samples always have 30 values.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numba
import numpy as np
from river import drift

from benchmarks.drifting.mmd import mmd
from streamgmm.mixture.arrays import Array

_WINDOW, _RECENT = 100, 30  # KSWIN's defaults
_DELTA, _FORGET, _LEAST = 0.005, 0.9999, 30  # PageHinkley's


class Shown(NamedTuple):
    """What a peer is shown."""

    signals: Array  # (n, s)
    reference: Array  # (m, s) for those that want one


class Peer(NamedTuple):
    """A detector with its parameter free; it yields the first row at or after `start` at which any signal alarms."""

    name: str
    first: Callable[[Array, float, int, int, Array], int]
    scale: tuple[float, ...]  # values of the parameter, from the most to the least sensitive


def page_hinkley(signals: Array, threshold: float, start: int, seed: int, reference: Array) -> int:
    """Row of the first alarm of signals (n, s), n if there is none; alarms before `start` begin anew."""
    return min(_page_hinkley(signals[:, i].copy(), threshold, start) for i in range(signals.shape[1]))


@numba.njit(cache=True)
def _page_hinkley(values: Array, threshold: float, start: int) -> int:
    count, mean, up, down, low, high = 0, 0.0, 0.0, 0.0, np.inf, -1.0
    for n in range(len(values)):
        count += 1
        mean += (values[n] - mean) / count
        away = values[n] - mean
        up = _FORGET * up + away - _DELTA
        down = _FORGET * down + away + _DELTA
        low, high = min(low, up), max(high, down)
        if count >= _LEAST and (up - low > threshold or high - down > threshold):
            if n >= start:
                return n
            count, mean, up, down, low, high = 0, 0.0, 0.0, 0.0, np.inf, -1.0
    return len(values)


def kswin(signals: Array, distance: float, start: int, seed: int, reference: Array) -> int:
    """As `page_hinkley`; `distance` between the samples in thirtieths."""
    return min(_kswin(signals[:, i].copy(), int(distance), start, seed + i) for i in range(signals.shape[1]))


@numba.njit(cache=True)
def _kswin(values: Array, distance: int, start: int, seed: int) -> int:
    np.random.seed(seed)  # noqa: NPY002 - compiled code has no other
    first, older = 0, np.empty(_WINDOW - _RECENT)
    for n in range(len(values)):
        if n - first + 1 < _WINDOW:
            continue
        begin = n - _WINDOW + 1
        older[:] = values[begin : begin + _WINDOW - _RECENT]
        for i in range(_RECENT):
            j = np.random.randint(i, len(older))  # noqa: NPY002 - as above
            older[i], older[j] = older[j], older[i]
        if thirtieths(older[:_RECENT], values[n - _RECENT + 1 : n + 1]) >= distance:
            if n >= start:
                return n
            first = n + 1
    return len(values)


@numba.njit(cache=True)
def thirtieths(one: Array, other: Array) -> int:
    """Kolmogorov and Smirnov's distance of two samples of the same size, times that size."""
    a, b = np.sort(one), np.sort(other)
    i, j, most = 0, 0, 0
    while i < len(a) and j < len(b):
        if a[i] <= b[j]:
            i += 1
        else:
            j += 1
        most = max(most, abs(i - j))
    return most


def adwin(signals: Array, delta: float, start: int, seed: int, reference: Array) -> int:
    """As `page_hinkley`; by River itself."""
    first = len(signals)
    for i in range(signals.shape[1]):
        detector = drift.ADWIN(delta=delta)
        for n, value in enumerate(signals[:first, i].tolist()):
            detector.update(value)
            if detector.drift_detected and n >= start:
                first = n
                break
    return first


PEERS = (
    Peer("ADWIN", adwin, tuple(np.geomspace(0.5, 1e-7, 32))),
    Peer("KSWIN", kswin, tuple(range(10, 28))),
    Peer("PageHinkley", page_hinkley, tuple(np.geomspace(5, 400, 40))),
    Peer("MMD", mmd, tuple(np.geomspace(0.003, 0.5, 60))),
)


def tuned(peer: Peer, streams: list[Shown], run_length: float) -> tuple[float, float]:
    """The parameter whose measured run length on streams without a change is nearest by its logarithm.

    Returns it and the run length: all vectors seen, over the alarms in them.
    """
    low, high = 0, len(peer.scale) - 1
    while low < high:  # the run length grows along the scale
        middle = (low + high) // 2
        if _run_length(peer, peer.scale[middle], streams) < run_length:
            low = middle + 1
        else:
            high = middle
    near = [(peer.scale[i], _run_length(peer, peer.scale[i], streams)) for i in (max(low - 1, 0), low)]
    return min(near, key=lambda pair: abs(np.log(pair[1] / run_length)))


def _run_length(peer: Peer, parameter: float, streams: list[Shown]) -> float:
    seen, events = 0, 0
    for seed, stream in enumerate(streams):
        for length, ended in _runs(peer, parameter, stream.signals, seed, stream.reference):
            seen, events = seen + length, events + ended
    return seen / max(events, 0.5)


def _runs(peer: Peer, parameter: float, stream: Array, seed: int, reference: Array) -> Iterator[tuple[int, int]]:
    """From the beginning of a stream, and again from behind each alarm."""
    while len(stream) > _WINDOW:
        at = peer.first(stream, parameter, 0, seed, reference)
        yield min(at + 1, len(stream)), int(at < len(stream))
        stream = stream[at + 1 :]
