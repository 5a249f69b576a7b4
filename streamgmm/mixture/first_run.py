"""A word to who waits while a library's first call compiles: silence would look like a hang.

The estimator says it by itself. A program that uses `streamgmm.mixture` alone calls `tell` once, before its first
vectors; the functions here say nothing unasked. The word is a warning of the logger `streamgmm`.
"""

import functools
import logging

from numba.core import event

from streamgmm.mixture.compiled import why_compiling

log = logging.getLogger("streamgmm")


class _Compiling(event.Listener):
    """Hears of every function that is compiled in this process."""

    def on_start(self, event: event.Event) -> None:
        """Say it, at the first of ours."""
        function = getattr(event.data["dispatcher"], "py_func", None)  # what numba makes for itself has none
        if (getattr(function, "__module__", None) or "").startswith("streamgmm."):
            _say()

    def on_end(self, event: event.Event) -> None:
        """Nothing more."""


@functools.cache
def _say() -> None:
    log.warning("streamgmm compiles, which may take up to a minute: %s", why_compiling())


@functools.cache
def tell() -> None:
    """Say so once in this process, should anything have to be compiled."""
    event.register("numba:compile", _Compiling())  # type: ignore[no-untyped-call]
