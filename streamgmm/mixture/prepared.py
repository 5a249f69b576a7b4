"""What is made of a model to see vectors with gaps by it, kept until another model comes.

A batch may come in many small calls, all under one model: each pattern is factorised in the first one that it is in.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from streamgmm.mixture.block import Model, padded
from streamgmm.mixture.patterns import Patterns, empty_patterns


class Prepared(NamedTuple):
    """Of one model."""

    source: Model  # as it was given
    model: Model  # padded
    mixture: Any  # what a pattern is made of
    tables: list[Patterns]  # of patterns, which no thread is using


def prepared(model: Model, mixture: Callable[[Model, int], Any]) -> Prepared:
    """What is kept of a model with the same numbers, or made now. `mixture` is what makes patterns' source."""
    for last in _last:
        if last.source.factors.ndim == model.factors.ndim and all(map(np.array_equal, last.source, model)):
            return last
    wide = padded(model)
    _last[:] = [Prepared(model, wide, mixture(wide, model.means.shape[1]), [])]
    return _last[0]


def borrow(kept: Prepared) -> Patterns:
    """A table that is the caller's until it is put back."""
    table = kept.tables.pop() if kept.tables else empty_patterns(kept.model, kept.source.means.shape[1])
    table.used[table.used > 0] = -1
    return table


_last: list[Prepared] = []
