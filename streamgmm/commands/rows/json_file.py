"""JSON lines, line by line through msgspec: a line is a value as it stands, or the fields that are wanted of it."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from streamgmm.commands.rows.choice import Choice, Rows, encoder, share_read
from streamgmm.errors import InputUnusable
from streamgmm.records.columns import slices_of


def json_lines(file: Path, choice: Choice, size: int) -> Iterator[Rows]:
    """See `rows_of`."""
    encode, decode = encoder(choice.encoding), msgspec.json.Decoder().decode
    with file.open("rb") as raw:
        keys: list[bytes | None] = []
        values: list[bytes] = []
        for number, line in enumerate(raw, 1):
            if not (text := line.strip()):
                continue
            try:
                row = decode(text)
                keys.append(None if choice.key is None else _key(row[choice.key]))
                kept = row if choice.columns is None else {name: row[name] for name in choice.columns}
            except (msgspec.DecodeError, RecursionError) as error:
                raise InputUnusable(f"{file}, line {number}: not JSON: {error}") from error
            except (KeyError, TypeError) as error:
                raise InputUnusable(f"{file}, line {number}: not a map with the field {error}") from error
            values.append(text if kept is row and choice.encoding == "json" else encode(kept))
            if len(values) >= size:
                yield Rows(slices_of(keys), slices_of(values), share_read(raw, file))
                keys, values = [], []
        if values:
            yield Rows(slices_of(keys), slices_of(values), 1.0)


def _key(value: object) -> bytes | None:
    return value.encode() if isinstance(value, str) else None if value is None else msgspec.json.encode(value)
