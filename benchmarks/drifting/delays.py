"""How long a change goes unseen: ours beside the peers, which are tuned towards the run length that ours is set to.

Tuned on few streams their measured run lengths still differ from it, and ours has one of its own: the results say how
long each is. A detector that alarms more often for nothing is sooner for every change.
"""

import functools
import itertools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from benchmarks.drifting import mixtures, ours
from benchmarks.drifting.ours import Watched
from benchmarks.drifting.peers import PEERS, Shown, tuned
from streamgmm.mixture.arrays import Array

RUN_LENGTH = 10_000
USUAL = 1000  # vectors before the change
RAMP = 2000  # of a gradual one
HORIZON = 12_000  # vectors after it begins; a delay is at most that
KINDS = ("abrupt", "gradual")


class Scaled(NamedTuple):
    """What the peers are shown is standardised by the mean and deviation of many; some are given a reference."""

    mean: Array
    deviation: Array
    reference: Array  # vectors, as many as ours


def _watched(features: int, seed: int) -> tuple[mixtures.Mixture, Watched, Scaled]:
    rng = np.random.default_rng([seed, features, 1])
    of = mixtures.mixture(features, features)
    model = ours.learnt(mixtures.draw(of, ours.SETTLE, rng), mixtures.COMPONENTS)
    reference = mixtures.draw(of, RUN_LENGTH // 10, rng)
    watched = ours.calibrated(model, reference, RUN_LENGTH, window=ours.window_for(RUN_LENGTH), seed=seed)
    many = mixtures.draw(of, 20_000, rng)
    signals = _signals(watched, many)
    return of, watched, Scaled(signals.mean(axis=0), signals.std(axis=0), many[: RUN_LENGTH // 10])


def _signals(watched: Watched, vectors: Array) -> Array:
    return np.column_stack([ours.log_likelihood(watched, vectors), vectors])


def _parts(signals: Array, scaled: Scaled) -> Mapping[str, Array]:
    values = np.ascontiguousarray((signals - scaled.mean) / scaled.deviation)
    return {"log-likelihood": values[:, :1], "features": values[:, 1:]}


def tune(features: int, peer: int, part: str, streams: int) -> tuple[str, float, float]:
    """A peer's name, its parameter and its measured run length: over models and references, one for each stream."""
    shown = [_quiet(features, seed)[part] for seed in range(streams)]
    parameter, run_length = tuned(PEERS[peer], shown, RUN_LENGTH)
    return f"{PEERS[peer].name} on {part}", parameter, run_length


@functools.cache
def _quiet(features: int, seed: int) -> Mapping[str, Shown]:
    """A stream without a change, and its reference."""
    of, watched, scaled = _watched(features, seed)
    rng = np.random.default_rng([seed, features, 2])
    stream = _parts(_signals(watched, mixtures.draw(of, 3 * RUN_LENGTH, rng)), scaled)
    known = _parts(_signals(watched, scaled.reference), scaled)
    return {part: Shown(signals, known[part]) for part, signals in stream.items()}


def measure(features: int, seed: int, parameters: Mapping[str, float]) -> dict[tuple[str, str, str], float]:
    """Delays by change, kind and detector, each change once."""
    of, watched, scaled = _watched(features, seed)
    known, found = _parts(_signals(watched, scaled.reference), scaled), {}
    for change, kind in itertools.product(mixtures.CHANGES, KINDS):
        vectors = stream(of, change, kind, [seed, features])
        found[change, kind, "ours"] = float(first(watched, vectors) - USUAL)
        shown = _parts(_signals(watched, vectors), scaled)
        for peer, (part, signals) in itertools.product(PEERS, shown.items()):
            name = f"{peer.name} on {part}"
            at = peer.first(signals, parameters[name], USUAL, seed, known[part])
            found[change, kind, name] = float(at - USUAL)
    return found


def stream(of: mixtures.Mixture, change: str, kind: str, seed: list[int]) -> Array:
    """Vectors as usual, then changed."""
    rng = np.random.default_rng([*seed, list(mixtures.CHANGES).index(change), kind == "gradual"])
    ramp = RAMP if kind == "gradual" else 0
    return mixtures.changing(of, mixtures.CHANGES[change](of, rng), (USUAL, ramp, HORIZON - ramp), rng)


def first(watched: Watched, stream: Array) -> int:
    """Row of our first alarm after the change, the stream's length if there is none."""
    alarms = ours.alarms(watched, iter([stream]))
    return next((at for at in alarms if at > USUAL), len(stream))
