"""What is asked of a file's rows, and what they become."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import msgspec
import numpy as np

from streamgmm.records.columns import NULL, RecordColumns, Slices, bytes_of, empty_slices, frozen

Encoding = Literal["msgpack", "json"]


class Choice(NamedTuple):
    """What becomes of a row: how a value is written, the column that is the key, the columns written (None: all)."""

    encoding: Encoding
    key: str | None = None
    columns: Sequence[str] | None = None


class Rows(NamedTuple):
    """Some rows in order, and how much of the file has been read after them (0 to 1)."""

    keys: Slices
    values: Slices
    read: float

    @property
    def size(self) -> int:
        """The number of rows."""
        return len(self.values.start)

    def columns(self) -> RecordColumns:
        """Records of now; the broker gives them their offsets."""
        n = self.size
        none, now = np.zeros(n, np.int64), np.full(n, time.time_ns() // 1_000_000)
        offsets = frozen(np.arange(n))
        return RecordColumns(offsets, frozen(now), self.keys, self.values, empty_slices(n), frozen(none), n)


def no_keys(n: int) -> Slices:
    """n keys that are null."""
    return Slices(bytes_of(b""), frozen(np.zeros(n, np.int64)), frozen(np.full(n, NULL, np.int64)))


def encoder(encoding: Encoding) -> Callable[[Any], bytes]:
    """Any one value as msgpack or JSON."""
    made = msgspec.msgpack.Encoder() if encoding == "msgpack" else msgspec.json.Encoder()
    return made.encode


def share_read(raw: BinaryIO, file: Path) -> float:
    """How much of the file has been read (0 to 1)."""
    return min(raw.tell() / max(file.stat().st_size, 1), 1.0)
