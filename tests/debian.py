"""Programs that tests drive and that Debian packages: found, or installed where that is allowed."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.locked import locked

LOCK = Path(__file__).parents[1] / ".cache" / "apt.lock"


def program(name: str, *, package: str) -> str:
    """The path of a program. Raises RuntimeError that says what to install."""
    if shutil.which(name) is None:
        if not may_install():
            raise RuntimeError(f"these tests need {name}. On Debian and Ubuntu: apt-get install {package}")
        apt("update")
        apt("install", "-y", "--no-install-recommends", package)
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"package {package} is installed and holds no {name}")
    return found


def may_install() -> bool:
    """Root on a system with apt."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt(*arguments: str) -> None:
    """Run apt-get, one at a time whoever asks: it fails where another has its lock."""
    with locked(LOCK):
        done = subprocess.run(["apt-get", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"apt-get {' '.join(arguments)} failed:\n{(done.stdout + done.stderr)[-2000:]}")
