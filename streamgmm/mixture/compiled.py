"""How this package compiles: on the first call, without the interpreter's lock, kept in numba's cache.

Two kinds, for bits that do not depend on how a stream was cut:

- `compiled` may fuse a product and a sum, nothing else. What happens to one lane of a block is the same in every lane.
- `compiled_sum` may also reorder sums, so that they run over vector registers. The order is fixed when it is
  compiled; it may only be used for sums over a whole block.

Neither assumes that NaN and infinity are absent. What is `inlined` becomes a part of each function that calls it,
under that one's rules: a call that passes a block's arrays would cost as much as a loop over its lanes.

numba's cache notices a change in the file of the function that was called, not in the files of those that it calls.
So the stamp that its cache compares is replaced by a digest of every compiled file here.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function whose lanes are independent."""
    return cast(Function, _compile(function, {"contract"}))


def compiled_sum(function: Function) -> Function:
    """Compile a function that sums over the lanes of a whole block."""
    return cast(Function, _compile(function, {"contract", "reassoc"}))


def inlined(function: Function) -> Function:
    """Make a function a part of every compiled function that calls it."""
    return cast(Function, numba.njit(inline="always", nogil=True, error_model="numpy", fastmath={"contract"})(function))


def _compile(function: Callable[..., Any], fastmath: set[str]) -> Any:  # noqa: ANN401 (numba has no types)
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
    try:
        dispatcher = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # numba found no folder that it may write its cache to: compile in every process
        return numba.njit(**options)(function)
    cache_file = getattr(dispatcher._cache, "_cache_file", None)
    if cache_file is not None:
        cache_file._source_stamp = _SOURCES
    return dispatcher


def _digest_of_sources() -> bytes:
    sources = (path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return hashlib.sha256(
        b"".join(source for source in sources if b"@compiled" in source or b"@inlined" in source)
    ).digest()


_SOURCES = _digest_of_sources()
