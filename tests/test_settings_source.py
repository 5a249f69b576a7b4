"""File, environment and command line; and that what is wrong is said in the user's words, all at once."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgmm.errors import SettingsError
from streamgmm.settings.source import load, load_broker, read

LEAST = ["input.topic=players", "model.n_components=4"]


def said(file: Path | None = None, overrides: list[str] | None = None, **environment: str) -> list[str]:
    """The problems, one an item."""
    with pytest.raises(SettingsError) as caught:
        load(file, overrides or [], environment)
    lines = str(caught.value).splitlines()
    assert len(lines) == 1 or lines[0] == f"{len(lines) - 1} problems in the settings:"
    return [line.strip() for line in lines[len(lines) > 1 :]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


def test_the_readmes_smallest_file(file: Path) -> None:
    file.write_text(
        'broker: {url: "kafka://127.0.0.1:9092"}\n'
        "input: {topic: players, format: msgpack, features: x}\n"
        "model: {name: players, n_components: 4}\n"
    )
    settings = load(file, [], {})
    assert (settings.model.n_components, settings.output_topic) == (4, "players.assignments")


def test_environment_goes_over_the_file_and_set_over_both(file: Path) -> None:
    file.write_text("input: {topic: players}\nmodel: {n_components: 4, name: a}\nlearning: {delay: 1}\n")
    environment = {"STREAMGMM_MODEL__N_COMPONENTS": "5", "STREAMGMM_MODEL__NAME": "b", "PATH": "/bin"}
    loaded = read(file, ["model.n_components=6"], environment)
    assert (loaded.settings.model.n_components, loaded.settings.model.name) == (6, "b")
    assert loaded.settings.learning.delay == 1
    assert loaded.origins["model", "n_components"] == "--set model.n_components"
    assert loaded.origins["model", "name"] == "environment variable STREAMGMM_MODEL__NAME"
    assert loaded.origins["learning", "delay"] == f"{file}, line 3"


def test_values_are_yaml_but_text_stays_text() -> None:
    overrides = [*LEAST, "input.topic=2024", "input.features=[x, {name: y, transform: log}]", "learning.warm_up=null"]
    settings = load(
        None, [*overrides, "model.reg_covar=1e-3", "delivery.group=null", "broker={request_timeout: 2 s}"], {}
    )
    assert settings.input.topic == "2024"
    assert [feature.name for feature in settings.input.features] == ["x", "y"]  # type: ignore[union-attr]
    assert (settings.model.reg_covar, settings.delivery.group, settings.broker.request_timeout) == (0.001, None, 2.0)
    assert load(None, [*LEAST, "delivery.group="], {}).delivery.group == ""


def test_all_problems_are_said_at_once(file: Path) -> None:
    file.write_text(
        "input: {topic: players, fromat: json}\nmodel:\n  n_components: 0\n  covariance_type: round\nlgo: {}\n"
    )
    assert said(file, ["learning.exponent=2"]) == [
        f"input.fromat: unknown setting ({file}, line 1); did you mean input.format?",
        f"model.n_components: given 0 ({file}, line 3); allowed: integer or auto, >= 1, <= 10000",
        f'model.covariance_type: given "round" ({file}, line 4); allowed: full, tied, diag, spherical',
        "learning.exponent: given 2 (--set learning.exponent); allowed: number, > 0.5, <= 1",
        f"lgo: unknown setting ({file}, line 5); did you mean log?",
    ]


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("model.n_componets=4", "did you mean model.n_components?"),
        ("model.batch_size=4", "did you mean learning.batch_size?"),
        ("n_features=4", "did you mean model.n_features?"),
        ("http.zzz=4", "http: enabled, host, port"),
        ("model.n_components.x=4", "given {"),
        ("drift=4", "must be a section"),
        ("input.features=[x, {name: y, transform: sq}]", 'input.features[1].transform: given "sq"'),
        ("input.features=[x, {name: y, transform: {mean: 1}}]", "input.features[1].transform.scale: required"),
        ("input.features=[{nam: y}]", "input.features[0].nam: unknown setting"),
        ("input.features=[]", "input.features: given []"),
        ("input.start=soon", "allowed: earliest, latest or integer, >= 0"),
        ("broker.url=h", 'given "h" (--set broker.url); allowed: kafka://host:port,... or sqlite:///path'),
        ("drift={window: 150, reference_size: 200}", "drift.reference_size: 200 vectors hold fewer than two windows"),
        ("drift={window: 150, reference_size: 200}", "(drift.window) of 150 (--set drift)"),
        ("broker.start_deadline=soon", 'given "soon" (--set broker.start_deadline); allowed: duration, >= 0 s'),
        ("nonsense", "--set nonsense: takes key=value"),
        ("=4", "--set =4: takes key=value"),
    ],
)
def test_a_problem_names_key_and_way_out(override: str, problem: str) -> None:
    assert problem in " ".join(said(None, [*LEAST, override]))


def test_what_is_missing_is_named() -> None:
    assert [line.partition(":")[0] for line in said()] == ["input.topic", "model.n_components"]


def test_the_environment_is_checked_too() -> None:
    variables = {"STREAMGMM_MODEL__N_COMPONENTS": "many", "STREAMGMM_MODLE__NAME": "x", "STREAMGMM_HTTP_PORT": "1"}
    assert said(None, ["input.topic=t"], **variables) == [
        "environment variable STREAMGMM_HTTP_PORT: is no setting; did you mean STREAMGMM_HTTP__PORT?",
        'model.n_components: given "many" (environment variable STREAMGMM_MODEL__N_COMPONENTS); allowed: integer '
        "or auto, >= 1, <= 10000",
        "modle: unknown setting (environment variable STREAMGMM_MODLE__NAME); did you mean model?",
    ]


def test_other_variables_are_left_alone() -> None:
    load(None, LEAST, {"STREAMGMM_TEST_KAFKA": "h:1", "STREAMGMM_PORT": "tcp://10.0.0.1:80"})


def test_keys_given_twice_are_refused(file: Path) -> None:
    file.write_text("input: {topic: a, topic: b}\nmodel: {n_components: 2}\nmodel: {name: c}\n")
    assert said(file)[:2] == [
        f"input.topic: given twice ({file}, line 1 and line 1)",
        f"model: given twice ({file}, line 2 and line 3)",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("input: {topic: a\nmodel: 3", "line 2, column 6: not YAML"),
        ("input:\n\ttopic: x", "line 2, column 1: not YAML"),
        ("- a", "must be a map of sections"),
        ("input: !!python/name:os.system x", "not YAML"),
    ],
)
def test_what_is_no_settings_file(file: Path, text: str, problem: str) -> None:
    file.write_text(text)
    assert problem in said(file)[0]
    assert str(file) in said(file)[0]


def test_a_file_that_cannot_be_read(file: Path) -> None:
    assert said(file) == [f"{file}: cannot read the settings file: No such file or directory"]
    file.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in said(file)[0]


def test_a_section_that_is_commented_out_is_not_there(file: Path) -> None:
    file.write_text("broker:\n  security:\n  # protocol: SSL\ninput: {topic: t}\nmodel: {n_components: 1}\nlog:\n")
    assert load(file, [], {}) == load(None, ["input.topic=t", "model.n_components=1"], {})


SASL = ["broker.url=kafka://h:1", "broker.security.protocol=SASL_SSL", "broker.security.username=u"]


def test_a_password_comes_from_the_environment_and_is_taken_as_it_is() -> None:
    settings = load(None, [*LEAST, *SASL], {"STREAMGMM_BROKER__SECURITY__PASSWORD": "p: {#1"})
    assert settings.broker.security.password.get_secret_value() == "p: {#1"


def test_a_password_is_refused_elsewhere_and_never_shown(file: Path) -> None:
    file.write_text("broker: {security: {password: hunter2, pasword: hunter2, protocol: hunter2}}\n")
    for lines in (said(file, LEAST), said(None, [*LEAST, "broker.security.password=hunter2"])):
        assert "STREAMGMM_BROKER__SECURITY__PASSWORD or broker.security.password_file" in lines[0]
        assert "hunter2" not in " ".join(lines)
    assert "hunter2" not in " ".join(said(None, [*LEAST, "broker.url=kafka://u:hunter2@h:1"]))


def test_a_token_is_refused_elsewhere_and_never_shown(file: Path) -> None:
    file.write_text("http: {token: hunter2}\n")
    for lines in (said(file, LEAST), said(None, [*LEAST, "http.token=hunter2"])):
        assert "http.token: not taken from" in lines[0]
        assert "STREAMGMM_HTTP__TOKEN or http.token_file" in lines[0]
        assert "hunter2" not in " ".join(lines)
    assert load(None, LEAST, {"STREAMGMM_HTTP__TOKEN": "hunter2"}).http.token.get_secret_value() == "hunter2"


def test_the_broker_alone() -> None:
    environment = {"STREAMGMM_BROKER__URL": "kafka://h:1"}
    assert load_broker(None, [], environment).url == "kafka://h:1"
    assert load_broker(None, ["broker.url=kafka://g:1"], environment).url == "kafka://g:1"
    with pytest.raises(SettingsError, match=r"broker\.url: given"):
        load_broker(None, ["broker.url=h"], {})


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_taken_or_refused_in_words(key: str, value: str) -> None:
    try:
        load(
            None,
            [*LEAST, f"{key}={value}", f"input.{key}={value}", f"input.features={value}"],
            {f"STREAMGMM_{key}": value},
        )
    except SettingsError as error:
        assert str(error)


@given(st.text(max_size=80))
def test_any_file_is_taken_or_refused_in_words(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(text, "utf-8", errors="replace")
    with pytest.raises(SettingsError):
        load(file, [], {})
