"""What the tasks of a demo share: the learner's newest snapshot, its history, and the story so far."""

import asyncio
from collections.abc import Callable

from streamgmm.demo import history, story
from streamgmm.demo.datasets import Dataset, Population
from streamgmm.demo.story import Schedule
from streamgmm.service.snapshot import Snapshot

FED = frozenset({"warming_up", "running"})  # the phases in which the learner takes records


class Stage:
    """Told of every commit; asked by the feeder who arrives and by the screen what there is to see."""

    def __init__(self, dataset: Dataset, plan: Schedule, clock: Callable[[], float], first: Snapshot) -> None:
        self.dataset, self.plan, self.snapshot = dataset, plan, first
        self.history, self.story = history.init(), story.begin(0.0)
        self.before_change: Snapshot | None = None  # the newest snapshot of the usual population
        self.learner_ready, self.ended = asyncio.Event(), asyncio.Event()
        self._clock, self._began = clock, clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the records began to stream."""
        return self._clock() - self._began if self.learner_ready.is_set() else 0.0

    @property
    def population(self) -> Population:
        """Who arrives now."""
        return self.dataset.populations[self.story.population]

    def observe(self, snapshot: Snapshot) -> None:
        """The learner's observer."""
        self.snapshot = snapshot
        if snapshot.phase in FED and not self.learner_ready.is_set():
            self._began = self._clock()
            self.learner_ready.set()
        self.history = history.update(self.history, snapshot, self.elapsed)

    def next_population(self) -> Population:
        """Who arrives from now on; turns the page of the story where it is time."""
        after = story.advance(self.story, self.elapsed, self.snapshot.drift.state, self.plan)
        if self.before_change is None and after.first_change is not None:
            self.before_change = self.snapshot
        self.story = after
        return self.population
