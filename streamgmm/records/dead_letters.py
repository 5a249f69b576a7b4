"""Records that could not be learnt, on their way to the dead-letter topic: untouched, with headers that say why."""

from collections.abc import Sequence

import numpy as np

from streamgmm.records import headers
from streamgmm.records.columns import RecordColumns, slices_of, take
from streamgmm.records.vectors import Rejection

PREFIX = "streamgmm-error-"


def dead_letters(columns: RecordColumns, rejections: Sequence[Rejection], topic: str, partition: int) -> RecordColumns:
    """The rejected records with key, value, timestamp and headers as they were, and five headers more.

    These are `streamgmm-error-reason`, `-message`, `-topic`, `-partition` and `-offset`, all UTF-8 text.
    """
    rows = np.array([rejection.record for rejection in rejections], np.int64)
    letters, n = take(columns, rows), len(rejections)
    added = {
        "reason": [rejection.reason for rejection in rejections],
        "message": [rejection.message for rejection in rejections],
        "topic": [topic] * n,
        "partition": [str(partition)] * n,
        "offset": [str(offset) for offset in letters.offsets.tolist()],
    }
    for name, texts in added.items():
        values = slices_of([text.encode(errors="replace") for text in texts])
        letters = headers.append(letters, (PREFIX + name).encode(), values)
    return letters
