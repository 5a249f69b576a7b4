"""Input that cannot be read: stop there, or go on behind it, as the policies in the settings say."""

from typing import NamedTuple

from streamgmm.errors import CorruptBatch, RecordsLost
from streamgmm.settings import Input


class Behind(NamedTuple):
    """Where to go on, and why in a word."""

    partition: int
    offset: int
    reason: str


def left_out(error: RecordsLost | CorruptBatch, settings: Input) -> Behind | None:
    """Where to go on behind what cannot be read; None where the policy is to stop."""
    if isinstance(error, RecordsLost):
        return Behind(error.partition, error.available, "lost") if settings.on_lost_records == "skip" else None
    return Behind(error.partition, error.next_offset, "corrupt") if settings.on_corrupt == "skip" else None
