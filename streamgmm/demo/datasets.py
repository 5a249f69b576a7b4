"""What a demo streams: the records of a shipped data set, and the populations that they are drawn from in turn.

The label (a player's league) decides who arrives and is never shown to the model.
"""

import csv
import json
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from streamgmm.errors import SettingsError
from streamgmm.records.columns import frozen
from streamgmm.settings import Settings

STRONG_LEAGUE = 6


class Population(NamedTuple):
    """Who arrives: a sentence for people, and the rows to draw from."""

    sentence: str
    rows: NDArray[np.int64]  # (n,)


class Dataset(NamedTuple):
    """A demo's material. The first population is the usual one, the second the change."""

    name: str
    title: str
    noun: str  # one vector, in a word
    keys: tuple[bytes, ...]
    values: tuple[bytes, ...]
    segments: tuple[str, ...]  # names of the components by the mean of the first feature, lowest first
    damaged: bytes  # a value that must be rejected
    populations: tuple[Population, Population]
    settings: Mapping[str, Any]  # of the settings file shipped with the data


def settings_on(dataset: Dataset, url: str, port: int = 0) -> Settings:
    """The data set's settings with the topics on the broker at `url`, and the probes at `port` (0: a free one)."""
    return Settings.model_validate({**dataset.settings, "broker": {"url": url}, "http": {"port": port}})


def find(name: str) -> Dataset:
    """The data set of that name. Raises SettingsError with the nearest spelling."""
    if name not in _DATASETS:
        near = get_close_matches(name, _DATASETS, 1)
        hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(_DATASETS)}"
        raise SettingsError(f"no demo is called `{name}`: {hint}")
    return _DATASETS[name]()


def players() -> Dataset:
    """Players of StarCraft II; later only those of the highest leagues. Source: `streamgmm/data/NOTICE`."""
    folder = files("streamgmm").joinpath("data")
    settings = yaml.safe_load(folder.joinpath("players.yaml").read_text("utf-8"))
    rows = list(csv.DictReader(folder.joinpath("players.csv").read_text("utf-8").splitlines()))
    league = np.array([int(row["LeagueIndex"]) for row in rows])
    records = [_record(row, settings["input"]["features"]) for row in rows]
    strong = np.flatnonzero(league >= STRONG_LEAGUE)
    return Dataset(
        name="players",
        title="players of StarCraft II",
        noun="player",
        keys=tuple(row["GameID"].encode() for row in rows),
        values=tuple(json.dumps(record).encode() for record in records),
        segments=("slowest", "steady", "quick", "fastest"),
        damaged=json.dumps({**records[0], "APM": 0}).encode(),
        populations=(
            Population(f"everyone plays: {len(rows)} players of all leagues", frozen(np.arange(len(rows)))),
            Population(f"only leagues {STRONG_LEAGUE} and above arrive: {len(strong)} strong players", frozen(strong)),
        ),
        settings=settings,
    )


def _record(row: Mapping[str, str], features: list[dict[str, str]]) -> dict[str, float]:
    return {feature["name"]: float(row[feature["name"]]) for feature in features}


_DATASETS: Mapping[str, Callable[[], Dataset]] = {"players": players}
