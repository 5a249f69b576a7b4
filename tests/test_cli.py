"""The command line as its users meet it: processes, output, exit codes."""

import gc
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from streamgmm import __version__, cli
from streamgmm.errors import AuditFailed, BrokerError, Fenced, InputUnusable, StateLost
from streamgmm.settings import Settings
from streamgmm.settings.source import load

Command = Callable[..., subprocess.CompletedProcess[str]]
LEAST = ("--set", "input.topic=players", "--set", "model.n_components=2")


@pytest.fixture
def streamgmm(tmp_path: Path) -> Command:
    """Runs the program in an empty folder, with an environment that sets nothing."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STREAMGMM_")}
    environment["PYTHONPATH"] = str(Path(cli.__file__).parents[2])

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "streamgmm", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    return run


def test_version(streamgmm: Command) -> None:
    assert streamgmm("--version").stdout == f"streamgmm {__version__}\n"


def test_help_names_every_command(streamgmm: Command) -> None:
    text = streamgmm("--help").stdout
    for command in ("demo", "run", "replay", "tail", "audit", "model", "settings", "topics"):
        assert command in text


@pytest.mark.parametrize("heavy", ["numba", "numpy", "scipy", "aiokafka", "fastapi", "pydantic", "rich"])
def test_the_command_line_loads_nothing_heavy(heavy: str) -> None:
    code = f"import sys, streamgmm.cli; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "No such command"),
        (["tail"], "--topic"),
        (["run", "--set", "model.n_componets=3"], "did you mean model.n_components?"),
        (["run", "--config", "absent.yaml"], "absent.yaml: cannot read the settings file"),
        (["settings", "check", *LEAST, "--set", "model.n_components=0"], "allowed: integer or auto, >= 1"),
        (["tail", "--topic", "players", "--broker", "kafka"], "broker.url"),
        (["replay", "a.xls", "--topic", "players"], "replays .csv"),
        (["model", "reset", *LEAST], "give --yes"),
        (["model", "reset", *LEAST, "--positions", "forget"], "from input.start (earliest) on will be published again"),
        (["replay", "a.csv", "--topic", "a/b"], "--topic a/b"),
        (["replay", "a.csv", "--topic", ".."], "--topic .."),
        (["settings", "check", *LEAST, "--set", "learning.warm_up=3"], "learning.warm_up: 3 vectors are too few"),
        (["demo", "plyers"], "players"),
    ],
)
def test_bad_settings_and_command_lines_exit_with_2(streamgmm: Command, arguments: list[str], said: str) -> None:
    ended = streamgmm(*arguments)
    assert ended.returncode == 2, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [(BrokerError("x"), 3), (Fenced("x"), 4), (StateLost("x"), 5), (InputUnusable("x"), 6), (AuditFailed("x"), 7)],
)
def test_errors_become_one_line_and_their_exit_code(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main_raising(error, monkeypatch) == code
    assert capsys.readouterr().err == "streamgmm: error: x\n"


def test_what_is_unexpected_is_our_fault(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main_raising(ZeroDivisionError("x"), monkeypatch) == 1
    text = capsys.readouterr().err
    assert "Traceback" in text
    assert "a fault of streamgmm" in text


def test_ctrl_c_is_a_way_to_stop_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _main_raising(KeyboardInterrupt(), monkeypatch) == 0


def _main_raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> object:
    async def tail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("streamgmm.commands.tail.tail", tail)
    with pytest.raises(SystemExit) as ended:
        cli.main(["tail", "--topic", "players"])
    return ended.value.code


def test_a_run_that_fails_leaves_no_collector_switched_off() -> None:
    with pytest.raises(SystemExit):
        cli.main(["run", "--set", "model.n_componets=3"])
    assert gc.isenabled()


def test_settings_show_says_where_each_comes_from(streamgmm: Command, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("input: {topic: players}\nmodel: {n_components: 2}\n")
    lines = streamgmm("settings", "show", "--config", "a.yaml", "--set", "http.port=0").stdout.splitlines()
    shown = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}
    assert shown["input.topic"].split(maxsplit=1) == ["players", "a.yaml, line 1"]
    assert shown["http.port"].split(maxsplit=1) == ["0", "--set http.port"]
    assert shown["log.level"].split() == ["info", "default"]
    assert shown["input.format"].split() == ["msgpack", "default"]


def test_settings_show_follows_an_alias(streamgmm: Command, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "model: &both {n_components: 2}\ninput: {topic: players}\nhttp:\n  <<: {port: 1}\n  enabled: true\n"
    )
    shown = streamgmm("settings", "show", "--config", "a.yaml").stdout
    assert re.search(r"^http.port +1 +a\.yaml, line 3$", shown, re.MULTILINE)
    assert re.search(r"^http.host .* default$", shown, re.MULTILINE)


def test_settings_show_masks_the_password(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("STREAMGMM_BROKER__SECURITY__PASSWORD", "hunter2")
    user = ("broker.url=kafka://h:1", "broker.security.protocol=SASL_SSL", "broker.security.username=u")
    with pytest.raises(SystemExit):
        cli.main(["settings", "show", *LEAST, *(part for setting in user for part in ("--set", setting))])
    text = capsys.readouterr().out
    assert "hunter2" not in text
    assert '"********"' in text


def test_settings_schema_is_a_json_schema_and_a_file(streamgmm: Command, tmp_path: Path) -> None:
    schema = json.loads(streamgmm("settings", "schema").stdout)
    assert set(schema["properties"]) == set(Settings.model_fields)
    (tmp_path / "all.yaml").write_text(streamgmm("settings", "schema", "--yaml").stdout)
    assert load(tmp_path / "all.yaml", [], {}).input.topic == "players"


@pytest.mark.parametrize(
    "arguments",
    [["tail", "--topic", "players"], ["audit", *LEAST], ["topics", "create", *LEAST], ["model", "show", *LEAST]],
)
def test_what_only_looks_makes_no_log(streamgmm: Command, tmp_path: Path, arguments: list[str]) -> None:
    ended = streamgmm(*arguments, "--broker", "sqlite:///mistyped.db")
    assert ended.returncode == 3
    assert f"{tmp_path / 'mistyped.db'} does not exist" in ended.stderr
    assert not list(tmp_path.iterdir())


def test_what_makes_a_log_says_so(streamgmm: Command, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    said = [streamgmm("replay", "a.csv", "--topic", "players").stderr for _ in range(2)]
    assert f"made a new embedded log, {tmp_path / 'streamgmm.db'}\nreplayed 1 record into players in" in said[0]
    assert "made" not in said[1]


def test_an_audit_that_fails_exits_with_7(streamgmm: Command, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n" + "".join(f"{i % 7},{i % 5}\n" for i in range(100)))
    given = [*LEAST, "--set", "input.features=[x, y]", "--set", "http.enabled=false"]
    streamgmm("replay", "a.csv", "--topic", "players")
    assert streamgmm("run", "--until-end", *given).returncode == 0
    assert streamgmm("audit", *given).returncode == 0
    typo = streamgmm("audit", *given, "--set", "model.name=modle")
    assert (typo.returncode, "it holds model" in typo.stderr) == (3, True)
    with closing(sqlite3.connect(tmp_path / "streamgmm.db", isolation_level=None)) as log:
        log.execute("UPDATE batches SET data = zeroblob(size) WHERE rowid = 1")  # the input's only batch
    failed = streamgmm("audit", *given)
    assert failed.returncode == 7
    assert "FAILED" in failed.stdout
    assert "not proven" in failed.stderr


def test_topics_create(streamgmm: Command, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    streamgmm("replay", "a.csv", "--topic", "others")
    assert streamgmm("topics", "create", *LEAST).returncode == 3  # the input is never created
    streamgmm("replay", "a.csv", "--topic", "players", "--partitions", "2")
    for state in ("created", "exists"):
        lines = streamgmm("topics", "create", *LEAST, "--set", "output.create_topics=false").stdout.splitlines()
        assert [line.split(maxsplit=1) for line in lines] == [
            ["players", "exists, 2 partitions"],
            ["players.assignments", f"{state}, 2 partitions"],
            ["players.assignments.dead-letters", f"{state}, 2 partitions"],
            ["players.assignments.events", f"{state}, 1 partition"],
            ["players.assignments.model", f"{state}, 1 partition"],
        ]
