"""What is usual of a stream and the limits of the detectors, once a reference is complete; and the detectors' state."""

import math
from functools import partial
from typing import NamedTuple

import numpy as np

from streamgmm.drift import calibration, scores
from streamgmm.drift.bank import Bank, bank
from streamgmm.drift.e_step import e_step
from streamgmm.drift.information import fractions
from streamgmm.drift.joint.interface import State, nothing
from streamgmm.drift.likeness import drawn, kept
from streamgmm.drift.reference import Gathering, Reference, layout_of
from streamgmm.drift.scores import MEAN, Held, Places
from streamgmm.drift.serial import UNRELATED, memory, serial, together
from streamgmm.drift.simulation import Sample, moments_of, pools, squares_of
from streamgmm.drift.truths import Frozen, spread
from streamgmm.drift.usual import Known, Usual, usual
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.covariance import Covariance

_MOST = 1.5  # times its limit that a value which lasts grows to
LARGEST_RATIO = 10  # run length to reference: with fewer vectors it cannot be held


class Wanted(NamedTuple):
    """What the settings want of a calibration."""

    window: int
    run_length: int
    seed: int
    detectors: tuple[str, ...] = ("ewma",)  # names of `bank`

    def alike(self, other: "Wanted") -> bool:
        """Whether limits for one are limits for the other: whatever the seed, and the order of the detectors."""
        if self == other:
            return True
        mine, theirs = self._replace(seed=0, detectors=()), other._replace(seed=0, detectors=())
        return mine == theirs and set(self.detectors) == set(other.detectors)


class Standard(NamedTuple):
    """What the stream is held against; fixed from one calibration to the next."""

    wanted: Wanted
    usual: Usual
    alarm: Array  # (s, f) limits
    warning: Array  # (s, f) limits that are crossed ten times as often
    outlier_below: float  # nats: a vector less likely than this is an outlier
    run_length: float  # vectors between false alarms that the reference is long enough to hold


class Watch(NamedTuple):
    """The detectors."""

    standard: Standard
    states: tuple[State, ...]  # of the detectors, in the order of their names
    values: Array  # (s, f) of the newest window
    groups: Places  # (s, f) the group of scores that has the value
    scores: Array  # (p,) of the newest window, standardised, whole


def bank_of(reference: Reference, wanted: Wanted) -> Bank:
    """The detectors for a reference's scores."""
    return bank(layout_of(reference), wanted.detectors)


def begin(reference: Reference, held: Held, gathering: Gathering, covariance: Covariance, wanted: Wanted) -> Watch:
    """Calibrate: a second or so of simulation."""
    detectors, sample = bank_of(reference, wanted), sample_of(reference, held, gathering, covariance, wanted)
    limits = calibration.limits(sample, detectors, wanted.window, float(wanted.run_length), wanted.seed)
    found = Usual(*map(frozen, usual(moments_of(sample, detectors.layout), sample.known, detectors.layout)))
    run_length = float(min(wanted.run_length, LARGEST_RATIO * sample.total))
    below = float(gathering.lowest[-1])
    standard = Standard(wanted, found, frozen(limits.alarm), frozen(limits.warning), below, run_length)
    return anew(standard, detectors)


def sample_of(reference: Reference, held: Held, gathering: Gathering, covariance: Covariance, wanted: Wanted) -> Sample:
    """What is known of the scores: those of the reference, and those that the model expects."""
    layout, parameters = layout_of(reference), reference.parameters
    vectors, total = frozen(gathering.sample), gathering.windows * wanted.window
    output = e_step(parameters, held, vectors, covariance)
    own, _ = scores.windows(held, vectors, output, 1, np.zeros(layout.size), 0)
    found = serial(own, layout)
    longer = together(found, layout)
    informed = fractions(own[~np.isnan(vectors).any(axis=1)], held.roots, layout)
    learnt = reference.learnt * np.average(informed, axis=1, weights=held.roots**2)
    size = reference.learnt / (longer if longer >= UNRELATED else 1.0)
    frozen_model = Frozen(parameters, held, covariance, size, informed)
    remembered = memory(found, layout)
    if longer >= UNRELATED:
        remembered = memory(found, layout, serial(drawn(frozen_model, vectors, remembered, wanted.seed), layout))
    model = partial(drawn, frozen_model, vectors, remembered, wanted.seed)
    share = kept(own, model(0), layout, float(learnt[MEAN]), longer)
    squares = np.mean([squares_of(model(number), layout) for number in range(pools(layout))], axis=0)
    known = Known(learnt, _expected(frozen_model, vectors, wanted.seed), squares, share, found)
    return Sample(own, model, total, gathering.total / total, known)


def _expected(model: Frozen, vectors: Array, seed: int) -> Array:
    """The mean of the scores (p,) over what may be true; vectors with gaps say nothing of spread."""
    centre, known = scores.expected(model.held), 1 - float(np.isnan(vectors).any(axis=1).mean())
    k = len(model.held.roots)
    centre[1 + k : 1 + 2 * k] += known * spread(model, np.random.default_rng([seed, 2]))
    return centre


def anew(standard: Standard, bank: Bank) -> Watch:
    """Detectors that have seen nothing yet."""
    found = nothing(1, bank.scales)
    scores = frozen(np.zeros(bank.layout.size))
    return Watch(standard, bank.init(), frozen(found.values[0]), _frozen_places(found.groups[0]), scores)


def update(watch: Watch, bank: Bank, sums: Array, window: int) -> tuple[Watch, Array]:
    """Take in the sums of windows (m, p), m above 0; returns the values of each (m, s, f) too."""
    held = watch.standard.usual
    standardised = (sums - window * held.centre) / (math.sqrt(window) * held.deviation)
    states, found = bank.update(watch.states, standardised, window * held.error, _MOST * watch.standard.alarm)
    newest = frozen(found.values[-1].copy()), _frozen_places(found.groups[-1].copy())
    return Watch(watch.standard, states, *newest, frozen(standardised[-1].copy())), found.values


def _frozen_places(groups: Places) -> Places:
    groups.flags.writeable = False
    return groups
