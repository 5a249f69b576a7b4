"""Every setting, declared once: name, default, bounds, unit and help.

A section checks what holds between its own settings, `Settings` what holds between sections. `settings_source` reads
values from file, environment and command line; `settings_table` writes this file out as a table and as the commented
`config/streamgmm.yaml`, and tests hold the README and that file against it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, SecretStr, model_validator

_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_HOST = r"(\[[0-9a-fA-F:]+\]|[^\s,/:@\[\]]+):[0-9]{1,5}"
URL = rf"^(kafka://{_HOST}(,{_HOST})*|sqlite:///.+)$"
NAME = r"^[a-zA-Z0-9._-]+$"
NAME_OR_EMPTY = r"^[a-zA-Z0-9._-]*$"
_NO_TOPICS = (".", "..")  # names that Kafka refuses


def seconds(value: object) -> object:
    """`100 ms`, `10 s`, `5 min`, `2 h`, `7 d`, or a number of seconds; anything else as it is."""
    if isinstance(value, str) and (match := re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([a-z]*)\s*", value)):
        number, unit = match.groups()
        if (unit or "s") in _UNITS:
            return float(number) * _UNITS[unit or "s"]
    return value


def features(value: object) -> object:
    """A name in a list of features is short for `{name: ...}`."""
    if isinstance(value, list):
        return [{"name": item} if isinstance(item, str) else item for item in value]
    return value


Seconds = Annotated[float, BeforeValidator(seconds, json_schema_input_type=float | str)]
Transform = Literal["identity", "sqrt", "log", "log1p", "logit"]


def is_topic_name(name: str) -> bool:
    """Whether Kafka takes it as the name of a topic."""
    return re.fullmatch(NAME, name) is not None and len(name) <= 249 and name not in _NO_TOPICS


class Section(BaseModel):
    """A group of settings. `contradictions` says what does not fit together, one sentence each."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    def contradictions(self) -> Iterator[str]:
        """What is wrong between settings that are right by themselves; each sentence begins with a key."""
        yield from ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if found := list(self.contradictions()):
            raise ValueError("\n".join(found))
        return self


class Standardise(Section):
    """(value - mean) / scale."""

    mean: float = Field(description="what is subtracted, in the feature's unit")
    scale: float = Field(gt=0, description="what is divided by, in the feature's unit")


class Feature(Section):
    """One named number of a record, and what is done to it before it is learnt."""

    name: str = Field(min_length=1, description="the field's name in the record")
    transform: Transform | Standardise = Field(
        "identity",
        description="applied to the number (or `{mean, scale}`); outside its domain the record is rejected",
    )
    unit: str = Field("", description="shown beside the feature's values")


Features = Annotated[
    Annotated[str, Field(min_length=1)] | Annotated[list[Feature], Field(min_length=1)],
    BeforeValidator(features, json_schema_input_type=str | list[str | Feature]),
]


class Security(Section):
    """How a Kafka connection is secured and who asks."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how the Kafka connection is secured"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "PLAIN", description="how the user is proven; for the SASL protocols"
    )
    username: str = Field("", description="SASL user")
    password: SecretStr = Field(
        SecretStr(""),
        description="SASL password; only from the environment (STREAMGMM_BROKER__SECURITY__PASSWORD) or password_file",
    )
    password_file: str = Field("", description="a file that holds the SASL password")
    ca_file: str = Field("", description="certificate authority (PEM); empty: the system's")
    certificate_file: str = Field("", description="client certificate (PEM)")
    key_file: str = Field("", description="the client certificate's key (PEM)")

    def contradictions(self) -> Iterator[str]:
        """SASL needs a user and a password, TLS files need TLS, a certificate needs its key."""
        prefix, password = "broker.security", bool(self.password.get_secret_value())
        sasl, tls = self.protocol.startswith("SASL"), self.protocol.endswith("SSL")
        if sasl and not self.username:
            yield f"{prefix}.username: required by protocol {self.protocol}"
        if sasl and not password and not self.password_file:
            yield (
                f"{prefix}.password: required by protocol {self.protocol}; set the environment variable "
                f"STREAMGMM_BROKER__SECURITY__PASSWORD or {prefix}.password_file"
            )
        if password and self.password_file:
            yield f"{prefix}.password_file: given beside a password from the environment; give one of the two"
        if not sasl and (self.username or password or self.password_file):
            yield f"{prefix}.protocol: {self.protocol} takes no user and no password; SASL_SSL or SASL_PLAINTEXT do"
        if not tls and (self.ca_file or self.certificate_file or self.key_file):
            yield f"{prefix}.protocol: {self.protocol} takes no certificates; SSL or SASL_SSL do"
        if bool(self.certificate_file) != bool(self.key_file):
            yield f"{prefix}.certificate_file: needs key_file beside it, and the other way round"


class Broker(Section):
    """Where the topics live."""

    url: str = Field(
        "sqlite:///streamgmm.db",
        pattern=URL,
        description="`kafka://host:port,host:port`, or `sqlite:///path` for the embedded log",
    )
    security: Security = Field(default_factory=Security, description="user and encryption; Kafka only")
    request_timeout: Seconds = Field(10.0, ge=1, le=300, description="how long one request may take")
    transaction_timeout: Seconds = Field(
        20.0,
        ge=2,
        le=900,
        description="after this the broker aborts a transaction that was left open; above request_timeout",
    )
    start_deadline: Seconds = Field(
        60.0, ge=0, description="how long an absent broker is waited for at start, then exit code 3"
    )
    loss_deadline: Seconds | None = Field(
        None, ge=0, description="how long a lost broker is waited for, then exit code 3; null: for ever"
    )

    def contradictions(self) -> Iterator[str]:
        """Ports that there are; a request must be able to fail before its transaction does; only Kafka has security."""
        if self.url.startswith("kafka"):
            for port in re.findall(r":([0-9]+)(?=,|$)", self.url):
                if not 1 <= int(port) <= 65535:
                    yield f"broker.url: {port} is no port; 1 to 65535 are"
        if self.transaction_timeout <= self.request_timeout:
            yield (
                f"broker.transaction_timeout: must be above broker.request_timeout ({self.request_timeout:g} s), "
                f"given {self.transaction_timeout:g} s"
            )
        if self.url.startswith("sqlite") and self.security.protocol != "PLAINTEXT":
            yield f"broker.security.protocol: {self.security.protocol} has no meaning for {self.url}; only Kafka has it"


class Input(Section):
    """What is read."""

    topic: str = Field(min_length=1, max_length=249, pattern=NAME, description="the topic that the vectors are in")
    format: Literal["msgpack", "json", "float32", "float64"] = Field(
        "msgpack", description="how a value is encoded; float32 and float64 are raw little-endian rows"
    )
    features: Features = Field(
        "features",
        description="the field that holds the array; or a list of the fields that hold one number each, as a name or "
        "as `{name, transform, unit}` with the transform identity, sqrt, log, log1p, logit or `{mean, scale}`",
    )
    weight: str | None = Field(
        None, min_length=1, description="the field that holds a vector's weight; null: every vector weighs 1"
    )
    start: Literal["earliest", "latest"] | Annotated[int, Field(ge=0)] = Field(
        "earliest", description="where the first run starts: earliest, latest, or milliseconds since the epoch"
    )
    on_corrupt: Literal["stop", "skip"] = Field(
        "stop",
        description="a damaged record batch: stop with exit code 6, or leave it out (an event says which offsets)",
    )
    on_lost_records: Literal["stop", "skip"] = Field(
        "stop",
        description="input deleted before it was learnt: stop with exit code 5, or go on without it (an event says "
        "which offsets)",
    )

    def contradictions(self) -> Iterator[str]:
        """A name that Kafka refuses; raw rows have no fields; a feature is named once."""
        if self.topic in _NO_TOPICS:
            yield f"input.topic: Kafka takes no topic named {self.topic}"
        if self.format in ("float32", "float64"):
            if isinstance(self.features, list):
                yield f"input.features: {self.format} rows have no named fields; name the array or use msgpack or json"
            if self.weight is not None:
                yield f"input.weight: {self.format} rows have no fields; null, or use msgpack or json"
        if isinstance(self.features, list):
            names = [feature.name for feature in self.features]
            for name in sorted({name for name in names if names.count(name) > 1}):
                yield f"input.features: {name} is named {names.count(name)} times; a feature is named once"


class Output(Section):
    """What is published."""

    topic: str = Field(
        "",
        max_length=235,
        pattern=NAME_OR_EMPTY,
        description="where assignments go; empty: `<input.topic>.assignments`. The topics beside it are named "
        "`<output.topic>.model`, `.events` and `.dead-letters`",
    )
    format: Literal["msgpack", "json"] = Field("msgpack", description="how an assignment is encoded")
    responsibilities: Literal["all", "none"] | Annotated[int, Field(ge=1)] = Field(
        "all", description="all, none, or how many of the most probable, as `[[id, p], ...]`"
    )
    source_header: bool = Field(
        True, description="add the header `streamgmm-source: topic/partition/offset`; `audit` needs it"
    )
    create_topics: bool = Field(True, description="create missing output, dead-letter, event and model topics")
    replication: int = Field(
        1, ge=1, le=32767, description="replication factor of created topics; with 3 or more min.insync.replicas is 2"
    )


class Model(Section):
    """The mixture."""

    name: str = Field(
        "model",
        min_length=1,
        max_length=100,
        pattern=NAME,
        description="the model's name: key of its checkpoints, part of its transactional id",
    )
    n_components: int = Field(ge=1, le=10_000, description="number of components K")
    covariance_type: Literal["full", "tied", "diag", "spherical"] = Field(
        "full", description="shape of the covariances, as in scikit-learn"
    )
    n_features: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="number of features D; null: the length of the list `input.features`, or of the first vector. "
        "Required by the formats float32 and float64",
    )
    reg_relative: float = Field(
        1e-6,
        ge=0,
        le=1,
        description="added to a covariance's diagonal, times each feature's median variance within a component",
    )
    reg_covar: float = Field(0.0, ge=0, description="added to a covariance's diagonal, in the feature's unit squared")
    random_state: int = Field(0, ge=0, lt=2**32, description="seed of the k-means start")


class Learning(Section):
    """Stepwise EM."""

    batch_size: int = Field(512, ge=1, le=1_000_000, description="vectors to an M-step")
    exponent: float = Field(
        0.6,
        gt=0.5,
        le=1,
        description="how fast the step size falls: the rate is (t + delay) ** -exponent, t in batches",
    )
    delay: float = Field(10.0, ge=0, description="how many batches' worth of steps the start is damped by")
    warm_up: int | None = Field(
        None, ge=1, description="vectors to gather before the model starts; null: max(20, 5 K (D + 1))"
    )
    warm_up_bytes: ByteSize = Field(
        ByteSize(256 * 1024 * 1024),
        ge=1024,
        description="the warm-up ends when its buffer has this size too, whatever it holds",
    )


class Delivery(Section):
    """Transactions."""

    mode: Literal["exactly_once", "at_least_once"] = Field(
        "exactly_once",
        description="at_least_once publishes each round at once; after a crash some assignments come twice",
    )
    commit_interval: Seconds = Field(0.1, ge=0.001, le=60, description="time between transactions")
    commit_records: int = Field(
        50_000, ge=1, description="records after which a transaction is committed before its time"
    )
    prefix: str = Field(
        "streamgmm",
        min_length=1,
        max_length=100,
        pattern=NAME,
        description="first part of the transactional id `<prefix>.<output topic>.<model>`",
    )
    group: str | None = Field(
        "",
        max_length=249,
        description="consumer group that positions are published in, for lag tools; empty: `<prefix>.<model>`; "
        "null: none",
    )


class Drift(Section):
    """The drift alarm."""

    enabled: bool = Field(True, description="hold the stream against a frozen reference of the model")
    settle: int = Field(20_000, ge=0, description="vectors learnt before the reference is frozen")
    reference_size: int = Field(20_000, ge=200, description="vectors scored after the freeze to learn what is usual")
    window: int = Field(100, ge=10, le=10_000, description="vectors to a value of the detector")
    smoothing: float = Field(0.1, gt=0, le=1, description="weight of the newest window in the EWMA")
    expected_run_length: int = Field(
        200_000, ge=1000, le=10**12, description="vectors between false alarms when nothing changes"
    )
    outlier_quantile: float = Field(
        0.001, gt=0, le=0.1, description="a vector less likely than this share of the reference's is an outlier"
    )

    def contradictions(self) -> Iterator[str]:
        """Lengths that no window fits into."""
        if self.reference_size < 2 * self.window:
            yield (
                f"drift.reference_size: {self.reference_size} vectors hold fewer than two windows (drift.window) of "
                f"{self.window}"
            )
        if self.expected_run_length < 10 * self.window:
            yield (
                f"drift.expected_run_length: {self.expected_run_length} vectors are fewer than ten windows "
                f"(drift.window) of {self.window}"
            )


class Http(Section):
    """Probes and metrics."""

    enabled: bool = Field(True, description="serve probes and metrics")
    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port; 0 takes a free one and logs it")


class Log(Section):
    """Log lines."""

    format: Literal["auto", "console", "json"] = Field(
        "auto", description="auto: console on a terminal, else JSON lines"
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least severe line that is written"
    )


class Settings(Section):
    """All of it."""

    broker: Broker = Field(default_factory=Broker, description="where the topics live; all of them on one cluster")
    input: Input = Field(description="what is read")
    output: Output = Field(default_factory=Output, description="what is published")
    model: Model = Field(description="the mixture")
    learning: Learning = Field(default_factory=Learning, description="stepwise EM")
    delivery: Delivery = Field(default_factory=Delivery, description="transactions")
    drift: Drift = Field(default_factory=Drift, description="the drift alarm")
    http: Http = Field(default_factory=Http, description="probes and metrics")
    log: Log = Field(default_factory=Log, description="log lines")

    @property
    def output_topic(self) -> str:
        """Where assignments go."""
        return self.output.topic or f"{self.input.topic}.assignments"

    @property
    def topics(self) -> Mapping[str, str]:
        """The names of the output's topics by role."""
        output = self.output_topic
        roles = {"dead_letters": "dead-letters", "events": "events", "model": "model"}
        return {"assignments": output} | {role: f"{output}.{ending}" for role, ending in roles.items()}

    def contradictions(self) -> Iterator[str]:
        """The input is no output, and the model has the input's dimension."""
        if self.input.topic in self.topics.values():
            yield f"output.topic: {self.output_topic} would write into the input topic {self.input.topic}; name another"
        longest = max(self.topics.values(), key=len)
        if len(longest) > 249:
            yield f"output.topic: the topic name {longest} would have {len(longest)} characters; Kafka takes 249"
        if self.output_topic in _NO_TOPICS:
            yield f"output.topic: Kafka takes no topic named {self.output_topic}"
        warm_up, components = self.learning.warm_up, self.model.n_components
        if warm_up is not None and warm_up < 2 * components:
            yield (
                f"learning.warm_up: {warm_up} vectors are too few to start {components} components "
                f"(model.n_components); {2 * components} or more"
            )
        yield from self._dimensions()

    def _dimensions(self) -> Iterator[str]:
        components, given = self.model.n_components, self.model.n_features
        if self.input.format in ("float32", "float64") and given is None:
            yield f"model.n_features: required by input.format {self.input.format}, whose rows do not say their length"
        if isinstance(self.input.features, list) and given not in (None, len(self.input.features)):
            yield f"model.n_features: given {given}, but input.features names {len(self.input.features)}; leave it out"
        shown = self.output.responsibilities
        if isinstance(shown, int) and shown > components:
            yield f"output.responsibilities: given {shown}, but model.n_components is {components}; at most that"
