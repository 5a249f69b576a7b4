"""Programs that tests drive and that Debian packages: found, or installed where that is allowed."""

import os
import shutil
import subprocess

from tests.kafka.jars import CACHE, locked


def program(name: str, *, package: str) -> str:
    """The path of a program. Raises RuntimeError that says what to install."""
    if shutil.which(name) is None:
        _install(name, package)
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"package {package} is installed and holds no {name}")
    return found


def _install(name: str, package: str) -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise RuntimeError(f"these tests need {name}. On Debian and Ubuntu: apt-get install {package}")
    with locked(CACHE.parent / "apt.lock"):
        if shutil.which(name):
            return
        for step in (["update"], ["install", "-y", "--no-install-recommends", package]):
            done = subprocess.run(["apt-get", *step], capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"apt-get {' '.join(step)} failed:\n{(done.stdout + done.stderr)[-2000:]}")
