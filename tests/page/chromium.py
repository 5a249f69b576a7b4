"""Debian's Chromium: where it is, and how it is started so that it asks nobody for anything."""

from tests.debian import program

ARGUMENTS = [
    "--no-sandbox",  # root has none
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--enable-precise-memory-info",
]


def installed() -> str:
    """The browser's path. Raises RuntimeError where it is missing and cannot be installed."""
    return program("chromium", package="chromium")
