"""How much memory a call needs for a while, beside what it was given and what it gives back (Linux, glibc)."""

import ctypes
import re
from collections.abc import Callable
from pathlib import Path

_SELF = Path("/proc/self")


def beside_what_is_kept(call: Callable[[], object]) -> int:
    """Bytes by which the process's resident memory at its highest, while `call` ran, was above what it is with the
    result kept and all else given back to the system.
    """
    call()  # code is loaded, threads have started
    _give_back_what_is_free()
    (_SELF / "clear_refs").write_text("5")  # the mark of the highest falls to what is there now
    kept = call()
    highest = _status("VmHWM")
    _give_back_what_is_free()
    after = _status("VmRSS")
    del kept
    return highest - after


def _give_back_what_is_free() -> None:
    ctypes.CDLL(None).malloc_trim(0)  # the allocator would keep what was freed, and a call that uses it look small


def _status(field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB", (_SELF / "status").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{_SELF / 'status'} has no {field}; this measures on Linux only")
    return int(found[1]) * 1024
