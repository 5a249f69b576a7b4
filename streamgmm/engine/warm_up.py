"""Before there is a model: records are gathered until they hold enough vectors to start one.

The buffer keeps the records in the order of their arrival. A checkpoint names the ranges of offsets they came from;
a restore reads these again.
"""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from streamgmm.drift import monitor
from streamgmm.engine.assign import assign
from streamgmm.engine.pieces import weighty
from streamgmm.engine.plan import Plan
from streamgmm.engine.stretch import joined
from streamgmm.engine.values import Array, Chunk, Event, Live, Range, Report, State, WarmUp
from streamgmm.errors import TooFewVectors
from streamgmm.mixture import selection, stepwise_em
from streamgmm.records import columns
from streamgmm.records.columns import RecordColumns

_PER_COMPONENT = 2  # vectors, at least


def needed(plan: Plan, n_features: int | None) -> int:
    """How many vectors the model starts from; with D unknown the least it can be."""
    return plan.warm_up or max(20, 5 * plan.candidates[-1] * ((n_features or 1) + 1))


def buffer(plan: Plan, state: State, waiting: WarmUp, chunks: Sequence[Chunk]) -> tuple[State, Report]:
    """Add chunks to the buffer; when it is full the model starts from its first records that are enough."""
    for chunk in chunks:
        if len(chunk.columns.offsets):
            waiting = _with(waiting, chunk)
    if waiting.n_vectors < needed(plan, state.n_features) and waiting.n_bytes < plan.warm_up_bytes:
        return state._replace(model=waiting), Report()
    return _start(plan, state, waiting, _enough(plan, state.n_features, waiting))


def _with(waiting: WarmUp, chunk: Chunk) -> WarmUp:
    """The chunk's bytes are copied: a fetch's buffer is not held for the few records in it that are waited with.

    A chunk that follows the last one is joined to it while the last is no larger, so that a partition read record by
    record gives few of them.
    """
    own = columns.of_records(list(columns.records_of(chunk.columns)), chunk.range.stop)
    buffered, n_vectors = waiting.buffered, waiting.n_vectors + int(weighty(chunk.vectors).sum())
    n_bytes = waiting.n_bytes + int(columns.sizes(own).sum())
    rows = np.arange(chunk.range.accepted)
    chunk = chunk._replace(columns=own, vectors=chunk.vectors._replace(accepted=rows, rejected=()))
    while buffered and _follows(buffered[-1].range, chunk.range) and _no_larger(buffered[-1], chunk):
        chunk, buffered = _joined(buffered[-1], chunk), buffered[:-1]
    return WarmUp((*buffered, chunk), n_vectors, n_bytes)


def _follows(a: Range, b: Range) -> bool:
    return (a.partition, a.stop) == (b.partition, b.start)


def _no_larger(last: Chunk, chunk: Chunk) -> bool:
    return len(last.columns.offsets) <= len(chunk.columns.offsets)


def _joined(a: Chunk, b: Chunk) -> Chunk:
    reach = b.range._replace(start=a.range.start, accepted=a.range.accepted + b.range.accepted)
    times = columns.frozen(np.concatenate([a.times, b.times]))
    return Chunk(reach, columns.concatenate([a.columns, b.columns]), joined([a.vectors, b.vectors]), times)


def _enough(plan: Plan, n_features: int | None, waiting: WarmUp) -> int:
    """How many records of a full buffer the model starts from.

    The first records that hold the wanted vectors or the buffer's bytes, whichever comes first; a record that
    carries no weight counts towards the bytes only.
    """
    counts = np.concatenate([weighty(chunk.vectors) for chunk in waiting.buffered])
    sizes = np.concatenate([columns.sizes(chunk.columns) for chunk in waiting.buffered])
    by_vectors = int(np.searchsorted(np.cumsum(counts), needed(plan, n_features)))
    by_bytes = int(np.searchsorted(np.cumsum(sizes), plan.warm_up_bytes))
    return min(by_vectors, by_bytes) + 1


def start_early(plan: Plan, state: State, waiting: WarmUp) -> tuple[State, Report]:
    """Start from what the buffer holds, because the stream has ended.

    Raises TooFewVectors when that cannot carry the components.
    """
    return _start(plan, state, waiting, sum(chunk.range.accepted for chunk in waiting.buffered))


def _start(plan: Plan, state: State, waiting: WarmUp, records: int) -> tuple[State, Report]:
    """Start the model from the first `records` of the buffer; all of the buffer is then assigned and learnt."""
    matrix, weights = _first_vectors(waiting, records)
    _check_enough(plan, int(np.count_nonzero(weights)))
    n_components, chosen = _n_components(plan, matrix, weights)
    seed = plan.learning.random_state
    mixture = stepwise_em.init(
        matrix, n_components, plan.learning, random_state=seed, weights=weights, start=plan.start
    )
    ids = columns.frozen(np.arange(state.next_id, state.next_id + n_components, dtype=np.int64))
    started = Event("model_started", {"vectors": len(matrix), "ids": ids.tolist()})
    state = state._replace(next_id=state.next_id + n_components)
    state, report = assign(plan, state, Live(mixture, ids, 0, 0.0, monitor.init()), waiting.buffered)
    return state, report._replace(events=(*chosen, started, *report.events))


def _n_components(plan: Plan, matrix: Array, weights: Array) -> tuple[int, tuple[Event, ...]]:
    """How many components to start with: the number asked for, or the candidate of the lowest BIC."""
    if len(plan.candidates) == 1:
        return plan.candidates[0], ()
    most = int(np.count_nonzero(weights)) // _PER_COMPONENT
    candidates = [k for k in plan.candidates if k <= most]
    seed = plan.learning.random_state
    choice = selection.choose_k(matrix, candidates, plan.learning, random_state=seed, weights=weights, start=plan.start)
    fields = {
        "n_components": choice.n_components,
        "criterion": "bic",
        "scores": {str(k): score for k, score in choice.scores.items()},
        "vectors": len(matrix),
    }
    return choice.n_components, (Event("components_chosen", fields),)


def _first_vectors(waiting: WarmUp, records: int) -> tuple[Array, Array]:
    rows = int(np.concatenate([chunk.vectors.counts for chunk in waiting.buffered])[:records].sum())
    matrix = np.concatenate([chunk.vectors.matrix for chunk in waiting.buffered])
    weights = np.concatenate([chunk.vectors.weights for chunk in waiting.buffered])
    return matrix[:rows], weights[:rows]


def _check_enough(plan: Plan, vectors: int) -> None:
    fewest = plan.candidates[0]
    wanted = _PER_COMPONENT * fewest
    if vectors < wanted:
        raise TooFewVectors(
            f"{vectors} vectors to learn from in topic {plan.topic} when the warm-up ended: too few to start "
            f"{fewest} components, which need {wanted}. Send more (rejected records do not count: see the "
            "dead letters), lower model.n_components, or raise learning.warm_up_bytes if that has ended the warm-up"
        )


# ---- restored


def part_of(plan: Plan, n_features: int | None, span: Range, arrived: RecordColumns) -> Chunk:
    """What of the records that are read again lies in a range that a checkpoint names as buffered."""
    inside = (arrived.offsets >= span.start) & (arrived.offsets < span.stop)
    records = columns.take(arrived, np.flatnonzero(inside))
    decoded, times = plan.clock.read(records, plan.decoder.decode(records, n_features))
    reach = span._replace(accepted=len(decoded.accepted))
    return Chunk(reach, columns.take(records, decoded.accepted), decoded._replace(rejected=()), times)


def refilled(spans: Sequence[Range], parts: Sequence[Sequence[Chunk]]) -> WarmUp:
    """The buffer as it was, from the parts of each range in the ranges' order."""
    waiting = WarmUp()
    for span, pieces in zip(spans, parts, strict=True):
        filled = [piece for piece in pieces if piece.range.accepted]
        if filled:
            waiting = _with(waiting, reduce(_joined, filled)._replace(range=span))
    return waiting
