"""What the settings accept by themselves and between themselves."""

import pytest
from pydantic import ValidationError

from streamgmm.settings import Feature, HalfLife, Settings, Standardise, is_topic_name, seconds
from streamgmm.settings.table import table

LEAST: dict[str, dict[str, object]] = {"input": {"topic": "players"}, "model": {"n_components": 4}}


def settings(**sections: dict[str, object]) -> Settings:
    return Settings.model_validate({name: LEAST.get(name, {}) | sections.get(name, {}) for name in LEAST | sections})


def test_topics_are_named_after_the_output() -> None:
    assert settings().topics == {
        "assignments": "players.assignments",
        "dead_letters": "players.assignments.dead-letters",
        "events": "players.assignments.events",
        "model": "players.assignments.model",
    }
    assert settings(output={"topic": "segments"}).topics["model"] == "segments.model"


@pytest.mark.parametrize(
    ("text", "value"),
    [("100 ms", 0.1), ("10s", 10), ("10 s", 10), ("5 min", 300), ("2h", 7200), ("7 d", 604800), ("1.5", 1.5)],
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == pytest.approx(value)
    assert settings(broker={"start_deadline": text}).broker.start_deadline == pytest.approx(value)


@pytest.mark.parametrize("text", ["10 parsecs", "ten", "", "1.2.3", "-1 s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValidationError):
        settings(broker={"start_deadline": text})


def test_features_are_a_field_or_a_list_of_fields() -> None:
    standardised = {"name": "z", "transform": {"mean": 1, "scale": 2}, "unit": "s"}
    given = settings(input={"features": ["x", {"name": "y", "transform": "log"}, standardised]}).input.features
    assert given == [
        Feature(name="x"),
        Feature(name="y", transform="log"),
        Feature(name="z", transform=Standardise(mean=1, scale=2), unit="s"),
    ]
    assert settings(input={"features": "x"}).input.features == "x"


SASL = {"protocol": "SASL_SSL", "username": "u", "password": "secret"}
KAFKA = "kafka://127.0.0.1:9092"


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"broker": {"request_timeout": 10, "transaction_timeout": 10}}, "broker.transaction_timeout"),
        ({"broker": {"security": SASL}}, "broker.security.protocol"),
        ({"broker": {"url": KAFKA, "security": SASL | {"username": ""}}}, "broker.security.username"),
        ({"broker": {"url": KAFKA, "security": SASL | {"password": ""}}}, "broker.security.password"),
        ({"broker": {"url": KAFKA, "security": SASL | {"password_file": "x"}}}, "broker.security.password_file"),
        ({"broker": {"url": KAFKA, "security": {"username": "u"}}}, "broker.security.protocol"),
        ({"broker": {"url": KAFKA, "security": {"ca_file": "x"}}}, "broker.security.protocol"),
        (
            {"broker": {"url": KAFKA, "security": {"protocol": "SSL", "key_file": "x"}}},
            "broker.security.certificate_file",
        ),
        ({"input": {"format": "float32"}}, "model.n_features"),
        ({"input": {"format": "float32", "features": ["x"]}}, "input.features"),
        ({"input": {"format": "float64", "weight": "w"}}, "input.weight"),
        ({"input": {"features": ["x", "y", "x"]}}, "input.features"),
        ({"input": {"features": ["x", "y"]}, "model": {"n_features": 3}}, "model.n_features"),
        ({"input": {"topic": "t.model"}, "output": {"topic": "t"}}, "output.topic"),
        ({"input": {"topic": "t"}, "output": {"topic": "t"}}, "output.topic"),
        ({"input": {"topic": "t" * 240}}, "output.topic"),
        ({"output": {"responsibilities": 5}}, "output.responsibilities"),
        ({"broker": {"url": "kafka://h:9092,h:70000"}}, "broker.url"),
        ({"broker": {"url": "kafka://[::1]:0"}}, "broker.url"),
        ({"input": {"topic": "."}}, "input.topic"),
        ({"input": {"topic": ".."}}, "input.topic"),
        ({"output": {"topic": ".."}}, "output.topic"),
        ({"learning": {"warm_up": 7}}, "learning.warm_up"),
        ({"model": {"n_components": "auto"}, "learning": {"warm_up": 19}}, "learning.warm_up"),
        ({"learning": {"half_life": 511}}, "learning.half_life"),
        ({"learning": {"half_life": {"value": 0.9, "unit": "batches"}}}, "learning.half_life"),
        ({"learning": {"max_gap": 60}}, "learning.max_gap"),
        ({"learning": {"max_gap": 60, "half_life": 1000}}, "learning.max_gap"),
        ({"learning": {"averaged_scoring": True}}, "learning.averaged_scoring"),
        ({"input": {"format": "float64", "event_time": "t"}, "model": {"n_features": 2}}, "input.event_time"),
        ({"model": {"n_components_min": 5, "n_components_max": 4}}, "model.n_components_min"),
        ({"model": {"n_components": "auto", "weights_init": [1.0]}}, "model.weights_init"),
        ({"model": {"weights_init": [0.5, 0.5]}}, "model.weights_init"),
        ({"model": {"means_init": [[1, 2], [3]] * 2}}, "model.means_init"),
        ({"model": {"means_init": [[1, 2]] * 4, "n_features": 3}}, "model.means_init"),
        ({"model": {"covariances_init": [[1, 2]] * 4}}, "model.covariances_init"),
        (
            {"model": {"n_components": 1, "covariances_init": [[[1]]], "precisions_init": [[[1]]]}},
            "model.precisions_init",
        ),
        ({"model": {"background": {"low": [0], "high": [1, 2]}}}, "model.background"),
        ({"model": {"background": {"low": [0, 2], "high": [1, 2]}}}, "model.background"),
        ({"model": {"background": {"low": [0], "high": [1]}, "n_features": 2}}, "model.background"),
        ({"model": {"background": {"low": [0], "high": [1]}}, "input": {"features": ["x", "y"]}}, "model.n_features"),
        ({"drift": {"reference_size": 200, "window": 101}}, "drift.reference_size"),
        ({"drift": {"detectors": []}}, "drift.detectors"),
        ({"drift": {"detectors": ["cusum", "cusum"]}}, "drift.detectors"),
        ({"drift": {"expected_run_length": 1000, "window": 101}}, "drift.expected_run_length"),
        ({"drift": {"expected_run_length": 10**6, "reference_size": 9_999}}, "drift.expected_run_length"),
    ],
)
def test_what_contradicts_itself_is_refused(sections: dict[str, dict[str, object]], key: str) -> None:
    with pytest.raises(ValidationError, match=f"Value error, {key}: "):
        settings(**sections)


def test_what_fits_together_is_taken() -> None:
    settings(
        broker={"url": KAFKA, "security": SASL},
        input={"features": ["x", "y"]},
        model={"n_features": 2},
        output={"responsibilities": 4},
    )
    settings(input={"format": "float32"}, model={"n_features": 3})
    settings(learning={"warm_up": 8}, input={"topic": "..."}, broker={"url": "kafka://h:65535"})


def test_a_half_life_names_itself_and_the_batch() -> None:
    with pytest.raises(ValidationError, match=r"100 records are less than a batch \(learning.batch_size\) of 512"):
        settings(learning={"half_life": {"value": 100}})
    assert settings(learning={"half_life": 512}).learning.half_life == HalfLife(value=512, unit="records")
    settings(learning={"half_life": {"value": 0.5, "unit": "seconds"}, "max_gap": "1 min"})


@pytest.mark.parametrize(
    ("covariance_type", "spread"),
    [("full", [[[1, 0], [0, 1]]] * 4), ("tied", [[1, 0], [0, 1]]), ("diag", [[1, 1]] * 4), ("spherical", [1] * 4)],
)
def test_what_is_given_to_start_from_has_the_shape_of_the_model(covariance_type: str, spread: object) -> None:
    model = {"covariance_type": covariance_type, "weights_init": [0.25] * 4, "means_init": [[0, 0]] * 4}
    for name in ("covariances_init", "precisions_init"):
        assert settings(model={**model, name: spread}).n_features == 2


def test_the_number_of_features_is_taken_from_whatever_says_it() -> None:
    assert settings().n_features is None
    assert settings(input={"features": ["a", "b", "c"]}).n_features == 3
    assert settings(model={"background": {"low": [0], "high": [1]}}).n_features == 1
    assert settings(model={"covariances_init": [[[1, 0], [0, 1]]] * 4}).n_features == 2
    assert settings(model={"covariance_type": "spherical", "covariances_init": [1.0] * 4}).n_features is None


def test_the_warm_up_and_the_components_are_both_named() -> None:
    with pytest.raises(
        ValidationError, match=r"7 vectors are too few to start 4 components \(model\.n_components\); 8"
    ):
        settings(learning={"warm_up": 7})


@pytest.mark.parametrize(("name", "taken"), [("a.b_c-1", True), ("x" * 249, True), ("x" * 250, False), ("...", True)])
def test_names_of_topics(name: str, taken: bool) -> None:
    assert is_topic_name(name) is taken
    assert not any(map(is_topic_name, ("", ".", "..", "a/b", "a\n", "ä")))


@pytest.mark.parametrize(
    "url",
    ["kafka://h:1", "kafka://h:1,g-1.example:9092", "kafka://[::1]:9092", "sqlite:///a.db", "sqlite:////tmp/a b.db"],
)
def test_urls(url: str) -> None:
    assert settings(broker={"url": url}).broker.url == url


@pytest.mark.parametrize("url", ["kafka://h", "kafka://u:p@h:1", "h:9092", "sqlite://a.db", "kafka://h:1,", ""])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ValidationError):
        settings(broker={"url": url})


def test_a_password_is_masked_wherever_settings_are_shown() -> None:
    given = settings(broker={"url": KAFKA, "security": SASL})
    assert "secret" not in f"{given!r} {given} {given.model_dump_json()}"


def test_every_setting_has_help_and_every_number_has_a_bound() -> None:
    for row in table():
        assert row.help, row.key
        assert row.bounds or row.type not in ("integer", "number", "duration", "size"), row.key
