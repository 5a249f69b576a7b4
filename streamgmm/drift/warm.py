"""Compiling, or loading from the cache, what drift computes, so that no reference waits for it."""

from functools import partial

import numpy as np

from streamgmm.drift import calibration, diagnosis, likeness, scores
from streamgmm.drift.bank import NAMES, bank
from streamgmm.drift.e_step import e_step
from streamgmm.drift.joint.bounded import FAR, bounded
from streamgmm.drift.serial import Memory, serial
from streamgmm.drift.simulation import Sample, squares_of
from streamgmm.drift.transform import margins
from streamgmm.drift.truths import Frozen
from streamgmm.drift.usual import Known
from streamgmm.mixture import covariance
from streamgmm.mixture.arrays import frozen
from streamgmm.mixture.parameters import Parameters


def warm_kernels(name: str = "full") -> None:
    """Call every compiled function once, on a model of one component with that type of covariance."""
    kind = covariance.by_name(name)
    one = np.ones(kind.shape(1, 1))
    model = Parameters(*map(frozen, (np.ones(1), np.zeros((1, 1)), one, one)))
    held, layout = scores.held(model, kind), scores.layout(1, 1)
    vectors = frozen(np.linspace(-2, 2, 100)[:, None])
    output = e_step(model, held, vectors, kind)
    single, _ = scores.windows(held, vectors, output, 1, np.zeros(layout.size), 0)
    drawn = partial(likeness.drawn, Frozen(model, held, kind, 100.0, np.ones((5, 1))), vectors, Memory(0.0, 0.0), 0)
    share = likeness.kept(single, drawn(0), layout, learnt=100.0, factor=1.0)
    known = Known(np.full(5, 100.0), scores.expected(held), squares_of(drawn(0), layout), share, serial(single, layout))
    sample = Sample(single, drawn, len(single), single.mean(axis=0), known)
    calibration.limits(sample, bank(layout, NAMES), 10, 1000.0, seed=0, steps=2)
    bounded(layout, np.full((1, layout.size), 2 * FAR))
    flags = diagnosis.flagged(vectors, output.log_likelihood, 0.0, 0)
    found, seen = diagnosis.init(1), diagnosis.Seen(vectors, output.responsibilities)
    found = diagnosis.complete(diagnosis.gather(found, margins(model, kind), seen), 0.1)
    diagnosis.follow(found, margins(model, kind), seen, flags)
