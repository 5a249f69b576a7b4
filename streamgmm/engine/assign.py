"""Score, learn, encode: from the vectors of a chunk of records to the assignments that are published."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.drift import monitor
from streamgmm.engine.plan import Plan
from streamgmm.engine.sample import Sample, taken
from streamgmm.engine.values import Array, Chunk, Event, Live, Outgoing, Report, State, combined
from streamgmm.mixture import stepwise_em
from streamgmm.records import assignments, columns, dead_letters, headers
from streamgmm.records.columns import Int64, RecordColumns
from streamgmm.records.vectors import Rejection, Vectors

TOO_LARGE = "assignment_too_large"  # reason of a dead letter


class _Scores(NamedTuple):
    """Per vector, what an assignment says of it; `model` is per record."""

    responsibilities: Array  # (n, k)
    log_likelihood: Array  # (n,)
    outlier: NDArray[np.int8]  # (n,)
    model: Int64  # (r,)


def assign(plan: Plan, state: State, live: Live, chunks: Sequence[Chunk]) -> tuple[State, Report]:
    """Assign and learn chunks in their order, by the model `live`."""
    reports = []
    for chunk in chunks:
        if len(chunk.columns.offsets):
            live, output, report = _assign_chunk(plan, state, live, chunk)
            state = _counted(state, chunk, output)
            reports.append(combined([output, report]))
    return state._replace(model=live), combined(reports)


def _assign_chunk(plan: Plan, state: State, live: Live, chunk: Chunk) -> tuple[Live, Report, Report]:
    """The model that has learnt the chunk, what is published of it, and what else is to be said."""
    live, scores, events = _score_and_learn(plan, live, chunk.vectors)
    output = _encode(plan, state, chunk, scores, live.ids)
    published = _too_large(plan, chunk, output) or Report(assignments=(Outgoing(chunk.range.partition, output),))
    seen = Sample(chunk.vectors.matrix, scores.responsibilities, live.ids, scores.outlier)
    return (
        live,
        published,
        Report(
            events=tuple(events),
            scored=len(scores.outlier),
            log_likelihood=float(scores.log_likelihood.sum()),
            samples=(taken(seen, chunk.range.start),),
        ),
    )


def _counted(state: State, chunk: Chunk, report: Report) -> State:
    totals = state.totals
    published = sum(len(out.columns.offsets) for out in report.assignments)
    refused = sum(len(out.columns.offsets) for out in report.dead_letters)
    rejected = (
        {**totals.rejected, TOO_LARGE: totals.rejected.get(TOO_LARGE, 0) + refused} if refused else totals.rejected
    )
    return state._replace(
        totals=totals._replace(
            published=totals.published + published,
            vectors=totals.vectors + int(np.count_nonzero(chunk.vectors.weights)),
            rejected=rejected,
        )
    )


def _too_large(plan: Plan, chunk: Chunk, output: RecordColumns) -> Report | None:
    """Assignments that the output does not take become dead letters; None if there are none, as nearly always."""
    sizes, partition = columns.sizes(output), chunk.range.partition
    large = sizes > plan.largest_record
    if not large.any():
        return None
    rejections = [
        Rejection(row, TOO_LARGE, f"its assignment has {sizes[row]} bytes, the output takes {plan.largest_record}")
        for row in np.flatnonzero(large).tolist()
    ]
    letters = dead_letters.dead_letters(chunk.columns, rejections, plan.topic, partition)
    fitting = columns.take(output, np.flatnonzero(~large))
    return Report(assignments=(Outgoing(partition, fitting),), dead_letters=(Outgoing(partition, letters),))


def _score_and_learn(plan: Plan, live: Live, data: Vectors) -> tuple[Live, _Scores, list[Event]]:
    """Piece by piece between M-steps: score by the model as it stands, then learn when a batch is full."""
    parts: list[_Scores] = []
    events: list[Event] = []
    for rows, n_records, filled, full in _pieces(data, live.filled, plan.learning.batch_size):
        live, scores, changes = _score(plan, live, data.matrix[rows], data.weights[rows])
        parts.append(scores._replace(model=np.full(n_records, live.mixture.steps, np.int64)))
        events += changes
        live = live._replace(filled=filled)
        if full:
            live, frozen = _learn(plan, live)
            events += frozen
    return live, _Scores(*(np.concatenate(column) for column in zip(*parts, strict=True))), events


def _pieces(data: Vectors, filled: int, batch_size: int) -> Iterator[tuple[slice, int, int, bool]]:
    """Cut records at the ends of batches: rows, records, vectors that fill the batch so far, whether it is full.

    A batch closes with the record that fills it; vectors of weight 0 fill nothing.
    """
    reached, ends = filled + np.cumsum(weighty(data)), np.cumsum(data.counts)
    record, row, base = 0, 0, 0
    while record < len(ends):
        last = int(np.searchsorted(reached, base + batch_size))
        full = last < len(ends)
        stop = last + 1 if full else len(ends)
        yield slice(row, int(ends[stop - 1])), stop - record, int(reached[stop - 1]) - base, full
        record, row, base = stop, int(ends[stop - 1]), int(reached[stop - 1])


def _score(plan: Plan, live: Live, rows: Array, weights: Array) -> tuple[Live, _Scores, list[Event]]:
    mixture, info = stepwise_em.score(live.mixture, rows, weights, plan.learning)
    drift, outlier, events = _watch(plan, live, rows)
    scores = _Scores(info.responsibilities, info.log_likelihood, outlier, np.empty(0, np.int64))
    return live._replace(mixture=mixture, drift=drift), scores, events


def _watch(plan: Plan, live: Live, rows: Array) -> tuple[monitor.State, NDArray[np.int8], list[Event]]:
    if plan.drift is None or live.drift.frozen is None:
        return live.drift, np.full(len(rows), monitor.UNKNOWN), []
    under_reference = stepwise_em.log_likelihood(live.drift.frozen, rows, plan.learning.covariance)
    drift, info = monitor.update(live.drift, under_reference, plan.drift)
    return drift, info.outlier, [_drift_event(change, drift, plan.drift) for change in info.changes]


def _drift_event(change: monitor.Change, drift: monitor.State, plan: monitor.Plan) -> Event:
    assert drift.usual is not None  # noqa: S101 - without it nothing is an alarm
    return Event(
        "drift_raised" if change.raised else "drift_cleared",
        {
            "ewma": change.standardised,
            "limit": plan.limit,
            "window_log_likelihood": change.mean,
            "reference_log_likelihood": drift.usual.mean,
        },
    )


def _learn(plan: Plan, live: Live) -> tuple[Live, list[Event]]:
    """The M-step; the reference is taken at the first one after the model has settled."""
    mixture, info = stepwise_em.learn(live.mixture, plan.learning)
    events = [Event("covariances_repaired", {"steps": mixture.steps, "count": info.repairs})] if info.repairs else []
    live = live._replace(mixture=mixture, filled=0, step_size=info.step_size)
    settled = plan.drift is not None and mixture.time * plan.learning.batch_size >= plan.drift.settle
    if settled and live.drift.frozen is None:
        live = live._replace(drift=monitor.freeze(live.drift, mixture.parameters))
        events.append(Event("reference_frozen", {"steps": mixture.steps, "batches": mixture.time}))
    return live, events


def _encode(plan: Plan, state: State, chunk: Chunk, scores: _Scores, ids: Int64) -> RecordColumns:
    values = plan.encoder.encode(
        assignments.Assignments(
            component=ids[scores.responsibilities.argmax(axis=1)],
            responsibilities=scores.responsibilities,
            log_likelihood=scores.log_likelihood,
            outlier=scores.outlier,
            ids=ids,
            model=scores.model,
            generation=state.generation,
            ids_version=state.ids_version,
            counts=chunk.vectors.counts,
        ),
        ~chunk.vectors.nested,
    )
    records = chunk.columns
    if plan.source_header:
        records = headers.source_headers(records, plan.topic, chunk.range.partition)
    return records._replace(values=values)


def weighty(decoded: Vectors) -> Int64:
    """Vectors of weight above 0 in each record (r,)."""
    ends = np.cumsum(decoded.counts)
    total = np.concatenate([[0], np.cumsum(decoded.weights > 0)])
    result: Int64 = total[ends] - total[ends - decoded.counts]
    return result
