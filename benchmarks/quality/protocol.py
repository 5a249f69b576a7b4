"""The protocol of Nguyen, Forbes and McLachlan 2020, by the parts of this mixture.

Every vector gets a random label, and the moments of these groups are the start. Then 1 000 steps on 10 000 vectors
each, drawn from the whole anew, with the step size (1 - 1e-10) r ** -.6: ten passes. No averaging, no truncation, no
regularisation; the last model is the result.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from benchmarks.quality.truth import FULL, Matrix
from streamgmm.mixture import stepwise_em
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.parameters import Parameters, m_step
from streamgmm.mixture.statistics import Statistics, blend

BATCH, STEPS, EXPONENT = 10_000, 1_000, 0.6
_LEARNING = Learning(FULL, BATCH, exponent=1.0, delay=0.0, reg_relative=0.0)


class Quartiles(NamedTuple):
    """Of the log-likelihoods of a hundred samples."""

    first: float
    median: float
    third: float


# Of the authors' own runs without truncation, batches of 10 000: Manuscript_files/Iris1.txt and ELKI1.txt, second
# column, of https://github.com/hiendn/StoEMMIX.
PUBLISHED: Mapping[str, Quartiles] = {
    "Iris1": Quartiles(-1_254_393, -1_253_118, -1_251_672),
    "ELKI1": Quartiles(1_462_305, 1_470_232, 1_471_369),
}


def learnt(vectors: Matrix, components: int, rng: np.random.Generator, steps: int = STEPS) -> Parameters:
    """The model after the last step."""
    statistics = _moments(vectors, rng.integers(components, size=len(vectors)), components)
    parameters = m_step(statistics, _round(statistics), _LEARNING)[0]
    for step in range(1, steps + 1):
        batch = vectors[rng.choice(len(vectors), BATCH, replace=False, shuffle=False)]
        gain = (1 - 1e-10) * step**-EXPONENT
        statistics = blend(statistics, _expected(statistics, parameters, batch), gain, FULL)
        parameters = m_step(statistics, parameters, _LEARNING)[0]
    return parameters


def _moments(vectors: Matrix, labels: np.ndarray, components: int) -> Statistics:
    groups = [vectors[labels == k] for k in range(components)]
    shares = np.array([len(group) for group in groups]) / len(vectors)
    scatter = np.stack([np.cov(group.T, bias=True) for group in groups]) * shares[:, None, None]
    return Statistics(shares, np.stack([group.mean(axis=0) for group in groups]), scatter)


def _round(statistics: Statistics) -> Parameters:
    """What an M-step falls back on that has no last good covariance."""
    unit = np.broadcast_to(np.eye(statistics.mean.shape[1]), statistics.scatter.shape).copy()
    return Parameters(statistics.mass, statistics.mean, unit, unit)


def _expected(statistics: Statistics, parameters: Parameters, batch: Matrix) -> Statistics:
    """A batch's own statistics: those after a step that forgets all else, as exponent 1 and delay 0 make the first."""
    state = stepwise_em.begin(statistics, parameters, _LEARNING)
    return stepwise_em.update(state, batch, _LEARNING)[0].statistics
