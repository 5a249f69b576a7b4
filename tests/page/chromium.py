"""Debian's Chromium: where it is, and how it is started so that it asks nobody for anything."""

import os
import shutil
import subprocess

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",  # root has none
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--enable-precise-memory-info",
]


def installed() -> str:
    """The browser's path. Root gets it installed; raises FileNotFoundError where that cannot be."""
    if not shutil.which(CHROMIUM):
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise FileNotFoundError("the page is tested in Debian's chromium: apt-get install chromium")
        for command in (["update", "-q"], ["install", "-qy", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", *command], check=True, stdout=subprocess.DEVNULL)
    return CHROMIUM
