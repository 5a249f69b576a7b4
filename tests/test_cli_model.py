"""`streamgmm model`: choosing the number of components, and models as files, as a user meets them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from streamgmm import StreamingGaussianMixture, cli, interchange
from tests.events import check

Command = Callable[..., str]
ROOT = Path(cli.__file__).parents[2]
PLAYERS = str(ROOT / "streamgmm" / "data" / "players.csv")
SETTINGS = """
broker: {url: "sqlite:///log.db"}
input: {topic: games, features: [{name: APM, transform: log}, ActionLatency]}
output: {format: json}
model: {name: games, n_components: 2}
http: {enabled: false}
"""


@pytest.fixture
def streamgmm(tmp_path: Path) -> Command:
    """Runs the program in a folder with settings; returns what it said, its exit code first."""
    (tmp_path / "s.yaml").write_text(SETTINGS)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMGMM_")}
    environment["PYTHONPATH"] = str(ROOT)

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "streamgmm", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False
        )
        return f"{done.returncode}\n{done.stdout}{done.stderr if done.returncode else ''}"

    return run


@pytest.fixture
def learnt(streamgmm: Command) -> Command:
    """With a model that has learnt the players."""
    assert streamgmm("replay", PLAYERS, "--topic", "games", "--config", "s.yaml").startswith("0")
    assert streamgmm("run", "--config", "s.yaml", "--until-end").startswith("0")
    return streamgmm


def test_the_number_of_components_is_chosen_on_a_file_and_on_a_topic_alike(streamgmm: Command) -> None:
    of_file = streamgmm("model", "choose-k", PLAYERS, "--config", "s.yaml", "--to", "3").splitlines()
    assert of_file[0] == "0"
    assert of_file[-2] == "3,395 vectors of 2 features, full covariance"
    assert of_file[-1] == "model.n_components: 3"
    assert [line.split()[0] for line in of_file if line[:4].strip().isdigit() and len(line) > 4] == ["1", "2", "3"]
    streamgmm("replay", PLAYERS, "--topic", "games", "--config", "s.yaml")
    of_topic = streamgmm("model", "choose-k", "--config", "s.yaml", "--to", "3").splitlines()
    assert of_topic[-6:] == of_file[-6:]


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_file_with_gaps_and_no_settings_file(streamgmm: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = np.where(rng.random((600, 1)) < 0.5, -5, 5) + rng.standard_normal((600, 2))
    cells = [[("" if rng.random() < 0.2 else f"{x:.4f}") for x in row] for row in rows]
    (tmp_path / "d.csv").write_text("a,b\n" + "\n".join(",".join(row) for row in cells) + "\n")
    said = streamgmm("model", "choose-k", "d.csv", "--set", "input.features=[a, b]", "--to", "4")
    assert said.startswith("0")
    assert "records rejected" in said  # those with neither
    assert said.splitlines()[-1] == "model.n_components: 2"


def test_too_few_vectors_are_named(streamgmm: Command, tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text('{"features": [1, 2]}\n')
    said = streamgmm("model", "choose-k", "d.jsonl", "--from", "2")
    assert said.startswith("6")
    assert "d.jsonl holds 1 vectors that can be learnt" in said
    assert streamgmm("model", "choose-k", "absent.csv").startswith("2")
    assert "model.n_components_min: 5 is above" in streamgmm("model", "choose-k", PLAYERS, "--from", "5", "--to", "4")


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("suffix", ["json", "msgpack"])
def test_an_exported_model_is_the_one_that_was_learnt_and_comes_back_as_a_new_generation(
    learnt: Command, tmp_path: Path, suffix: str
) -> None:
    file = f"m.{suffix}"
    assert learnt("model", "export", file, "--config", "s.yaml").startswith("0\n2 components of 2 features")
    before = learnt("model", "show", "--config", "s.yaml")
    model = interchange.load(tmp_path / file)
    assert all(f"{weight:.3f}" in before for weight in model.weights_)
    said = learnt("model", "import", file, "--config", "s.yaml", "--yes")
    assert said.startswith("0\nmodel 'games' is the file's now: generation 1, components 2, 3")
    after = learnt("model", "show", "--config", "s.yaml")
    assert "generation 1" in after
    assert after.splitlines()[-2].split()[1:] == before.splitlines()[-2].split()[1:]
    learnt("replay", PLAYERS, "--topic", "games", "--config", "s.yaml")
    assert learnt("run", "--config", "s.yaml", "--until-end").startswith("0")
    assert "ok: every record is there" in learnt("audit", "--config", "s.yaml")
    tail = ("--config", "s.yaml", "--from-start", "--until-end", "--json")
    events = [
        json.loads(line) for line in learnt("tail", "--topic", "games.assignments.events", *tail).splitlines()[1:]
    ]
    (imported,) = [event["value"] for event in events if event["value"]["type"] == "model_imported"]
    for event in events:
        check(event["value"])
    assert (imported["ids"], imported["ids_version"], imported["generation"]) == ([2, 3], 1, 1)
    last = json.loads(learnt("tail", "--topic", "games.assignments", *tail).splitlines()[-1])["value"]
    assert (last["generation"], last["ids_version"]) == (1, 1)
    assert last["component"] in (2, 3)


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_model_of_scikit_learn_is_where_a_service_starts(streamgmm: Command, tmp_path: Path) -> None:
    rows = np.loadtxt(PLAYERS, delimiter=",", skiprows=1, usecols=(2, 3))
    rows[:, 0] = np.log(rows[:, 0])
    fitted = GaussianMixture(2, random_state=0).fit(rows)
    interchange.save(interchange.from_scikit_learn(fitted), tmp_path / "sk.json")
    streamgmm("replay", PLAYERS, "--topic", "games", "--config", "s.yaml")
    assert "generation 0, components 0, 1" in streamgmm("model", "import", "sk.json", "--config", "s.yaml", "--yes")
    assert streamgmm("run", "--config", "s.yaml", "--until-end").startswith("0")
    assert "ok: every record is there" in streamgmm("audit", "--config", "s.yaml")
    assert "6 M-steps, 3395 vectors" in streamgmm("model", "show", "--config", "s.yaml")


@pytest.mark.long
@pytest.mark.timeout(400)
def test_what_does_not_fit_is_refused_before_anything_is_touched(learnt: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    wrong = StreamingGaussianMixture(3, covariance_type="diag", random_state=0).fit(rng.normal(size=(100, 4)))
    interchange.save(wrong, tmp_path / "wrong.json")
    said = learnt("model", "import", "wrong.json", "--config", "s.yaml", "--yes")
    assert said.startswith("2")
    for words in (
        "model.covariance_type is full, the file's model has diag",
        "model.n_components is 2, the file's model has 3",
        "the number of features is 2, the file's model has 4",
    ):
        assert words in said
    learnt("model", "export", "m.json", "--config", "s.yaml")
    document = json.loads((tmp_path / "m.json").read_text())
    document["live"]["mixture"]["parameters"]["covariances"]["data"][0] = -1.0
    (tmp_path / "broken.json").write_text(json.dumps(document))
    assert "covariances[0] is not positive definite" in learnt(
        "model", "import", "broken.json", "--config", "s.yaml", "--yes"
    )
    (tmp_path / "no.json").write_text("{")
    assert learnt("model", "import", "no.json", "--config", "s.yaml", "--yes").startswith("2")
    assert learnt("model", "export", "m.txt", "--config", "s.yaml").startswith("2")
    other = ("--set", "input.features=[ActionLatency, APM]")
    assert "input.features is" in learnt("model", "import", "m.json", "--config", "s.yaml", "--yes", *other)
    assert "generation 0" in learnt("model", "show", "--config", "s.yaml")


def _lines(said: str) -> list[str]:
    """What was printed, without the exit code."""
    return said.splitlines()[1:]
