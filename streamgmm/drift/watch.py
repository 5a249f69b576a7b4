"""What is usual of a stream and the limits of the detectors, once a reference is complete; and the detectors' state."""

from functools import partial
from typing import NamedTuple

import numpy as np

from streamgmm.drift import bank as banks
from streamgmm.drift import calibration, scores
from streamgmm.drift.bank import Bank
from streamgmm.drift.e_step import e_step
from streamgmm.drift.likeness import drawn, kept
from streamgmm.drift.reference import Gathering, Reference, layout_of
from streamgmm.drift.scores import Held, Places
from streamgmm.drift.serial import UNRELATED, memory, serial, together
from streamgmm.drift.simulation import Sample, moments_of, pools, squares_of
from streamgmm.drift.truths import Frozen, spread
from streamgmm.drift.usual import Known, Usual, usual
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.covariance import Covariance

SPANS = (3.0, 15.0, 63.0, 255.0)  # windows that an average remembers, on each scale
RATES = frozen([2 / (1 + span) for span in SPANS])
LARGEST_RATIO = 10  # run length to reference: with fewer vectors it cannot be held


class Standard(NamedTuple):
    """What the stream is held against; fixed for the life of a reference."""

    usual: Usual
    alarm: Array  # (s, f) limits
    warning: Array  # (s, f) limits that are crossed ten times as often
    outlier_below: float  # nats: a vector less likely than this is an outlier
    run_length: float  # vectors between false alarms that the reference is long enough to hold


class Watch(NamedTuple):
    """The detectors."""

    standard: Standard
    memory: Array  # (s, p)
    values: Array  # (s, f) of the newest window
    groups: Places  # (s, f) the group of scores that has the value


def bank_of(reference: Reference) -> Bank:
    """The detectors for a reference's scores."""
    return Bank(layout_of(reference), RATES)


class Wanted(NamedTuple):
    """What the settings want of a calibration."""

    window: int
    run_length: int
    seed: int


def begin(reference: Reference, held: Held, gathering: Gathering, covariance: Covariance, wanted: Wanted) -> Watch:
    """Calibrate: a second or so of simulation."""
    bank, sample = bank_of(reference), sample_of(reference, held, gathering, covariance, wanted)
    limits = calibration.limits(sample, bank, wanted.window, float(wanted.run_length), wanted.seed)
    found = Usual(*map(frozen, usual(moments_of(sample, bank.layout), sample.known, bank.layout)))
    run_length = float(min(wanted.run_length, LARGEST_RATIO * sample.total))
    below = float(gathering.lowest[-1])
    standard = Standard(found, frozen(limits.alarm), frozen(limits.warning), below, run_length)
    return anew(standard, bank)


def sample_of(reference: Reference, held: Held, gathering: Gathering, covariance: Covariance, wanted: Wanted) -> Sample:
    """What is known of the scores: those of the reference, and those that the model expects."""
    layout, parameters = layout_of(reference), reference.parameters
    vectors, total = frozen(gathering.sample), gathering.windows * wanted.window
    output = e_step(parameters, held, vectors, covariance)
    own, _ = scores.windows(held, vectors, output, 1, np.zeros(layout.size), 0)
    found = serial(own, layout)
    longer = together(found, layout)
    frozen_model = Frozen(parameters, held, covariance, reference.learnt / (longer if longer >= UNRELATED else 1.0))
    model = partial(drawn, frozen_model, vectors, memory(found, layout), wanted.seed)
    share = kept(own, model(0), layout, reference.learnt, longer)
    squares = np.mean([squares_of(model(number), layout) for number in range(pools(layout))], axis=0)
    known = Known(reference.learnt, _expected(frozen_model, vectors, wanted.seed), squares, share, found)
    return Sample(own, model, total, gathering.total / total, known)


def _expected(model: Frozen, vectors: Array, seed: int) -> Array:
    """The mean of the scores (p,) over what may be true; vectors with gaps say nothing of spread."""
    centre, known = scores.expected(model.held), 1 - float(np.isnan(vectors).any(axis=1).mean())
    k = len(model.held.roots)
    centre[1 + k : 1 + 2 * k] += known * spread(model, np.random.default_rng([seed, 2]))
    return centre


def anew(standard: Standard, bank: Bank) -> Watch:
    """Detectors that have seen nothing yet."""
    found = banks.nothing(bank)
    return Watch(standard, frozen(banks.memory(bank)), frozen(found.values), _frozen_places(found.groups))


def update(watch: Watch, bank: Bank, sums: Array, window: int) -> tuple[Watch, Array]:
    """Take in the sums of windows (m, p), m above 0; returns the values of each (m, s, f) too."""
    held = watch.standard.usual
    standardised = (sums - window * held.centre) / (np.sqrt(window) * held.deviation)
    memory, found = np.array(watch.memory), banks.nothing(bank, len(sums))
    banks.advance(bank.layout, banks.scales(bank, window, held.error), memory, standardised, found)
    newest = frozen(found.values[-1].copy()), _frozen_places(found.groups[-1].copy())
    return Watch(watch.standard, frozen(memory), *newest), found.values


def _frozen_places(groups: Places) -> Places:
    groups.flags.writeable = False
    return groups
