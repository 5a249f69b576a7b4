"""What watching costs beside learning, in processor time: both take the same vectors, in turn."""

import time
from collections.abc import Callable

import numpy as np

from benchmarks.drifting import mixtures, ours
from streamgmm.drift import monitor
from streamgmm.mixture import stepwise_em

FEATURES = 8
_RUN_LENGTH, _BATCHES, _ROUNDS = 100_000, 16, 60


def ratio(rounds: int = _ROUNDS) -> float:
    """Time of the drift monitor over that of the update (E-step, statistics, M-step), median over rounds."""
    rng, of = np.random.default_rng(3), mixtures.mixture(FEATURES, FEATURES)
    model = ours.learnt(mixtures.draw(of, ours.SETTLE, rng), mixtures.COMPONENTS)
    reference = mixtures.draw(of, _RUN_LENGTH // 10, rng)
    watched = ours.calibrated(model, reference, _RUN_LENGTH, window=ours.window_for(_RUN_LENGTH), seed=0)
    size = ours.LEARNING.batch_size
    batches = np.split(mixtures.draw(of, _BATCHES * size, rng), _BATCHES)

    def learns() -> None:
        for batch in batches:
            stepwise_em.update(model, batch, ours.LEARNING)

    def watches() -> None:
        for batch in batches:
            monitor.update(watched.state, batch, watched.plan)

    found = [(_seconds(watches), _seconds(learns)) for _ in range(rounds)]
    return float(np.median([watching / learning for watching, learning in found]))


def _seconds(call: Callable[[], None]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began
