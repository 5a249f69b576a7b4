"""Answers of a long benchmark, each written down as soon as it is there: a run that was stopped can be gone on with."""

import hashlib
import json
import shutil
from functools import partial
from pathlib import Path

from benchmarks.harness.results import Result


def kept(folder: Path, question: "partial[object]") -> list[Result] | None:
    """The answer that an earlier run left to the same question, of the same size; None where there is none."""
    file = _file(folder, question)
    return [Result(**row) for row in json.loads(file.read_text())] if file.exists() else None


def keep(folder: Path, question: "partial[object]", answer: list[Result]) -> None:
    """Write an answer down, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = _file(folder, question).with_suffix(".new")
    unfinished.write_text(json.dumps([result._asdict() for result in answer]))
    unfinished.replace(_file(folder, question))


def forget(folder: Path) -> None:
    """Leave nothing to go on with."""
    shutil.rmtree(folder, ignore_errors=True)


def _file(folder: Path, question: "partial[object]") -> Path:
    asked = f"{question.func.__module__} {question.func.__qualname__} {question.args!r}"
    return folder / f"{hashlib.sha256(asked.encode()).hexdigest()[:16]}.json"
