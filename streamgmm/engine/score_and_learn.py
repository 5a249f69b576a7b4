"""Score vectors by the model as it stands, then learn them when a batch is full: piece by piece, in their order."""

from collections import deque
from collections.abc import Iterable
from itertools import islice, takewhile
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.engine import by_time
from streamgmm.engine.learn import learn, learn_run, passed, score
from streamgmm.engine.pieces import Piece, complete, pieces, weighty
from streamgmm.engine.plan import Plan
from streamgmm.engine.react import gathered
from streamgmm.engine.stretch import Stretch
from streamgmm.engine.values import Array, Event, Live, Report, State, combined
from streamgmm.engine.watching import Watched, began, told, watch, watch_ahead
from streamgmm.mixture import averaging
from streamgmm.mixture.run import is_ordinary
from streamgmm.mixture.state import Info
from streamgmm.records.columns import Int64
from streamgmm.records.vectors import Vectors


class Scored(NamedTuple):
    """What the assignments of a piece say of its vectors."""

    piece: Piece
    responsibilities: Array  # (n, k)
    log_likelihood: Array  # (n,)
    outlier: NDArray[np.int8]  # (n,)
    model: int  # M-steps
    ids: Int64  # (k,)
    ids_version: int
    generation: int


MOST_BATCHES = 128  # that are offered to one run


class Work(NamedTuple):
    """What is to be scored and learnt."""

    plan: Plan
    stretch: Stretch
    odd: Int64  # (n + 1,) how many vectors before each have gaps, or do not weigh 1
    times: Array  # (r,) event times of the records that carry weight, else NaN
    ahead: Watched | None  # what watching all of it came to, where that is known before


class Done(NamedTuple):
    """What one or more pieces came to."""

    state: State
    live: Live
    parts: list[Scored]
    report: Report


def score_and_learn(plan: Plan, state: State, live: Live, stretch: Stretch) -> Done:
    """The model that has learnt the stretch, what is to be published of it, and what is to be said."""
    times = np.where(weighty(stretch.vectors) > 0, stretch.times, np.nan)
    work = Work(plan, stretch, _odd(stretch.vectors), times, watch_ahead(plan, live, stretch.vectors.matrix))
    waiting = deque(pieces(stretch.vectors, live.rested if plan.frozen else live.filled, plan.learning.batch_size))
    parts, said = list[Scored](), list[Report]()
    while waiting:
        for form in (_ordinary, _one):
            done = form(work, state, live, waiting)
            state, live = done.state, done.live
            parts += done.parts
            said.append(done.report)
    live = live if work.ahead is None else live._replace(drift=work.ahead.drift)
    return Done(state, live._replace(began=began(plan, live, stretch)), parts, combined(said))


def _one(work: Work, state: State, live: Live, waiting: deque[Piece]) -> Done:
    """The next piece, whatever it asks for."""
    if not waiting:
        return Done(state, live, [], Report())
    piece = waiting.popleft()
    live, part, events = _score(work, state, live, piece)
    live = passed(work.plan, live, piece.filled, _later(live.latest, work.times[piece.records]))
    said = Report(events=tuple(events))
    if not piece.full:
        return Done(state, live, [part], said)
    state, live, learnt = learn(work.plan, state, live)
    return Done(state, live, [part], combined([said, learnt]))


def _ordinary(work: Work, state: State, live: Live, waiting: deque[Piece]) -> Done:
    """The next batches that are full and ask for nothing but to be learnt, in one go; none, where the next one does."""
    ahead, before = work.ahead, live.mixture
    if ahead is None or not _unasked(work.plan, live) or not (batches := _uneventful(work, ahead, waiting)):
        return Done(state, live, [], Report())
    first, stop = batches[0].rows.start, batches[-1].rows.stop
    ends = [piece.rows.stop - first for piece in batches]
    times = [_later(None, work.times[piece.records]) for piece in batches]
    live, info = learn_run(work.plan, live, work.stretch.vectors.matrix[first:stop], ends, times)
    parts, events = list[Scored](), list[Event]()
    for piece in batches[: live.mixture.steps - before.steps]:
        waiting.popleft()
        rows = slice(piece.rows.start - first, piece.rows.stop - first)
        of_piece = Info(info.responsibilities[rows], info.log_likelihood[rows])
        parts.append(_scored(state, live, piece, of_piece, ahead.outlier[piece.rows], before.steps + len(parts)))
        live, ended = _by_time(work, live, parts[-1])
        events += [event for _, event in ended]
    return Done(state, live, parts, Report(events=tuple(events)))


def _unasked(plan: Plan, live: Live) -> bool:
    """Whether nothing waits, and nothing is asked for but that vectors are scored and learnt."""
    if plan.frozen or plan.averaged_scoring or live.filled or live.latest is not None:
        return False
    if live.average_is_old or live.alarmed or live.recent is not None:
        return False
    return is_ordinary(live.mixture, plan.learning)


def _uneventful(work: Work, ahead: Watched, waiting: Iterable[Piece]) -> list[Piece]:
    """The full batches until the alarm changes next, a vector has gaps, or one does not weigh 1."""

    def plain(piece: Piece) -> bool:
        return piece.full and work.odd[piece.rows.start] == work.odd[piece.rows.stop] and not ahead.changed(piece.rows)

    return list(takewhile(plain, islice(waiting, MOST_BATCHES)))


def _odd(vectors: Vectors) -> Int64:
    """See `Work`."""
    return np.concatenate([[0], np.cumsum((vectors.weights != 1) | ~complete(vectors))])


def _score(work: Work, state: State, live: Live, piece: Piece) -> tuple[Live, Scored, list[Event]]:
    plan, ahead, before = work.plan, work.ahead, live.mixture
    rows, weights = work.stretch.vectors.matrix[piece.rows], work.stretch.vectors.weights[piece.rows]
    mixture, info = score(plan, before, rows, weights)
    shown = averaging.scored_by_average(before, rows, plan.learning) if plan.averaged_scoring else info
    watched = watch(plan, live, rows) if ahead is None else ahead.part(piece.rows)
    live = live._replace(mixture=mixture, drift=watched.drift if ahead is None else live.drift)
    live = gathered(live, rows, weights)
    if watched.raised:
        live = live._replace(average_is_old=True, alarmed=bool(plan.actions))
    scored = _scored(state, live, piece, shown, watched.outlier, mixture.steps)
    live, ended = _by_time(work, live, scored)
    events = [*told(plan, live, watched, work.stretch, piece.rows.start), *ended]
    return live, scored, [event for _, event in sorted(events, key=itemgetter(0))]


def _scored(state: State, live: Live, piece: Piece, info: Info, outlier: NDArray[np.int8], model: int) -> Scored:
    return Scored(piece, *info, outlier, model, live.ids, state.ids_version, state.generation)


def _later(known: float | None, times: Array) -> float | None:
    """The largest of the times, where there is one."""
    newest = float(np.fmax.reduce(times, initial=-np.inf if known is None else known))
    return newest if np.isfinite(newest) else None


def _by_time(work: Work, live: Live, scored: Scored) -> tuple[Live, list[tuple[int, Event]]]:
    """The windows of event time that ended, each with the row that ended it."""
    if work.plan.event_time_window is None:
        return live._replace(window=None), []
    records = scored.piece.records
    times = np.repeat(work.stretch.times[records], work.stretch.vectors.counts[records])
    component = scored.ids[scored.responsibilities.argmax(axis=1)]
    vectors = by_time.Vectors(times, scored.log_likelihood, scored.outlier, component)
    opened, ended = by_time.advance(live.window, vectors, work.plan.event_time_window)
    return live._replace(window=opened), ended
