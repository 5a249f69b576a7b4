"""The command: read, tell, and write the page where one is asked for."""

import time
from collections.abc import Iterator
from pathlib import Path

from streamgmm.broker.open import open_broker
from streamgmm.commands.report import page, text
from streamgmm.commands.report.events import Seen, read
from streamgmm.errors import SettingsError
from streamgmm.settings import Settings


def told(seen: Seen, html: Path | None) -> Iterator[str]:
    """The report's lines; with `html` its page is written there. Raises SettingsError where it cannot be."""
    yield from text.lines(seen)
    if html is not None:
        try:
            html.write_text(page.html(seen), "utf-8")
        except OSError as error:
            raise SettingsError(f"{html}: cannot be written: {error.strerror}") from error
        yield f"written to {html}"


async def gathered(settings: Settings, hours: float) -> Seen:
    """The events of the last hours. Raises BrokerError where there is no events topic."""
    end = time.time_ns() // 1_000_000
    async with open_broker(settings.broker, create=False) as broker:
        return await read(broker, settings, end - round(hours * 3_600_000), end)
