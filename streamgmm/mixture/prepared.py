"""What is made of a model to see vectors with gaps by it, kept for the models that were asked for last.

A batch may come in many small calls, all under one model: each pattern is factorised in the first one that it is in.
What is kept is only what would be made again, number by number; a table belongs to one thread at a time.
"""

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from streamgmm.mixture.block import Model, padded
from streamgmm.mixture.patterns import Patterns, empty_patterns

_MOST = 3  # models: the live one, its average, the reference


class Prepared(NamedTuple):
    """Of one model."""

    source: Model  # as it was given
    model: Model  # padded
    mixture: Any  # what a pattern is made of
    tables: deque[Patterns]  # of patterns, which no thread is using


def prepared(model: Model, mixture: Callable[[Model, int], Any]) -> Prepared:
    """What is kept of a model with the same numbers, or made now. `mixture` is what makes patterns' source."""
    for one in tuple(_kept):
        if one.source.factors.ndim == model.factors.ndim and all(map(np.array_equal, one.source, model)):
            return _newest(one)
    wide = padded(model)
    made = Prepared(model, wide, mixture(wide, model.means.shape[1]), deque())
    return _newest(made)


def _newest(one: Prepared) -> Prepared:
    with _changing:
        for place, kept in enumerate(_kept):
            if kept is one:
                del _kept[place]
                break
        _kept.append(one)
    return one


def borrow(kept: Prepared) -> Patterns:
    """A table that is the caller's until it is put back."""
    try:
        table = kept.tables.pop()
    except IndexError:
        return empty_patterns(kept.model, kept.source.means.shape[1])
    table.used[table.used > 0] = -1
    return table


_kept: deque[Prepared] = deque(maxlen=_MOST)  # the one asked for last at the end
_changing = Lock()
