"""Probes and metrics."""

from pydantic import Field

from streamgmm.settings.section import Section


class Http(Section):
    """Probes and metrics."""

    enabled: bool = Field(True, description="serve probes and metrics")
    host: str = Field("127.0.0.1", min_length=1, description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port; 0 takes a free one and logs it")
