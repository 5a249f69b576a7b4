"""Score, learn, encode: from the vectors of a chunk of records to the assignments that are published."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.engine import by_time
from streamgmm.engine.learn import learn, passed, score
from streamgmm.engine.plan import Plan
from streamgmm.engine.react import gathered
from streamgmm.engine.sample import Sample, taken
from streamgmm.engine.values import Array, Chunk, Event, Live, Outgoing, Report, State, combined
from streamgmm.engine.watching import Watched, told, watch, watch_ahead
from streamgmm.mixture import averaging
from streamgmm.records import assignments, columns, dead_letters, headers
from streamgmm.records.columns import Int64, RecordColumns
from streamgmm.records.vectors import Rejection, Vectors

TOO_LARGE = "assignment_too_large"  # reason of a dead letter


class _Piece(NamedTuple):
    """Records between two M-steps."""

    rows: slice  # of the chunk's vectors
    records: slice
    filled: int  # vectors of weight above 0 in the batch by their end
    full: bool


class _Scored(NamedTuple):
    """What the assignments of a piece say of its vectors."""

    piece: _Piece
    responsibilities: Array  # (n, k)
    log_likelihood: Array  # (n,)
    outlier: NDArray[np.int8]  # (n,)
    model: int  # M-steps
    ids: Int64  # (k,)
    ids_version: int
    generation: int


class _Run(NamedTuple):
    """What the assignments of pieces with the same order of ids say; `model` is per record."""

    rows: slice  # of the chunk's vectors
    records: slice
    responsibilities: Array  # (n, k)
    log_likelihood: Array  # (n,)
    outlier: NDArray[np.int8]  # (n,)
    model: Int64  # (r,)
    ids: Int64  # (k,)
    ids_version: int
    generation: int


def assign(plan: Plan, state: State, live: Live, chunks: Sequence[Chunk]) -> tuple[State, Report]:
    """Assign and learn chunks in their order, by the model `live`."""
    reports = []
    for chunk in chunks:
        if len(chunk.columns.offsets):
            state, live, output, report = _assign_chunk(plan, state, live, chunk)
            state = _counted(state, chunk, output, learnt=not plan.frozen)
            reports.append(combined([output, report]))
    return state._replace(model=live), combined(reports)


def _assign_chunk(plan: Plan, state: State, live: Live, chunk: Chunk) -> tuple[State, Live, Report, Report]:
    """The model that has learnt the chunk, what is published of it, and what else is to be said."""
    state, live, parts, learnt = _score_and_learn(plan, state, live, chunk)
    runs = _runs(parts)
    output = _encode(plan, chunk, runs)
    published = _too_large(plan, chunk, output) or Report(assignments=(Outgoing(chunk.range.partition, output),))
    said = learnt._replace(
        scored=len(chunk.vectors.weights),
        log_likelihood=sum(float(run.log_likelihood.sum()) for run in runs),
        samples=tuple(_sample(chunk, run) for run in runs),
    )
    return state, live, published, said


def _counted(state: State, chunk: Chunk, report: Report, *, learnt: bool) -> State:
    totals = state.totals
    published = sum(len(out.columns.offsets) for out in report.assignments)
    refused = sum(len(out.columns.offsets) for out in report.dead_letters)
    rejected = (
        {**totals.rejected, TOO_LARGE: totals.rejected.get(TOO_LARGE, 0) + refused} if refused else totals.rejected
    )
    return state._replace(
        totals=totals._replace(
            published=totals.published + published,
            vectors=totals.vectors + learnt * int(np.count_nonzero(chunk.vectors.weights)),
            incomplete=totals.incomplete + learnt * int(np.count_nonzero(~_complete(chunk.vectors.matrix))),
            rejected=rejected,
        )
    )


def _complete(matrix: Array) -> NDArray[np.bool_]:
    """Rows (n,) of (n, d) without a missing feature."""
    missing = np.isnan(matrix)
    return np.asarray(~missing.any(axis=1)) if missing.any() else np.ones(len(matrix), np.bool_)


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


def _score_and_learn(plan: Plan, state: State, live: Live, chunk: Chunk) -> tuple[State, Live, list[_Scored], Report]:
    """Piece by piece between M-steps: score by the model as it stands, then learn when a batch is full."""
    parts: list[_Scored] = []
    said: list[Report] = []
    times = np.where(weighty(chunk.vectors) > 0, chunk.times, np.nan)
    ahead = watch_ahead(plan, live, chunk.vectors.matrix)
    filled = live.rested if plan.frozen else live.filled
    for piece in _pieces(chunk.vectors, filled, plan.learning.batch_size):
        live, part, changes = _score(plan, state, live, chunk, piece, ahead)
        parts.append(part)
        said.append(Report(events=tuple(changes)))
        live = passed(plan, live, piece.filled, _later(live.latest, times[piece.records]))
        if piece.full:
            state, live, learnt = learn(plan, state, live)
            said.append(learnt)
    return state, live if ahead is None else live._replace(drift=ahead.drift), parts, combined(said)


def _later(known: float | None, times: Array) -> float | None:
    """The largest of the times, where there is one."""
    newest = float(np.fmax.reduce(times, initial=-np.inf if known is None else known))
    return newest if np.isfinite(newest) else None


def _pieces(data: Vectors, filled: int, batch_size: int) -> Iterator[_Piece]:
    """Cut records at the ends of batches.

    A batch closes with the record that fills it; vectors of weight 0 fill nothing.
    """
    reached, ends = filled + np.cumsum(weighty(data)), np.cumsum(data.counts)
    record, row, base = 0, 0, 0
    while record < len(ends):
        last = int(np.searchsorted(reached, base + batch_size))
        full = last < len(ends)
        stop = last + 1 if full else len(ends)
        yield _Piece(slice(row, int(ends[stop - 1])), slice(record, stop), int(reached[stop - 1]) - base, full)
        record, row, base = stop, int(ends[stop - 1]), int(reached[stop - 1])


def _score(
    plan: Plan, state: State, live: Live, chunk: Chunk, piece: _Piece, ahead: Watched | None
) -> tuple[Live, _Scored, list[Event]]:
    rows, weights, before = chunk.vectors.matrix[piece.rows], chunk.vectors.weights[piece.rows], live.mixture
    mixture, info = score(plan, before, rows, weights)
    shown = averaging.scored_by_average(before, rows, plan.learning) if plan.averaged_scoring else info
    watched = watch(plan, live, rows) if ahead is None else ahead.part(piece.rows)
    live = live._replace(mixture=mixture, drift=watched.drift if ahead is None else live.drift)
    live = gathered(live, rows, weights)
    if watched.raised:
        live = live._replace(average_is_old=True, alarmed=bool(plan.actions))
    scored = _Scored(piece, *shown, watched.outlier, mixture.steps, live.ids, state.ids_version, state.generation)
    live, ended = _by_time(plan, live, chunk, scored)
    events = [*told(plan, watched, chunk, piece.rows.start), *ended]
    return live, scored, [event for _, event in sorted(events, key=itemgetter(0))]


def _by_time(plan: Plan, live: Live, chunk: Chunk, scored: _Scored) -> tuple[Live, list[tuple[int, Event]]]:
    """The windows of event time that ended, each with the row that ended it."""
    if plan.event_time_window is None:
        return live._replace(window=None), []
    records = scored.piece.records
    times = np.repeat(chunk.times[records], chunk.vectors.counts[records])
    component = scored.ids[scored.responsibilities.argmax(axis=1)]
    vectors = by_time.Vectors(times, scored.log_likelihood, scored.outlier, component)
    opened, ended = by_time.advance(live.window, vectors, plan.event_time_window)
    return live._replace(window=opened), ended


def _runs(parts: Sequence[_Scored]) -> list[_Run]:
    """Parts in which the order of ids is the same, put together."""
    groups = [list(group) for _, group in groupby(parts, key=lambda part: part.ids_version)]
    return [_run(group) for group in groups]


def _run(parts: Sequence[_Scored]) -> _Run:
    first, last = parts[0], parts[-1]
    lengths = [part.piece.records.stop - part.piece.records.start for part in parts]
    return _Run(
        rows=slice(first.piece.rows.start, last.piece.rows.stop),
        records=slice(first.piece.records.start, last.piece.records.stop),
        responsibilities=np.concatenate([part.responsibilities for part in parts]),
        log_likelihood=np.concatenate([part.log_likelihood for part in parts]),
        outlier=np.concatenate([part.outlier for part in parts]),
        model=np.repeat(np.array([part.model for part in parts], np.int64), lengths),
        ids=first.ids,
        ids_version=first.ids_version,
        generation=first.generation,
    )


def _sample(chunk: Chunk, run: _Run) -> Sample:
    """Some of the run's complete vectors: one with gaps has no place in a picture."""
    vectors = chunk.vectors.matrix[run.rows]
    complete = _complete(vectors)
    chosen = slice(None) if complete.all() else complete
    seen = Sample(vectors[chosen], run.responsibilities[chosen], run.ids, run.outlier[chosen])
    return taken(seen, chunk.range.start + run.records.start)


def _encode(plan: Plan, chunk: Chunk, runs: Sequence[_Run]) -> RecordColumns:
    """The output's records."""
    encoded = [_encode_run(plan, chunk, run) for run in runs]
    return encoded[0] if len(encoded) == 1 else columns.concatenate(encoded)


def _encode_run(plan: Plan, chunk: Chunk, run: _Run) -> RecordColumns:
    values = plan.encoder.encode(
        assignments.Assignments(
            component=run.ids[run.responsibilities.argmax(axis=1)],
            responsibilities=run.responsibilities,
            log_likelihood=run.log_likelihood,
            outlier=run.outlier,
            ids=run.ids,
            model=run.model,
            generation=run.generation,
            ids_version=run.ids_version,
            counts=chunk.vectors.counts[run.records],
        ),
        ~chunk.vectors.nested[run.records],
    )
    records = columns.take(chunk.columns, run.records)
    if plan.source_header:
        records = headers.source_headers(records, plan.topic, chunk.range.partition)
    return records._replace(values=values)


def weighty(decoded: Vectors) -> Int64:
    """Vectors of weight above 0 in each record (r,)."""
    ends = np.cumsum(decoded.counts)
    total = np.concatenate([[0], np.cumsum(decoded.weights > 0)])
    result: Int64 = total[ends] - total[ends - decoded.counts]
    return result
