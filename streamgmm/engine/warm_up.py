"""Before there is a model: records are gathered until they hold enough vectors to start one.

The buffer keeps the records in the order of their arrival. A checkpoint names the ranges of offsets they came from;
a restore reads these again.
"""

import numpy as np
from numpy.typing import NDArray

from streamgmm.drift import monitor
from streamgmm.engine.assign import assign, weighty
from streamgmm.engine.plan import Plan
from streamgmm.engine.values import Array, Chunk, Event, Live, Range, Report, State, WarmUp
from streamgmm.errors import TooFewVectors
from streamgmm.mixture import stepwise_em
from streamgmm.records import columns
from streamgmm.records.columns import Int64, RecordColumns
from streamgmm.records.vectors import Vectors


def needed(plan: Plan, n_features: int | None) -> int:
    """How many vectors the model starts from; with D unknown the least it can be."""
    return plan.warm_up or max(20, 5 * plan.n_components * ((n_features or 1) + 1))


def buffer(plan: Plan, state: State, chunk: Chunk) -> tuple[State, Report]:
    """Add a chunk to the buffer; when it is full the model starts from its first records that are enough."""
    assert isinstance(state.model, WarmUp)  # noqa: S101 - the caller has looked
    if not len(chunk.columns.offsets):
        return state, Report()
    buffered = _with(state.model.buffered, chunk)
    enough = _enough(plan, state.n_features, buffered)
    state = state._replace(model=WarmUp(buffered))
    if enough is None:
        return state, Report()
    return _start(plan, state, _first_vectors(buffered, enough))


def _with(buffered: tuple[Chunk, ...], chunk: Chunk) -> tuple[Chunk, ...]:
    """Chunks of one partition that follow each other are joined while the last is no larger, so that few remain."""
    while buffered and buffered[-1].range.partition == chunk.range.partition and _no_larger(buffered[-1], chunk):
        chunk, buffered = _joined(buffered[-1], chunk), buffered[:-1]
    return (*buffered, chunk)


def _no_larger(last: Chunk, chunk: Chunk) -> bool:
    return len(last.columns.offsets) <= len(chunk.columns.offsets)


def _joined(a: Chunk, b: Chunk) -> Chunk:
    reach = Range(a.range.partition, a.range.start, b.range.stop)
    return Chunk(reach, columns.concatenate([a.columns, b.columns]), _joined_vectors(a.vectors, b.vectors))


def _joined_vectors(a: Vectors, b: Vectors) -> Vectors:
    """Of the accepted records only: the rows in their columns are their order."""
    fields = (np.concatenate(pair) for pair in zip(_arrays(a), _arrays(b), strict=True))
    matrix, weights, counts, nested = fields
    return Vectors(matrix, weights, counts, np.arange(len(counts)), nested, ())


def _arrays(v: Vectors) -> tuple[Array, Array, Int64, NDArray[np.bool_]]:
    return v.matrix, v.weights, v.counts, v.nested


def _enough(plan: Plan, n_features: int | None, buffered: tuple[Chunk, ...]) -> int | None:
    """How many records of the buffer the model starts from, or None while there are too few.

    The first records that hold the wanted vectors or the buffer's bytes, whichever comes first; a record that
    carries no weight counts towards the bytes only.
    """
    counts = np.concatenate([weighty(chunk.vectors) for chunk in buffered])
    sizes = np.concatenate([np.maximum(chunk.columns.values.length, 0) for chunk in buffered])
    by_vectors = int(np.searchsorted(np.cumsum(counts), needed(plan, n_features)))
    by_bytes = int(np.searchsorted(np.cumsum(sizes), plan.warm_up_bytes))
    first = min(by_vectors, by_bytes)
    return first + 1 if first < len(counts) else None


def _first_vectors(buffered: tuple[Chunk, ...], records: int) -> tuple[Array, Array]:
    if not buffered:
        return np.empty((0, 0)), np.empty(0)
    counts = np.concatenate([chunk.vectors.counts for chunk in buffered])
    rows = int(counts[:records].sum())
    matrix = np.concatenate([chunk.vectors.matrix for chunk in buffered])
    weights = np.concatenate([chunk.vectors.weights for chunk in buffered])
    return matrix[:rows], weights[:rows]


def start_early(plan: Plan, state: State) -> tuple[State, Report]:
    """Start from what the buffer holds, because the stream has ended.

    Raises TooFewVectors when that cannot carry the components.
    """
    assert isinstance(state.model, WarmUp)  # noqa: S101 - the caller has looked
    buffered = state.model.buffered
    return _start(plan, state, _first_vectors(buffered, sum(len(chunk.columns.offsets) for chunk in buffered)))


def _start(plan: Plan, state: State, first: tuple[Array, Array]) -> tuple[State, Report]:
    assert isinstance(state.model, WarmUp)  # noqa: S101 - the caller has looked
    matrix, weights = first
    _check_enough(plan, matrix, weights)
    mixture = stepwise_em.init(
        matrix, plan.n_components, plan.learning, random_state=plan.random_state, weights=weights
    )
    ids = columns.frozen(np.arange(state.next_id, state.next_id + plan.n_components, dtype=np.int64))
    buffered = state.model.buffered
    live = Live(mixture, ids, 0, 0.0, monitor.init())
    state = state._replace(model=live, next_id=state.next_id + plan.n_components)
    started = Event("model_started", {"vectors": len(matrix), "ids": ids.tolist()})
    state, report = assign(plan, state, buffered)
    return state, report._replace(events=(started, *report.events))


def _check_enough(plan: Plan, matrix: Array, weights: Array) -> None:
    learnt = int(np.count_nonzero(weights))
    if learnt < 2 * plan.n_components:
        raise TooFewVectors(
            f"{learnt} vectors to learn from in topic {plan.topic} when the warm-up ended: too few to start "
            f"{plan.n_components} components, which need {2 * plan.n_components}. "
            "Wait for more input, lower model.n_components, or raise learning.warm_up_bytes"
        )


def buffer_again(plan: Plan, state: State, partition: int, arrived: RecordColumns, stop: int) -> State:
    """Fill the warm-up's buffer from records that a checkpoint names as buffered; positions and totals stay."""
    assert isinstance(state.model, WarmUp)  # noqa: S101 - a checkpoint names buffered ranges in the warm-up only
    below = columns.take(arrived, np.flatnonzero(arrived.offsets < stop))
    decoded = plan.decoder.decode(below, state.n_features)
    accepted = columns.take(below, decoded.accepted)
    n_features = decoded.matrix.shape[1] if len(decoded.matrix) else state.n_features
    if not len(accepted.offsets):
        return state._replace(n_features=n_features)
    reach = Range(partition, int(accepted.offsets[0]), min(stop, arrived.position))
    buffered = _with(state.model.buffered, Chunk(reach, accepted, decoded._replace(rejected=())))
    return state._replace(model=WarmUp(buffered), n_features=n_features)
