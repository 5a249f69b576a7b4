"""A file's rows as the values and keys of records, some thousand at a time; the file is never held whole.

A CSV row becomes a map of its columns: a cell that reads as a number is one, an empty one is null, any other is text. A
line of JSON lines is a value as it stands. A row of a 2-d .npy becomes an array. Rows of CSV and .npy never become
objects: they go from the file's bytes into a buffer of values in compiled code.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from streamgmm.commands.rows.array_file import array_rows
from streamgmm.commands.rows.choice import Choice, Rows
from streamgmm.commands.rows.csv_file import csv_rows
from streamgmm.commands.rows.json_file import json_lines
from streamgmm.errors import SettingsError

__all__ = ["Choice", "Rows", "rows_of"]

_READERS: dict[str, Callable[[Path, Choice, int], Iterator[Rows]]] = {
    ".csv": csv_rows,
    ".jsonl": json_lines,
    ".ndjson": json_lines,
    ".json": json_lines,
    ".npy": array_rows,
}


def rows_of(file: Path, choice: Choice, size: int) -> Iterator[Rows]:
    """The file's rows, at most `size` at a time.

    Raises SettingsError for a kind of file or a column that there is not, InputUnusable naming a line that cannot be
    read; the rows before it come first.
    """
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise SettingsError(
            f"{file}: replays {', '.join(_READERS)} files, not {file.suffix or 'files without an ending'}"
        )
    try:
        yield from reader(file, choice, size)
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error
