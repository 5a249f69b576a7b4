"""What an audit found, as numbers, as a verdict, and as lines to read."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

EXAMPLES = 5  # positions shown of what is missing and of what is there twice


class AuditReport(NamedTuple):
    """Numbers of records from the start positions to the checkpoint's. Positions are `topic/partition offset n`."""

    model: str
    mode: Literal["exactly_once", "at_least_once"]
    committed: bool = True  # False: there is no checkpoint yet, and nothing to prove
    input: int = 0
    assigned: int = 0
    dead_lettered: int = 0
    waiting: int = 0  # in the warm-up's buffer
    skipped: int = 0  # left out on purpose, as events say
    missing: int = 0
    duplicated: int = 0
    taken_from_input: int = 0  # offsets that retention took before they could be audited
    taken_from_output: int = 0  # records whose output is gone where retention or compaction took that much
    missing_examples: tuple[str, ...] = ()
    duplicated_examples: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()  # what should be there and could not be read: it is not vouched for
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """All was read, nothing is missing and, in exactly_once, nothing is there twice."""
        return self._kept and not self.unreadable

    @property
    def _kept(self) -> bool:
        return self.missing == 0 and (self.duplicated == 0 or self.mode == "at_least_once")

    def lines(self) -> Iterator[str]:
        """The report for people."""
        if not self.committed:
            yield f"model {self.model}: nothing has been committed yet, so there is nothing to audit"
            return
        yield f"model {self.model}, {self.mode}, records from the start positions to the checkpoint's:"
        yield from self._counts()
        yield from (f"missing: {position}" for position in self.missing_examples)
        yield from (f"duplicated: {position}" for position in self.duplicated_examples)
        yield from (f"not readable: {line}" for line in self.unreadable)
        yield from self.notes
        yield self._verdict()

    def _counts(self) -> Iterator[str]:
        shown = {
            "input": self.input,
            "assigned": self.assigned,
            "dead-lettered": self.dead_lettered,
            "missing": self.missing,
            "duplicated": self.duplicated,
        }
        rare = {
            "waiting in the warm-up": self.waiting,
            "skipped, as events say": self.skipped,
            "taken from the input by retention (offsets)": self.taken_from_input,
            "taken from the outputs by retention or compaction": self.taken_from_output,
        }
        rows = shown | {name: count for name, count in rare.items() if count}
        width = max(map(len, rows))
        yield from (f"  {name:<{width}}  {count:>12,}" for name, count in rows.items())

    def _verdict(self) -> str:
        if not self._kept:
            return "FAILED: the delivery is not what was promised"
        if self.unreadable:
            return "FAILED: nothing is proven of what could not be read"
        if self.duplicated:
            return "ok: nothing is missing (at_least_once allows duplicates)"
        return "ok: every record is there, none twice"
