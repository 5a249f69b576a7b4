"""Score, learn, encode: from the vectors of chunks of records to the assignments that are published."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.engine.pieces import complete
from streamgmm.engine.plan import Plan
from streamgmm.engine.sample import Sample, taken
from streamgmm.engine.score_and_learn import Scored, score_and_learn
from streamgmm.engine.stretch import Stretch, stretch
from streamgmm.engine.values import Array, Chunk, Live, Outgoing, Report, State, combined
from streamgmm.records import assignments, columns, dead_letters, headers
from streamgmm.records.columns import Int64, RecordColumns, Slices
from streamgmm.records.vectors import Rejection, Vectors

TOO_LARGE = "assignment_too_large"  # reason of a dead letter


class _Span(NamedTuple):
    """Pieces with the same order of ids, and what is published of them."""

    rows: slice  # of the vectors
    records: slice
    responsibilities: Array  # (n, k)
    log_likelihood: Array  # (n,)
    outlier: NDArray[np.int8]  # (n,)
    ids: Int64  # (k,)
    values: Slices  # (r,) of the output's records


def assign(plan: Plan, state: State, live: Live, chunks: Sequence[Chunk]) -> tuple[State, Report]:
    """Assign and learn chunks in their order, by the model `live`."""
    filled = [chunk for chunk in chunks if len(chunk.columns.offsets)]
    if not filled:
        return state._replace(model=live), Report()
    together = stretch(filled)
    done = score_and_learn(plan, state, live, together)
    spans = _spans(plan, together, done.parts)
    outputs = [_output(plan, chunk, _within(spans, together, number)) for number, chunk in enumerate(filled)]
    said = done.report._replace(
        scored=len(together.vectors.weights),
        log_likelihood=sum(float(span.log_likelihood.sum()) for span in spans),
    )
    report = combined([*outputs, said])
    return _counted(done.state, together.vectors, report, learnt=not plan.frozen)._replace(model=done.live), report


def _output(plan: Plan, chunk: Chunk, spans: Sequence[_Span]) -> Report:
    """What is published of a chunk."""
    output = _encode(plan, chunk, spans)
    published = _too_large(plan, chunk, output) or Report(assignments=(Outgoing(chunk.range.partition, output),))
    return published._replace(samples=tuple(_sample(chunk, span) for span in spans))


def _counted(state: State, vectors: Vectors, report: Report, *, learnt: bool) -> State:
    totals = state.totals
    published = sum(len(out.columns.offsets) for out in report.assignments)
    refused = sum(len(out.columns.offsets) for out in report.dead_letters)
    rejected = (
        {**totals.rejected, TOO_LARGE: totals.rejected.get(TOO_LARGE, 0) + refused} if refused else totals.rejected
    )
    return state._replace(
        totals=totals._replace(
            published=totals.published + published,
            vectors=totals.vectors + learnt * int(np.count_nonzero(vectors.weights)),
            incomplete=totals.incomplete + learnt * int(np.count_nonzero(~complete(vectors))),
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


def _spans(plan: Plan, of: Stretch, parts: Sequence[Scored]) -> list[_Span]:
    """Parts in which the order of ids is the same, put together and encoded at once."""
    groups = [list(group) for _, group in groupby(parts, key=lambda part: part.ids_version)]
    return [_span(plan, of.vectors, group) for group in groups]


def _span(plan: Plan, vectors: Vectors, parts: Sequence[Scored]) -> _Span:
    first, last = parts[0], parts[-1]
    records = slice(first.piece.records.start, last.piece.records.stop)
    lengths = [part.piece.records.stop - part.piece.records.start for part in parts]
    responsibilities = np.concatenate([part.responsibilities for part in parts])
    said = assignments.Assignments(
        component=first.ids[responsibilities.argmax(axis=1)],
        responsibilities=responsibilities,
        log_likelihood=np.concatenate([part.log_likelihood for part in parts]),
        outlier=np.concatenate([part.outlier for part in parts]),
        ids=first.ids,
        model=np.repeat(np.array([part.model for part in parts], np.int64), lengths),
        generation=first.generation,
        ids_version=first.ids_version,
        counts=vectors.counts[records],
    )
    return _Span(
        rows=slice(first.piece.rows.start, last.piece.rows.stop),
        records=records,
        responsibilities=responsibilities,
        log_likelihood=said.log_likelihood,
        outlier=said.outlier,
        ids=first.ids,
        values=plan.encoder.encode(said, ~vectors.nested[records]),
    )


def _within(spans: Sequence[_Span], of: Stretch, number: int) -> list[_Span]:
    """The parts of spans that lie in a chunk; their rows and records are counted from its first ones."""
    return [part for span in spans if (part := _part(span, of, number)) is not None]


def _part(span: _Span, of: Stretch, number: int) -> _Span | None:
    first, stop = (int(of.records[number + side]) for side in (0, 1))
    records = slice(max(span.records.start, first), min(span.records.stop, stop))
    if records.start >= records.stop:
        return None
    own = slice(max(span.rows.start, int(of.rows[number])), min(span.rows.stop, int(of.rows[number + 1])))
    rows = slice(own.start - span.rows.start, own.stop - span.rows.start)
    return span._replace(
        rows=_moved(own, -int(of.rows[number])),
        records=_moved(records, -first),
        responsibilities=span.responsibilities[rows],
        log_likelihood=span.log_likelihood[rows],
        outlier=span.outlier[rows],
        values=columns.cut(span.values, _moved(records, -span.records.start)),
    )


def _moved(span: slice, by: int) -> slice:
    return slice(span.start + by, span.stop + by)


def _sample(chunk: Chunk, span: _Span) -> Sample:
    """Some of the span's vectors, those with gaps too: each has a place along the features that it has."""
    seen = Sample(chunk.vectors.matrix[span.rows], span.responsibilities, span.ids, span.outlier)
    return taken(seen, chunk.range.start + span.records.start)


def _encode(plan: Plan, chunk: Chunk, spans: Sequence[_Span]) -> RecordColumns:
    """The output's records."""
    records = [columns.take(chunk.columns, span.records)._replace(values=span.values) for span in spans]
    output = columns.concatenate(records)
    return headers.source_headers(output, plan.topic, chunk.range.partition) if plan.source_header else output
