"""CSV in compiled code: the cells of Python's own `csv`, the values of its `int` and `float`, whatever the blocks."""

import csv
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from streamgmm.commands.rows import Choice, csv_file, rows_of
from streamgmm.errors import InputUnusable
from streamgmm.records.columns import Slices, string

Encoding = Literal["msgpack", "json"]
PIECES = st.sampled_from(
    ['"', '""', ",", "\n", "\r\n", "a", "é", "1.5", "-2", " ", "\\", "\x01", "nan", "3e5", "007", "+4"]
)
FREELY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def values(slices: Slices) -> Iterator[bytes]:
    return (string(slices, i) or b"" for i in range(len(slices.start)))


def decoded(file: Path, encoding: Encoding, size: int = 1000) -> list[Any]:
    read = msgspec.msgpack.decode if encoding == "msgpack" else json.loads
    return [read(value) for rows in rows_of(file, Choice(encoding), size) for value in values(rows.values)]


def cell(text: str, encoding: Encoding) -> object:
    """As Python reads it; JSON has no NaN."""
    if not text or "_" in text:
        return text or None
    for kind in (int, float):
        try:
            found = kind(text)
        except ValueError:
            continue
        return None if encoding == "json" and not math.isfinite(found) else found
    return text


def same(a: object, b: object) -> bool:
    return a == b or (a != a and b != b)  # noqa: PLR0124 - NaN


@FREELY
@given(pieces=st.lists(PIECES, max_size=30), encoding=st.sampled_from(["msgpack", "json"]), size=st.integers(1, 5))
@example(pieces=['"a""b"', "c", "\n"], encoding="json", size=1)
@example(pieces=["1", "\n", "\n", "\r\n", "2"], encoding="json", size=1)
def test_cells_are_those_of_the_standard_library(
    tmp_path: Path, pieces: list[str], encoding: Encoding, size: int
) -> None:
    text = "x\n" + "".join(pieces)
    (tmp_path / "a.csv").write_text(text, "utf-8", newline="")
    try:
        wanted = [row for row in csv.reader(io.StringIO(text, newline=""), strict=False) if row][1:]
    except csv.Error:
        wanted = [["too", "many"]]
    try:
        found = decoded(tmp_path / "a.csv", encoding, size)
    except InputUnusable as error:
        assert "closing quote" in str(error) or any(len(row) != 1 for row in wanted)
        return
    assert len(found) == len(wanted)
    assert all(same(row["x"], cell(texts[0], encoding)) for row, texts in zip(found, wanted, strict=True))


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_blocks_are_cut_at_the_ends_of_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: Encoding
) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 64)
    rows = [[str(i), repr(i / 7), f'say "{i}",\r\ntwice', ""] for i in range(200)]
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "x", "text", "none"], *rows])
    chunks = list(rows_of(tmp_path / "a.csv", Choice(encoding, "id"), 7))
    read = msgspec.msgpack.decode if encoding == "msgpack" else json.loads
    found = [read(value) for rows in chunks for value in values(rows.values)]
    assert found == [{"id": i, "x": i / 7, "text": f'say "{i}",\r\ntwice', "none": None} for i in range(200)]
    assert [int(key) for rows in chunks for key in values(rows.keys)] == list(range(200))
    assert sorted(rows.read for rows in chunks) == [rows.read for rows in chunks]
    assert chunks[-1].read == 1.0


def test_a_fault_names_its_line_behind_cells_of_several_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK", 64)
    (tmp_path / "a.csv").write_text('a,b\n"1\n\n",2\n' * 50 + "1,2,3\n4,5\n")
    with pytest.raises(InputUnusable, match=r"line 198: 3 cells|line 201: 3 cells"):
        decoded(tmp_path / "a.csv", "json")


def test_what_came_before_a_fault_comes_first(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n1\n2\n3,4\n")
    rows = rows_of(tmp_path / "a.csv", Choice("json"), 10)
    assert list(values(next(rows).values)) == [b'{"a":1}', b'{"a":2}']
    with pytest.raises(InputUnusable, match="line 4: 2 cells"):
        next(rows)


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
def test_numbers_beyond_64_bits_are_floats(tmp_path: Path, encoding: Encoding) -> None:
    (tmp_path / "a.csv").write_text(f"a\n{10**30}\n{2**63}\n{-(2**63)}\n1e-400\n")
    assert [row["a"] for row in decoded(tmp_path / "a.csv", encoding)] == [1e30, 2**63, -(2**63), 0.0]


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f8", "i1", "i8", "u8"])
def test_rows_of_an_array(tmp_path: Path, encoding: Encoding, kind: str) -> None:
    array = np.arange(-60, 60).astype(kind).reshape(6, 20) if kind != "u8" else np.full((2, 3), 2**63, kind)
    np.save(tmp_path / "a.npy", array)
    rows = list(rows_of(tmp_path / "a.npy", Choice(encoding), 4))
    read = msgspec.msgpack.decode if encoding == "msgpack" else json.loads
    assert [read(value) for some in rows for value in values(some.values)] == array.tolist()
    assert all(string(some.keys, 0) is None for some in rows)
