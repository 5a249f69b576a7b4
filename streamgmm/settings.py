"""Every setting, declared once: name, default, bounds, unit and help. The README's table and the commented
`config/streamgmm.yaml` are held against this file by tests; `settings_source` reads them from file, environment and
command line.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, SecretStr

_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(value: object) -> object:
    """`100 ms`, `10 s`, `5 min`, `2 h`, `7 d`, or a number of seconds."""
    if isinstance(value, str) and (match := re.fullmatch(r"\s*([0-9.]+)\s*([a-z]*)\s*", value)):
        number, unit = match.groups()
        if (unit or "s") in _UNITS:
            return float(number) * _UNITS[unit or "s"]
    return value


Seconds = Annotated[float, BeforeValidator(seconds)]
Transform = Literal["identity", "sqrt", "log", "log1p", "logit"]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


class Standardise(Section):
    """(value - mean) / scale."""

    mean: float = Field(description="what is subtracted, in the feature's unit")
    scale: float = Field(gt=0, description="what is divided by, in the feature's unit")


class Feature(Section):
    """One named number of a record, and what is done to it before it is learnt."""

    name: str = Field(min_length=1, description="the field's name in the record")
    transform: Transform | Standardise = Field("identity", description="applied to the number; outside its domain the record is rejected")
    unit: str = Field("", description="shown beside the feature's values")


class Security(Section):
    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field("PLAINTEXT", description="how the Kafka connection is secured")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field("PLAIN", description="how the user is proven")
    username: str = Field("", description="SASL user")
    password: SecretStr = Field(SecretStr(""), description="SASL password; from the environment or `password_file` only, never from the settings file")
    password_file: str = Field("", description="a file that holds the SASL password")
    ca_file: str = Field("", description="certificate authority (PEM); empty: the system's")
    certificate_file: str = Field("", description="client certificate (PEM)")
    key_file: str = Field("", description="client key (PEM)")


class Broker(Section):
    url: str = Field("sqlite:///streamgmm.db", pattern=r"^(kafka://.+|sqlite:///.+)", description="`kafka://host:port,host:port`, or `sqlite:///path` for the embedded log")
    security: Security = Field(default_factory=Security, description="Kafka only")
    request_timeout: Seconds = Field(10.0, ge=1, le=300, description="how long one request may take")
    transaction_timeout: Seconds = Field(20.0, ge=2, le=900, description="after this the broker aborts a transaction that was left open; above request_timeout")
    start_deadline: Seconds = Field(60.0, ge=0, description="how long an absent broker is waited for at start, then exit code 3")
    loss_deadline: Seconds | None = Field(None, ge=0, description="how long a lost broker is waited for, then exit code 3; null: for ever")


class Input(Section):
    topic: str = Field(min_length=1, max_length=249, pattern=r"^[a-zA-Z0-9._-]+$", description="the topic that the vectors are read from")
    format: Literal["msgpack", "json", "float32", "float64"] = Field("msgpack", description="how a value is encoded; float32 and float64 are raw little-endian rows")
    features: str | list[Feature] = Field("features", description="the field that holds the array, or a list of fields that hold a number each (`name`, or `{name, transform, unit}`)")
    weight: str | None = Field(None, min_length=1, description="the field that holds a vector's weight; null: every vector weighs 1")
    start: Literal["earliest", "latest"] | int = Field("earliest", description="where the first run starts: earliest, latest, or a time in milliseconds since the epoch")
    on_corrupt: Literal["stop", "skip"] = Field("stop", description="a damaged record batch: stop with exit code 6, or leave it out (an event says which offsets)")
    on_lost_records: Literal["stop", "skip"] = Field("stop", description="input deleted before it was learnt: stop with exit code 5, or go on without it (an event says which offsets)")


class Output(Section):
    topic: str = Field("", max_length=249, pattern=r"^[a-zA-Z0-9._-]*$", description="where assignments go; empty: `<input.topic>.assignments`; the topics beside it are named `<output.topic>.model`, `.events`, `.dead-letters`")
    format: Literal["msgpack", "json"] = Field("msgpack", description="how an assignment is encoded")
    responsibilities: Literal["all", "none"] | Annotated[int, Field(ge=1)] = Field("all", description="all, none, or how many of the most probable, as `[[id, p], ...]`")
    source_header: bool = Field(True, description="add the header `streamgmm-source: topic/partition/offset`; `audit` needs it")
    create_topics: bool = Field(True, description="create missing output, dead-letter, event and model topics")
    replication: int = Field(1, ge=1, le=32767, description="replication factor of created topics; with 3 or more min.insync.replicas is 2")


class Model(Section):
    name: str = Field("model", min_length=1, max_length=100, pattern=r"^[a-zA-Z0-9._-]+$", description="the model's name: key of its checkpoints, part of its transactional id")
    n_components: int = Field(ge=1, le=10_000, description="number of components K")
    covariance_type: Literal["full", "tied", "diag", "spherical"] = Field("full", description="shape of the covariances, as in scikit-learn")
    n_features: int | None = Field(None, ge=1, le=10_000, description="number of features D; null: the length of `input.features`, or of the first vector")
    reg_relative: float = Field(1e-6, ge=0, le=1, description="added to a covariance's diagonal, times each feature's variance")
    reg_covar: float = Field(0.0, ge=0, description="added to a covariance's diagonal, in the feature's unit squared")
    random_state: int = Field(0, ge=0, lt=2**32, description="seed of the k-means start")


class Learning(Section):
    batch_size: int = Field(512, ge=1, le=1_000_000, description="vectors to an M-step")
    exponent: float = Field(0.6, gt=0.5, le=1, description="how fast the step size falls: the rate is (t + delay) ** -exponent, t in batches")
    delay: float = Field(10.0, ge=0, description="how many batches' worth of steps the start is damped by")
    warm_up: int | None = Field(None, ge=1, description="vectors to gather before the model starts; null: max(20, 5 K (D + 1))")
    warm_up_bytes: ByteSize = Field(ByteSize(256 * 1024 * 1024), ge=1024, description="the warm-up's buffer ends at this size too, whatever it holds")


class Delivery(Section):
    mode: Literal["exactly_once", "at_least_once"] = Field("exactly_once", description="at_least_once publishes each round at once; after a crash some assignments come twice")
    commit_interval: Seconds = Field(0.1, ge=0.001, le=60, description="time between transactions")
    commit_records: int = Field(200_000, ge=1, description="records after which a transaction is committed before its time")
    prefix: str = Field("streamgmm", min_length=1, max_length=100, pattern=r"^[a-zA-Z0-9._-]+$", description="first part of the transactional id `<prefix>.<output topic>.<model>`")
    group: str | None = Field("", max_length=249, description="consumer group that positions are published in, for lag tools; empty: `<prefix>.<model>`; null: none")


class Drift(Section):
    enabled: bool = Field(True, description="hold the stream against a frozen reference of the model")
    settle: int = Field(20_000, ge=0, description="vectors learnt before the reference is frozen")
    reference_size: int = Field(20_000, ge=200, description="vectors scored after the freeze to learn what is usual")
    window: int = Field(100, ge=10, le=1_000_000, description="vectors to a value of the detector")
    smoothing: float = Field(0.1, gt=0, le=1, description="weight of the newest window in the EWMA")
    expected_run_length: int = Field(200_000, ge=1000, description="vectors between false alarms when nothing changes")
    outlier_quantile: float = Field(0.001, gt=0, le=0.1, description="a vector less likely than this share of the reference's is an outlier")


class Http(Section):
    enabled: bool = Field(True, description="serve probes and metrics")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port; 0 takes a free one and logs it")


class Log(Section):
    format: Literal["auto", "console", "json"] = Field("auto", description="auto: console on a terminal, else JSON lines")
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least severe line that is written")


class Settings(Section):
    broker: Broker = Field(default_factory=Broker, description="where the topics live; all of them on one cluster")
    input: Input = Field(description="what is read")
    output: Output = Field(default_factory=Output, description="what is published")
    model: Model = Field(description="the mixture")
    learning: Learning = Field(default_factory=Learning, description="stepwise EM")
    delivery: Delivery = Field(default_factory=Delivery, description="transactions and checkpoints")
    drift: Drift = Field(default_factory=Drift, description="the drift alarm")
    http: Http = Field(default_factory=Http, description="probes and metrics")
    log: Log = Field(default_factory=Log, description="log lines")

    @property
    def output_topic(self) -> str:
        return self.output.topic or f"{self.input.topic}.assignments"

    @property
    def topics(self) -> Mapping[str, str]:
        """The names of the output's topics by role."""
        output = self.output_topic
        return {"assignments": output, "dead_letters": f"{output}.dead-letters", "events": f"{output}.events", "model": f"{output}.model"}
