"""How much memory a call needs at its peak, beyond what the process had before it (Linux)."""

import re
from collections.abc import Callable
from pathlib import Path

_SELF = Path("/proc/self")


def peak_of(call: Callable[[], object]) -> int:
    """Bytes that the process's resident memory grew by, at its highest, while `call` ran; what it returns counts in."""
    call()  # code is loaded, scratch of the allocator is there
    (_SELF / "clear_refs").write_text("5")  # the mark of the highest falls to what is there now
    before = _status("VmRSS")
    kept = call()
    grown = _status("VmHWM") - before
    del kept
    return max(grown, 0)


def _status(field: str) -> int:
    found = re.search(rf"^{field}:\s+(\d+) kB", (_SELF / "status").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{_SELF / 'status'} has no {field}; this measures on Linux only")
    return int(found[1]) * 1024
