"""The command line. Read `program.py` first; the groups of commands have a file each."""

from streamgmm.cli.program import app, main

__all__ = ["app", "main"]
