"""The shipped settings files are complete and true."""

from pathlib import Path

import pytest
import yaml

from streamgmm.settings.source import load
from streamgmm.settings.table import REQUIRED, commented_yaml, table

CONFIG = Path(__file__).parents[1] / "config"
SECRETS = {"broker.security.password", "http.token"}


def test_the_commented_file_is_what_the_settings_say() -> None:
    written = (CONFIG / "streamgmm.yaml").read_text("utf-8")
    assert written == commented_yaml(), "run: streamgmm settings schema --yaml > config/streamgmm.yaml"


def test_the_commented_file_has_every_setting_at_its_default() -> None:
    file = CONFIG / "streamgmm.yaml"
    assert load(file, [], {}) == load(None, ["input.topic=players", "model.n_components=4"], {})
    tree = yaml.safe_load(file.read_text("utf-8"))
    for row in table():
        if row.key in SECRETS:
            continue
        value = tree
        for name in row.key.split("."):
            assert name in value, f"{row.key} is missing"
            value = value[name]
        assert row.default in (REQUIRED, str(value)) or value == yaml.safe_load(row.default)


def test_the_commented_file_fits_an_editors_window() -> None:
    assert max(map(len, (CONFIG / "streamgmm.yaml").read_text("utf-8").splitlines())) <= 120


@pytest.mark.parametrize("file", sorted(CONFIG.glob("*.yaml")), ids=lambda file: file.name)
def test_every_shipped_file_loads(file: Path) -> None:
    assert load(file, [], {}).input.topic == "players"
