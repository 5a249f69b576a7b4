"""Where the topics live."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr

from streamgmm.settings.section import URL, Seconds, Section


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


def on_or_off(value: object) -> object:
    """YAML reads a bare `on` and `off` as true and false."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


FastPath = Annotated[Literal["auto", "on", "off"], BeforeValidator(on_or_off, json_schema_input_type=str | bool)]


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
    kafka_fast_path: FastPath = Field(
        "auto",
        description="records to and from Kafka as whole batches, through parts of aiokafka that it does not document; "
        "auto: where these are the known ones; on: or else exit code 2; off: record by record",
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
