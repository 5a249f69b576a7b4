import json

import numpy as np
import pytest

from streamgmm.demo import datasets
from streamgmm.errors import SettingsError


def test_settings_are_valid_and_name_what_the_records_hold() -> None:
    players = datasets.players()
    settings = datasets.settings_on(players, "sqlite:///elsewhere.db")
    assert settings.broker.url == "sqlite:///elsewhere.db"
    assert isinstance(settings.input.features, list)
    names = [feature.name for feature in settings.input.features]
    assert all(list(json.loads(value)) == names for value in players.values)
    assert len(players.segments) == settings.model.n_components


def test_every_value_is_positive_and_the_damaged_one_is_not() -> None:
    players = datasets.players()
    assert all(number > 0 for value in players.values for number in json.loads(value).values())
    assert json.loads(players.damaged)["APM"] == 0


def test_the_second_population_is_the_strong_players_and_plays_faster() -> None:
    players = datasets.players()
    everyone, strong = (population.rows for population in players.populations)
    assert (len(everyone), len(strong)) == (3395, 711)
    apm = np.array([json.loads(value)["APM"] for value in players.values])
    assert apm[strong].mean() > 1.3 * apm[everyone].mean()


def test_the_label_is_not_shown_to_the_model() -> None:
    assert not any(b"League" in value for value in datasets.players().values)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean `players`"):
        datasets.find("player")
    with pytest.raises(SettingsError, match="there are: players"):
        datasets.find("xyz")
