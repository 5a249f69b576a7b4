"""What a command says and asks at the terminal, and how it waits for what it has begun."""

import asyncio
import os
import sys
from collections.abc import Coroutine, Iterable
from typing import Any

import typer

from streamgmm.errors import SettingsError


def finished(coroutine: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever the command returns
    """The one event loop. Ctrl-C, and a reader of our output that went away, are ways to stop as asked."""
    try:
        return asyncio.run(coroutine)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter's last flush fails
        raise typer.Exit(0) from None


def warn(text: str) -> None:
    """Something that the caller should know of, on stderr."""
    typer.echo(f"streamgmm: warning: {text}", err=True)


def confirm(question: str) -> None:
    """Ask before something is lost; no ends the program. Raises SettingsError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise SettingsError("this asks before it forgets a model, and there is no terminal to ask at: give --yes")
    if not typer.confirm(question):
        raise typer.Exit(0)


def show_lines(lines: Iterable[str]) -> None:
    """On stdout."""
    for line in lines:
        typer.echo(line)
