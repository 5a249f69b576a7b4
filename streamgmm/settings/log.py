"""Log lines."""

from typing import Literal

from pydantic import Field

from streamgmm.settings.section import Section


class Log(Section):
    """Log lines."""

    format: Literal["auto", "console", "json"] = Field(
        "auto", description="auto: console on a terminal, else JSON lines"
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least severe line that is written"
    )
