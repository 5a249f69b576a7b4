"""Real data, resampled to streams: the alarm when who or what arrives has changed, and none when it has not."""

import csv
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import binom

from benchmarks.drifting import ours
from streamgmm.mixture.arrays import Array

DATA = Path(__file__).parents[1] / "data"
RUN_LENGTH, REFERENCE, WITHIN, LENGTH = 100_000, 10_000, 5_000, 50_000
CHANGED = LENGTH // 2  # vectors before the change
Rows = list[dict[str, str]]


class Case(NamedTuple):
    """A file, the features taken from it, the number of components, and which rows arrive after the change."""

    file: str
    features: tuple[str, ...]
    transform: Callable[[Array], Array]
    components: int
    usual: Callable[[dict[str, str]], bool]
    changed: Callable[[dict[str, str]], bool]


class Run(NamedTuple):
    """One seed: how soon the change was seen, and whether a stream without one alarmed."""

    delay: float  # vectors from the change to the next alarm; infinite where none came before the stream's end
    false: bool

    @property
    def seen(self) -> bool:
        """Whether the change was seen in time."""
        return self.delay <= WITHIN


_MOTION = tuple(
    f"log_std_{sensor}" for sensor in ("accel_x", "accel_y", "accel_z", "gyro_roll", "gyro_pitch", "gyro_yaw")
)
_PLAYER = ("APM", "ActionLatency", "GapBetweenPACs", "NumberOfPACs", "ActionsInPAC")
_PENGUIN = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
_CALM = ("Standing", "Walking")

_CASES: Mapping[str, Case] = {
    "motion: standing and walking, then the other activities": Case(
        "motion_windows.csv",
        _MOTION,
        np.asarray,
        2,
        lambda row: row["activity"] in _CALM,
        lambda row: row["activity"] not in _CALM,
    ),
    "players: then only leagues 6 and above": Case(
        "skillcraft.csv", _PLAYER, np.log, 4, lambda row: True, lambda row: int(row["LeagueIndex"]) >= 6
    ),
    "churn: then only tenures of a year or less": Case(
        "telco_churn.csv",
        ("tenure", "monthly_charges"),
        np.log1p,
        6,
        lambda row: True,
        lambda row: int(row["tenure"]) <= 12,
    ),
    "penguins: then no Gentoo": Case(
        "penguins.csv", _PENGUIN, np.asarray, 3, lambda row: True, lambda row: row["species"] != "Gentoo"
    ),
}
CASES = tuple(_CASES)


def measure(name: str, seed: int) -> Run:
    """Both streams of a seed, against the same reference: one that changes half-way, and one that does not."""
    case, rng = _CASES[name], np.random.default_rng([seed, 17])
    reference, test = _halves(case, rng)
    usual = _matrix(case, [row for row in reference if case.usual(row)])
    scale = usual.std(axis=0)
    usual = usual / scale
    changed = _matrix(case, [row for row in test if case.changed(row)]) / scale
    model = ours.learnt(_resampled(usual, ours.SETTLE, rng), case.components)
    drawn = _resampled(usual, REFERENCE, rng)
    watched = ours.calibrated(model, drawn, RUN_LENGTH, window=ours.window_for(RUN_LENGTH), seed=seed)
    false = next(ours.alarms(watched, iter([_resampled(usual, LENGTH, rng)])), None)
    parts = [_resampled(usual, CHANGED, rng), _resampled(changed, LENGTH - CHANGED, rng)]
    seen = next((at for at in ours.alarms(watched, iter(parts)) if at > CHANGED), None)
    return Run(math.inf if seen is None else float(seen - CHANGED), false is not None)


def most_false(streams: int) -> int:
    """How many of so many streams may alarm at the rate that was set: the upper end of the binomial 99 % bound."""
    return int(binom.ppf(0.995, streams, 1 - np.exp(-LENGTH / RUN_LENGTH)))


def _halves(case: Case, rng: np.random.Generator) -> tuple[Rows, Rows]:
    with (DATA / case.file).open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if all(_number(row[name]) for name in case.features)]
    order = rng.permutation(len(rows))
    half = len(rows) // 2
    return [rows[i] for i in order[:half]], [rows[i] for i in order[half:]]


def _number(cell: str) -> bool:
    return cell not in ("", "NA")


def _matrix(case: Case, rows: Rows) -> Array:
    return case.transform(np.array([[float(row[name]) for name in case.features] for row in rows]))


def _resampled(vectors: Array, count: int, rng: np.random.Generator) -> Array:
    return np.ascontiguousarray(vectors[rng.integers(0, len(vectors), count)])
