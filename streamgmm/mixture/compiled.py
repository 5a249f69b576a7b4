"""How this package compiles: on the first call, without the interpreter's lock, kept in numba's cache.

- `compiled` is for what the interpreter calls. It may fuse a product and a sum, nothing else: what happens to one lane
  of a block is the same in every lane.
- `part` is for what only compiled functions call. It has no way in from the interpreter and no place of its own in the
  cache, which would take longer to compile than the function itself.
- `part_sum` may also reorder sums, so that they run over vector registers. The order is fixed when it is compiled; it
  may only be used for sums over a whole block.
- `inlined` becomes a part of each function that calls it, under that one's rules: a call that passes a block's arrays
  would cost as much as a loop over its lanes.

None assumes that NaN and infinity are absent.

numba's cache notices a change in the file of the function that was called, not in the files of those that it calls.
So the stamp that its cache compares is replaced by a digest of every file of the package that compiles by this one.
"""

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

_FIRST_RUN = "the first run of this version compiles its kernels; later ones load them"
_NO_CACHE = (
    "numba can write its cache nowhere, so that every start compiles the kernels: make the package's folder or the "
    "user's cache folder writable, or name another in NUMBA_CACHE_DIR"
)


_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
_REORDERED: dict[str, Any] = {**_OPTIONS, "fastmath": {"contract", "reassoc"}}
_NO_ENTRY: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled(function: Function) -> Function:
    """Compile a function that the interpreter calls."""
    try:
        dispatcher: Any = numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # numba found no folder that it may write its cache to: compile in every process
        return cast(Function, numba.njit(**_OPTIONS)(function))
    cache_file = getattr(dispatcher._cache, "_cache_file", None)
    if cache_file is not None:
        cache_file._source_stamp = _SOURCES
    return cast(Function, dispatcher)


def is_cached(function: Callable[..., Any]) -> bool:
    """Whether the cache holds a compiled function of these sources; True where there is no cache to fill."""
    cache_file = getattr(getattr(function, "_cache", None), "_cache_file", None)
    return cache_file is None or bool(cache_file._load_index())


@functools.cache
def cache_is_kept() -> bool:
    """Whether there is a folder that numba may keep compiled code in."""
    try:
        numba.njit(cache=True)(_digest_of_sources)  # looks for a folder; compiles nothing
    except RuntimeError:
        return False
    return True


def why_compiling() -> str:
    """What to tell who waits."""
    return _FIRST_RUN if cache_is_kept() else _NO_CACHE


def part(function: Function) -> Function:
    """Compile a function that only compiled ones call."""
    return cast(Function, numba.njit(**_OPTIONS, **_NO_ENTRY)(function))


def part_sum(function: Function) -> Function:
    """Compile a function that only compiled ones call, and that sums over the lanes of a whole block."""
    return cast(Function, numba.njit(**_REORDERED, **_NO_ENTRY)(function))


def inlined(function: Function) -> Function:
    """Make a function a part of every compiled function that calls it."""
    return cast(Function, numba.njit(inline="always", **_OPTIONS)(function))


def _digest_of_sources() -> bytes:
    sources = (path.read_bytes() for path in sorted(Path(__file__).parent.parent.rglob("*.py")))
    return hashlib.sha256(b"".join(source for source in sources if b"mixture.compiled import" in source)).digest()


_SOURCES = _digest_of_sources()
