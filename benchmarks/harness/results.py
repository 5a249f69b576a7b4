"""What a benchmark has found: a list of figures, as a table for people and as JSON for programs."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).parents[1] / "results"


class Result(NamedTuple):
    """One figure. What is not known or not asked for is None."""

    case: str
    metric: str
    unit: str
    ours: float
    peer: str | None = None  # whose figure stands beside ours
    peer_value: float | None = None
    ratio: float | None = None  # ours / peer_value, where that says something
    target: float | None = None  # of ours, or of the ratio
    met: bool | None = None

    def at_least(self, target: float) -> "Result":
        """With a floor."""
        return self._replace(target=target, met=self.ours >= target)

    def at_most(self, target: float) -> "Result":
        """With a ceiling."""
        return self._replace(target=target, met=self.ours <= target)

    def beside(self, peer: str, value: float) -> "Result":
        """With a peer's figure for the same."""
        return self._replace(peer=peer, peer_value=value, ratio=self.ours / value)

    def against(self, peer: str, value: float) -> "Result":
        """With a peer's figure for the same, where a ratio says nothing: logarithms, indices."""
        return self._replace(peer=peer, peer_value=value)

    def ratio_at_least(self, target: float) -> "Result":
        """With a floor under the ratio to the peer. Raises ValueError where no peer stands beside it."""
        if self.ratio is None:
            raise ValueError(f"{self.case}, {self.metric} has no peer; call beside() first")
        return self._replace(target=target, met=self.ratio >= target)


def progress(line: str) -> None:
    """How far a long run is, on standard error."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def report(name: str, results: Sequence[Result], heading: Sequence[str], folder: Path) -> None:
    """Print the table under its heading, and write `NAME.json` into the folder."""
    show(results, heading)
    write(name, results, folder)


def write(name: str, results: Sequence[Result], folder: Path) -> None:
    """Write `NAME.json` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [result._asdict() for result in results]
    (folder / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n")


def renew(name: str, results: Sequence[Result], folder: Path) -> None:
    """Write `NAME.json` with these in place of what it holds of their cases; what it holds of others stays.

    So a benchmark can be measured in parts, one after the other.
    """
    file, cases = folder / f"{name}.json", {result.case for result in results}
    before = json.loads(file.read_text()) if file.exists() else []
    write(name, [*(Result(**row) for row in before if row["case"] not in cases), *results], folder)


def show(results: Sequence[Result], heading: Sequence[str]) -> None:
    """A line for each figure; the columns of peers and targets only where there are some."""
    console = Console(width=None if Console().is_terminal else 240, highlight=False)
    for line in heading:
        console.print(line, markup=False)
    table = Table(box=None, pad_edge=False)
    shown = [field for field in Result._fields if any(getattr(result, field) is not None for result in results)]
    for field in shown:
        table.add_column(field.replace("_", " "), justify="right" if field in _NUMBERS else "left")
    for result in results:
        table.add_row(*(_cell(getattr(result, field)) for field in shown))
    console.print(table)


_NUMBERS = {"ours", "peer_value", "ratio", "target"}


def _cell(value: float | str | bool | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
