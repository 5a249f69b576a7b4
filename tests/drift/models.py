"""A small mixture, monitors that watch it, and streams from it."""

from functools import cache

import numpy as np

from streamgmm.drift import monitor
from streamgmm.drift.watch import Wanted
from streamgmm.mixture import covariance
from streamgmm.mixture.parameters import Parameters

FULL = covariance.by_name("full")
WEIGHTS = np.array([0.5, 0.3, 0.2])
MEANS = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])
SPREADS = np.array([[[1.0, 0.3], [0.3, 1.0]], [[2.0, 0.0], [0.0, 0.5]], [[1.0, -0.4], [-0.4, 1.0]]])
IDS = np.array([4, 5, 6])


def parameters(weights=WEIGHTS) -> Parameters:
    factors, sound = FULL.factorise(SPREADS)
    assert sound.all()
    return Parameters(np.array(weights), MEANS, SPREADS, factors)


def plan(**changes) -> monitor.Plan:
    detectors = changes.pop("detectors", ("ewma",))
    wanted = Wanted(changes.pop("window", 50), changes.pop("run_length", 20_000), 0, detectors)
    given = {"settle": 0, "settle_again": 0, "reference_size": 4000, "outlier_quantile": 0.01, "cool_down": 500}
    return monitor.Plan(**{**given, **changes}, wanted=wanted, covariance=FULL)


def draw(n: int, seed: int | list[int], weights=WEIGHTS, shift=(0.0, 0.0), memory=0.0) -> np.ndarray:
    """Vectors of the mixture; `shift` moves its first component.

    With probability `memory` a vector has the last one's component; its noise follows the last one's by as much.
    """
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, size=n, p=weights)
    fresh = rng.standard_normal((n, 2))
    for i in range(1, n if memory else 1):
        labels[i] = labels[i - 1] if rng.random() < memory else labels[i]
        fresh[i] = memory * fresh[i - 1] + np.sqrt(1 - memory**2) * fresh[i]
    noise = np.einsum("nij,nj->ni", np.linalg.cholesky(SPREADS)[labels], fresh)
    return MEANS[labels] + noise + np.where(labels[:, None] == 0, shift, 0.0)


def frozen(weights=WEIGHTS) -> monitor.State:
    return monitor.freeze(monitor.init(), parameters(weights), IDS, steps=3, learnt=50_000.0)


@cache
def watching(the_plan: monitor.Plan, seed: int = 0) -> monitor.State:
    state, info = monitor.update(frozen(), draw(the_plan.reference_size, seed), the_plan)
    assert info.calibrated
    return state
