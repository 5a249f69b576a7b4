"""Compile before the first vector waits for it."""

import math

import numpy as np

from streamgmm.mixture import background, start
from streamgmm.mixture import covariance as covariances
from streamgmm.mixture.initialise import Start
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.overlap import overlapping
from streamgmm.mixture.run import run
from streamgmm.mixture.scoring import log_likelihood
from streamgmm.mixture.stepwise_em import init, update

_START = Start(method=start.by_name("random"))  # has nothing compiled of its own, and loads no scipy


def warm_kernels(*names: str) -> None:
    """Compile what these types of covariance need (all of them unless named), or load it from the cache, so that the
    first vectors do not wait: those with gaps, and those scored under a reference, too.
    """
    rows = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [2.0, 0.0]]
    for name in names or ("full", "tied", "diag", "spherical"):
        beside = background.over([-1.0, -1.0], [3.0, 3.0])
        learning = Learning(covariances.by_name(name), batch_size=4, background=beside)
        state, _ = update(init(rows, 1, learning, start=_START), [*rows, [3.0, math.nan]], learning)
        alone = learning._replace(background=None)
        run(init(rows, 1, alone, start=_START), rows, [len(rows)], alone)
        log_likelihood(state.parameters, [*rows, [math.nan, 1.0]], learning.covariance)


def warm_lookout() -> None:
    """The same for what looks out for components that become one or two."""
    learning = Learning(covariances.by_name("diag"), batch_size=4, merge=0.999, split=True)
    rows = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]
    state, _ = update(init(rows, 1, learning, start=_START), rows, learning)
    update(state, rows, learning)
    overlapping(state.parameters, np.ones(1, np.bool_), 1.0, learning.covariance)
