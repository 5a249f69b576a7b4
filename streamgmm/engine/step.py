"""The engine: from columns of records to columns of assignments, without clock, broker or await.

`step(plan, state, fetched)` follows each record one way: drop what the state already holds, decode or reject, score,
learn after every `batch_size` vectors, encode. The state is a value: who throws a new state away has undone the step.
Before there is a model the state is a warm-up buffer; the model starts from the first records that hold enough
vectors, and these are then assigned and learnt like any others.

The same sequence of records gives the same assignments and the same state, bit for bit, however it is cut into steps.
"""

from collections.abc import Mapping

import numpy as np

from streamgmm.engine import warm_up
from streamgmm.engine.assign import assign
from streamgmm.engine.plan import Plan
from streamgmm.engine.values import Chunk, Event, Outgoing, Range, Report, State, WarmUp, combined
from streamgmm.records import columns, dead_letters
from streamgmm.records.columns import RecordColumns
from streamgmm.records.vectors import Vectors


def init(positions: Mapping[int, int], n_features: int | None) -> State:
    """A state that has seen nothing and will read from `positions`."""
    return State(dict(positions), WarmUp(), n_features)


def step(plan: Plan, state: State, fetched: Mapping[int, RecordColumns]) -> tuple[State, Report]:
    """Take in a round: its partitions in ascending number, each by offset."""
    chunks, reports = list[Chunk](), list[Report]()
    for partition in sorted(fetched):
        state, chunk, refused = _arrived(plan, state, partition, fetched[partition])
        chunks.append(chunk)
        reports.append(refused)
    if isinstance(state.model, WarmUp):
        state, assigned = warm_up.buffer(plan, state, state.model, chunks)
    else:
        state, assigned = assign(plan, state, state.model, chunks)
    return state, combined([*reports, assigned])


def _arrived(plan: Plan, state: State, partition: int, arrived: RecordColumns) -> tuple[State, Chunk, Report]:
    """What of a partition's records is new and accepted, and what of it is set aside."""
    fresh = _not_yet_held(arrived, state.positions.get(partition, 0))
    chunk = _decode(plan, state, partition, fresh)
    state, refused = _advance(plan, state, chunk.vectors, fresh, partition)
    return state, chunk, refused._replace(learnt=(chunk.range,))


def _not_yet_held(arrived: RecordColumns, position: int) -> RecordColumns:
    first = int(np.searchsorted(arrived.offsets, position))
    return columns.take(arrived, np.arange(first, len(arrived.offsets))) if first else arrived


def _decode(plan: Plan, state: State, partition: int, fresh: RecordColumns) -> Chunk:
    decoded, times = plan.clock.read(fresh, plan.decoder.decode(fresh, state.n_features))
    accepted = columns.take(fresh, decoded.accepted) if decoded.rejected else fresh
    start = state.positions.get(partition, int(fresh.offsets[0]) if len(fresh.offsets) else fresh.position)
    return Chunk(Range(partition, start, max(start, fresh.position), len(decoded.accepted)), accepted, decoded, times)


def _advance(plan: Plan, state: State, decoded: Vectors, fresh: RecordColumns, partition: int) -> tuple[State, Report]:
    """Move the position past these records, and report those that are set aside."""
    totals = state.totals._replace(
        records=state.totals.records + len(fresh.offsets),
        rejected=_counted(state.totals.rejected, [rejection.reason for rejection in decoded.rejected]),
    )
    position = max(state.positions.get(partition, 0), fresh.position)
    n_features = decoded.matrix.shape[1] if len(decoded.matrix) else state.n_features
    state = state._replace(positions={**state.positions, partition: position}, totals=totals, n_features=n_features)
    newest = int(fresh.timestamps.max()) if len(fresh.timestamps) else None
    refused = _set_aside(plan, fresh, decoded, partition) if decoded.rejected else ()
    size = int(columns.sizes(fresh).sum())
    return state, Report(dead_letters=refused, records=len(fresh.offsets), n_bytes=size, last_timestamp=newest)


def _set_aside(plan: Plan, fresh: RecordColumns, decoded: Vectors, partition: int) -> tuple[Outgoing, ...]:
    return (Outgoing(partition, dead_letters.dead_letters(fresh, decoded.rejected, plan.topic, partition)),)


def _counted(counts: Mapping[str, int], reasons: list[str]) -> Mapping[str, int]:
    if not reasons:
        return counts
    return {reason: counts.get(reason, 0) + reasons.count(reason) for reason in sorted({*counts, *reasons})}


def skip(state: State, partition: int, stop: int, reason: str) -> tuple[State, Report]:
    """Go on at offset `stop`, because what lies before it cannot be read; the event says which offsets.

    `stop` lies before the position where the topic was made anew; then nothing counts as skipped.
    """
    state, event = skipped(state, Range(partition, state.positions[partition], stop, 0), reason)
    return state._replace(positions={**state.positions, partition: stop}), Report(events=(event,), by_records=False)


def skipped(state: State, span: Range, reason: str) -> tuple[State, Event]:
    """Count a range that could not be read, and say so."""
    count = max(0, span.stop - span.start)
    fields = {"partition": span.partition, "start": span.start, "stop": span.stop, "count": count, "reason": reason}
    totals = state.totals._replace(skipped=state.totals.skipped + count)
    return state._replace(totals=totals), Event("records_skipped", fields)
