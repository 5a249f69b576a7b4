"""Makes frames of what the learner has committed, four times a second at most, and lets pages wait for them.

Between two frames it only keeps references; `beat` makes the next one when something has changed. Whoever watches
shares the processor with the learner: the longer a frame took on the way to the pages, the later the next one comes.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from streamgmm.engine.sample import MOST, Sample, spread
from streamgmm.engine.values import Event, Live, Outgoing, State
from streamgmm.mixture.arrays import Array
from streamgmm.records.columns import headers_of, string
from streamgmm.records.dead_letters import PREFIX
from streamgmm.service.live.frame import DeadLetter, Flow, Frame, Moment, Picture, n_points
from streamgmm.service.live.memory import resident_bytes
from streamgmm.service.live.ring import Ring
from streamgmm.service.live.steady import Said, said
from streamgmm.service.metrics import EndToEnd
from streamgmm.service.publisher import Committed
from streamgmm.service.snapshot import Snapshot
from streamgmm.service.view import View

BEAT = 0.25  # seconds between frames, at least
SLOWEST = 0.75  # and at most, while there is something new
SHARE = 0.02  # of the event loop's time that frames may take, pages included, down to the slowest beat
RATE_OVER = 5.0  # seconds that a rate is taken over
MOMENTS = 200  # events kept
DEAD_LETTERS = 8  # kept
MOST_CHUNKS = 4096  # sampled, that wait for the next frame; without a server none is made
PAYLOAD = 120  # bytes of a dead letter that are shown where that is allowed


class Recorder:
    """All methods are called on the event loop's thread. `clock` gives the seconds since the epoch.

    With `payloads` it keeps the beginning of what was in the last dead letters too. `cool_down` (vectors) is that of
    the alarm.
    """

    def __init__(
        self,
        first: Snapshot,
        clock: Callable[[], float] = time.time,
        *,
        payloads: bool = False,
        cool_down: int = 0,
    ) -> None:
        self.ring = Ring()
        self.view: View | None = None  # once it is known what runs
        self.n_components = 0  # that a model starts with at least
        self.moments: tuple[Moment, ...] = ()
        self.dead_letters: tuple[DeadLetter, ...] = ()
        self.born: Mapping[int, int | None] = {}  # vectors learnt when a component came, by id; None: not known
        self.closed = False  # no frame will follow
        self._snapshot, self._clock, self._payloads = first, clock, payloads
        self._cool_down = cool_down
        self._said: Said | None = None
        self._state: State | None = None
        self._flow = Flow(None, None, None, 0, None, None, None, None)
        self._passed: deque[tuple[float, int]] = deque()  # time, records: over the last seconds
        self._samples: deque[Sample] = deque(maxlen=MOST_CHUNKS)
        self._number, self._next_point = 0, 0
        self._changed, self._news = True, asyncio.Event()
        self._encoding = 0.0  # seconds since the last beat

    # ---- told by the learner

    def show(self, snapshot: Snapshot, state: State | None = None) -> None:
        """This is what there is to see from now on."""
        self._snapshot, self._changed = snapshot._replace(comparison=None), True  # which keeps models alive
        if state is not None:
            self._note_births(state)
            self._state = state
            self._flow = self._flow._replace(since=self._flow.since or self._clock())

    def committed(self, committed: Committed, latency: EndToEnd | None) -> None:
        """A transaction has ended well."""
        now, report, flow = self._clock(), committed.report, self._flow
        self._samples += report.samples
        self._note(now, report.events)
        if letters := tuple(_last_letters(now, report.dead_letters, payloads=self._payloads)):
            self.dead_letters = (*self.dead_letters, *letters)[-DEAD_LETTERS:]
        self._flow = flow._replace(
            latency_mean=latency.mean if latency else flow.latency_mean,
            latency_newest=latency.newest if latency else flow.latency_newest,
            commits=flow.commits + 1,
            commit_seconds=committed.seconds,
            checkpoint_time=flow.checkpoint_time if committed.checkpoint_bytes is None else now,
            checkpoint_bytes=committed.checkpoint_bytes or flow.checkpoint_bytes,
            last_records=now if report.records else flow.last_records,
        )

    # ---- asked by pages

    async def after(self, number: int) -> Frame | None:
        """The newest frame, once there is one with a higher number; None when there will be none."""
        while not self.closed:
            newest = self.ring.newest
            if newest is not None and newest.number > number:
                return newest
            await self._news.wait()
        return None

    def encoded(self, seconds: float) -> None:
        """Encoding took so long: for pages that look along different axes it goes on when the frame's turn is over."""
        self._encoding += seconds

    def newest(self) -> Frame:
        """The newest frame; the first one is made where there is none."""
        return self.ring.newest or self.make()

    def in_own_units(self, vector: Array) -> tuple[float, ...]:
        """A sampled vector (d,) with its transforms undone."""
        return self.view.in_own_units(vector) if self.view is not None else tuple(vector.tolist())

    # ---- frames

    async def beat(self) -> None:
        """Make frames until cancelled."""
        while True:
            began = time.perf_counter()
            if self._changed:
                self.make()
                await asyncio.sleep(0)  # the loop's next turn, in which the pages that wait for it send it
            rest = rest_after(max(time.perf_counter() - began, self._encoding))
            self._encoding = 0.0
            await asyncio.sleep(rest)

    def make(self) -> Frame:
        """A frame of what is to be seen now."""
        now = self._clock()
        self._number, self._changed = self._number + 1, False
        flow = self._flow._replace(rate=self._rate(now), memory_bytes=resident_bytes())
        samples = thinned(self._samples, self._next_point)
        self._samples.clear()
        self._said = said(self._said, self._snapshot.drift, now, self._cool_down)
        past = self._said.text, self.moments, self.dead_letters, self.born
        frame = Frame(self._number, now, self._snapshot, self._picture(), flow, samples, self._next_point, *past)
        self._next_point = self._next_point + n_points(frame)
        self.ring.add(frame)
        self._wake()
        return frame

    def close(self) -> None:
        """Let go of every page that waits."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _picture(self) -> Picture | None:
        live = self._state.model if self._state is not None else None
        return picture_of(live) if isinstance(live, Live) else None

    def _rate(self, now: float) -> float | None:
        if self._state is None:  # what is read back from a checkpoint has not been learnt just now
            return None
        self._passed.append((now, self._snapshot.totals.records))
        while len(self._passed) > 2 and now - self._passed[0][0] > RATE_OVER:
            self._passed.popleft()
        (began, before), (ended, after) = self._passed[0], self._passed[-1]
        return (after - before) / (ended - began) if ended > began and after >= before else None

    def _note(self, now: float, events: Iterable[Event]) -> None:
        told = [event for event in events if event.type != "summary"]
        last = self.moments[-1].number if self.moments else 0
        news = (Moment(number, now, event.type, event.fields) for number, event in enumerate(told, last + 1))
        self.moments = (*self.moments, *news)[-MOMENTS:] if told else self.moments

    def _note_births(self, state: State) -> None:
        """The first components came with the model; when a later one came is known if this process has seen it."""
        if not isinstance(state.model, Live):
            return
        ids = set(state.model.ids.tolist())
        if ids == self.born.keys():
            return
        now = None if self._state is None else state.totals.vectors  # what the first state has came before this process
        first = (i for i in ids if i < self.n_components or state.ids_version == 0)
        came = dict.fromkeys(ids, now) | dict.fromkeys(first, 0) | dict(self.born)
        self.born = {i: came[i] for i in ids}


def rest_after(taken: float) -> float:
    """Seconds until the next frame, where one took so many. On a machine that is busy the same frame takes longer."""
    return min(max(BEAT, taken / SHARE), SLOWEST)


def picture_of(live: Live) -> Picture:
    """References to what is drawn of a model."""
    mixture, reference = live.mixture, live.drift.reference
    frozen = None if reference is None else reference.parameters
    effective = mixture.statistics.mass * mixture.effective_sample_size
    return Picture(live.ids, mixture.parameters, effective, reference_rows(live), frozen)


def reference_rows(live: Live) -> Mapping[int, int]:
    """Where each component stands in the reference; one that came later is not in it."""
    reference = live.drift.reference
    return {} if reference is None else {component: row for row, component in enumerate(reference.ids.tolist())}


def thinned(samples: Sequence[Sample], first: int) -> tuple[Sample, ...]:
    """At most as many vectors as one step's sample has, spread evenly over all of them."""
    sizes = [len(sample.vectors) for sample in samples]
    if sum(sizes) <= MOST:
        return tuple(sample for sample in samples if len(sample.vectors))
    chosen, starts = spread(sum(sizes), first), np.cumsum([0, *sizes])
    cut = np.searchsorted(chosen, starts)
    parts = zip(samples, starts, cut[:-1], cut[1:], strict=False)
    return tuple(_rows(sample, chosen[i:j] - start) for sample, start, i, j in parts if j > i)


def _rows(sample: Sample, rows: np.ndarray) -> Sample:
    return Sample(sample.vectors[rows], sample.responsibilities[rows], sample.ids, sample.outlier[rows])


def _last_letters(now: float, outgoing: Iterable[Outgoing], *, payloads: bool) -> Iterator[DeadLetter]:
    for part in outgoing:
        letters = part.columns
        for row in range(max(0, len(letters.offsets) - DEAD_LETTERS), len(letters.offsets)):
            reason = dict(headers_of(letters, row)).get(f"{PREFIX}reason") or b""
            offset, payload = int(letters.offsets[row]), _beginning(string(letters.values, row)) if payloads else None
            yield DeadLetter(now, reason.decode(errors="replace"), part.partition, offset, payload)


def _beginning(value: bytes | None) -> str | None:
    """The first bytes as text; those that are none as \\x and their digits."""
    if value is None:
        return None
    return value[:PAYLOAD].decode(errors="backslashreplace") + ("…" if len(value) > PAYLOAD else "")
