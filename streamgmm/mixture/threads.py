"""How many threads the compiled passes use. Results do not depend on it: see `kernel`.

A pass releases the interpreter's lock, so a plain pool serves. It starts with the first pass that is worth it. The
calling thread does its own share of the work, so that the threads are never more than asked for.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Threads:
    """A number of threads, and the pool of all but the caller's."""

    def __init__(self, count: int) -> None:
        """`count` at least 1."""
        self.count = count
        self._pool = ThreadPoolExecutor(max(count - 1, 1), thread_name_prefix="streamgmm-kernel")

    def share(self, work: Callable[[int, int], None], count: int, least: int) -> None:
        """Call `work` on spans that cover range(count), each at least `least` long, side by side."""
        parts = min(self.count, count // least)
        if parts <= 1:
            work(0, count)
            return
        spans = [(count * part // parts, count * (part + 1) // parts) for part in range(parts)]
        others: list[Future[None]] = [self._pool.submit(work, *span) for span in spans[1:]]
        work(*spans[0])
        for other in others:
            other.result()


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use(count: int | None) -> None:
    """Let the passes of this process use so many threads; None for one on every core. Raises ValueError below 1."""
    if count is not None and count < 1:
        raise ValueError(f"threads is {count}; it must be at least 1, or None for one on every core")
    _in_use[0] = Threads(count or cores())


def count() -> int:
    """The number of threads that the passes of this process use; one on every core unless `use` said otherwise."""
    return _in_use[0].count


def share(work: Callable[[int, int], None], count: int, least: int) -> None:
    """`Threads.share` with the threads in use."""
    _in_use[0].share(work, count, least)


_in_use = [Threads(cores())]
if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=lambda: use(count()))
