"""Probes, metrics, the live page and the API."""

import ipaddress
from collections.abc import Iterator

from pydantic import Field, SecretStr

from streamgmm.settings.section import Section


class Http(Section):
    """Probes, metrics, the live page and the API."""

    enabled: bool = Field(True, description="serve probes, metrics, the live page and the API")
    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port; 0 takes a free one and logs it")
    token: SecretStr = Field(
        SecretStr(""),
        description="who knows it may look at the page and the API where `host` is not this machine alone; only "
        "from the environment (STREAMGMM_HTTP__TOKEN) or token_file",
    )
    token_file: str = Field("", description="a file that holds the token")
    public_read: bool = Field(
        False, description="everybody who reaches `host` may look at the page and the API, without a token"
    )
    show_payloads: bool = Field(
        False, description="the page and the API show the beginning of what was in the last dead letters"
    )

    @property
    def is_loopback(self) -> bool:
        """Only this machine can reach the host."""
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host == "localhost"

    def contradictions(self) -> Iterator[str]:
        """One token."""
        if self.token.get_secret_value() and self.token_file:
            yield "http.token_file: given beside a token from the environment; give one of the two"
