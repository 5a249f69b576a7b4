"""How long a call takes, beside another one: run in turn, so that whatever else the machine does meets both.

Threads of a linear algebra library go on looking for work for a while after a call, on the cores that the next one
wants. So each side rests before its turn, and then is called once unmeasured: its own threads are as awake as they
are within a fit.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

Call = Callable[[], object]

_REST = 0.3  # seconds; after 0.05 some of them still looked for work


def in_turn(calls: Sequence[Call], runs: int) -> list[float]:
    """Seconds that each call takes: the median of its runs."""
    with _no_collection():
        times = [[_turn(call) for call in calls] for _ in range(runs)]
    return [statistics.median(of_call) for of_call in zip(*times, strict=True)]


def alone(call: Call, runs: int, *, repeat: int = 1) -> float:
    """Seconds that one call takes: the median of `runs`, each the mean over `repeat` calls."""
    call()
    with _no_collection():
        return statistics.median(_seconds(lambda: _repeated(call, repeat)) for _ in range(runs)) / repeat


def _turn(call: Call) -> float:
    time.sleep(_REST)
    call()
    return _seconds(call)


def _seconds(call: Call) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _repeated(call: Call, repeat: int) -> None:
    for _ in range(repeat):
        call()


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
