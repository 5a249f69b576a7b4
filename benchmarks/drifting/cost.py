"""What watching and looking out cost beside learning, in processor time: all take the same vectors, in turn.

All take a fetch of 16 batches at once, as the service does (learning in a run), and then a batch at a time, as it does
where little comes.
"""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from benchmarks.drifting import mixtures, ours
from streamgmm.drift import monitor
from streamgmm.mixture import stepwise_em
from streamgmm.mixture.run import run

FEATURES = 8
_RUN_LENGTH, _BATCHES = 100_000, 16
LOOKING = {"learning.merge": {"merge": 0.8}, "learning.split": {"split": True}}


class Cost(NamedTuple):
    """Shares of an update (E-step, statistics, M-step) of the same vectors in the same calls, medians over rounds."""

    watching: float  # all of it
    beyond: float  # what watching takes beyond a second E-step with its statistics
    single: float  # watching a batch at a time
    single_beyond: float  # likewise
    looking: Mapping[str, float]  # what an update takes more by setting, a batch at a time


def cost(rounds: int) -> Cost:
    """Of a model of ten components and `FEATURES` features."""
    rng, of = np.random.default_rng(3), mixtures.mixture(FEATURES, FEATURES)
    model = ours.learnt(mixtures.draw(of, ours.SETTLE, rng), mixtures.COMPONENTS)
    reference = mixtures.draw(of, _RUN_LENGTH // 10, rng)
    watched = ours.calibrated(model, reference, _RUN_LENGTH, window=ours.window_for(_RUN_LENGTH), seed=0)
    size = ours.LEARNING.batch_size
    fetch = mixtures.draw(of, _BATCHES * size, rng)
    batches = np.split(fetch, _BATCHES)
    learning = [ours.LEARNING, *(ours.LEARNING._replace(**also) for also in LOOKING.values())]
    ends = list(range(size, len(fetch) + 1, size))
    turns = [
        lambda: monitor.update(watched.state, fetch, watched.plan),
        lambda: stepwise_em.score(model, fetch, None, ours.LEARNING),
        lambda: run(model, fetch, ends, ours.LEARNING),
        lambda: [monitor.update(watched.state, batch, watched.plan) for batch in batches],
        lambda: [stepwise_em.score(model, batch, None, ours.LEARNING) for batch in batches],
        *(_learns(model, batches, one) for one in learning),
    ]
    found = np.array([[_seconds(turn) for turn in turns] for _ in range(rounds + 1)])[1:]  # the first compiles
    watching, scoring, in_a_run, single, singles, update, *others = found.T
    shares = (
        watching / in_a_run,
        (watching - scoring) / in_a_run,
        single / update,
        (single - singles) / update,
    )
    looking = {name: float(np.median(other / update - 1)) for name, other in zip(LOOKING, others, strict=True)}
    return Cost(*(float(np.median(share)) for share in shares), looking)


def _learns(
    model: stepwise_em.State, batches: list[np.ndarray], learning: stepwise_em.Learning
) -> Callable[[], object]:
    """Goes on from where it was, so that checks fall where they do in a stream."""
    state = [model]

    def learn() -> None:
        for batch in batches:
            state[0], _ = stepwise_em.update(state[0], batch, learning)

    return learn


def _seconds(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began
