"""How long a call takes, beside another one: run in turn, so that whatever else the machine does meets both."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

Call = Callable[[], object]


def in_turn(calls: Sequence[Call], runs: int) -> list[float]:
    """Seconds that each call takes: the median of its runs. Each is run once before, unmeasured."""
    for call in calls:
        call()
    with _no_collection():
        times = [[_seconds(call) for call in calls] for _ in range(runs)]
    return [statistics.median(of_call) for of_call in zip(*times, strict=True)]


def alone(call: Call, runs: int, *, repeat: int = 1) -> float:
    """Seconds that one call takes: the median of `runs`, each the mean over `repeat` calls."""
    return in_turn([lambda: _repeated(call, repeat)], runs)[0] / repeat


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
