"""Many rows, a piece at a time: what a pass needs beside its rows and its output does not grow with them.

The kernels give the same bits however the rows are cut.
"""

from collections.abc import Iterator

import numpy as np

from streamgmm.mixture.arrays import Array, frozen, sealed
from streamgmm.mixture.block import BLOCK, Output, Rows

LONGEST = 1 << 16  # rows of a piece
_MOST_NUMBERS = 1 << 20  # in a piece and its output
_ONES = sealed(np.ones(LONGEST))


def ones(count: int) -> Array:
    """The weights of rows that weigh 1 each: a view that takes no memory, however many they are."""
    return _ONES[:count] if count <= LONGEST else np.broadcast_to(_ONES[:1], count)


def empty_output(rows: Rows, components: int) -> Output:
    """Room for what becomes known of the rows."""
    count = len(rows.vectors)
    return Output(np.empty((count, components)), np.empty(count))


def pieces(rows: Rows, output: Output) -> Iterator[tuple[Rows, Output]]:
    """The rows as the kernels take them, each piece with its place in the output."""
    width = rows.vectors.shape[1] + output.responsibilities.shape[1]
    if len(rows.vectors) <= _longest(width):
        yield Rows(frozen(rows.vectors), frozen(rows.weights)), output
        return
    for part in _of_whole_blocks(len(rows.vectors), width):
        piece = Rows(frozen(rows.vectors[part]), frozen(rows.weights[part]))
        yield piece, Output(output.responsibilities[part], output.log_likelihood[part])


def spans(count: int, width: int) -> Iterator[slice]:
    """Where the pieces of so many rows lie that each take so many numbers."""
    return _cut(count, min(LONGEST, max(_MOST_NUMBERS // width, 1)))


def _of_whole_blocks(count: int, width: int) -> Iterator[slice]:
    """As `spans`, for who works in blocks."""
    return _cut(count, _longest(width))


def _cut(count: int, longest: int) -> Iterator[slice]:
    for start in range(0, count, longest):
        yield slice(start, min(start + longest, count))


def _longest(width: int) -> int:
    """Rows of a piece where each comes with so many numbers: whole blocks, and no fewer than sixteen."""
    return min(LONGEST, max(_MOST_NUMBERS // width // BLOCK, 16) * BLOCK)
