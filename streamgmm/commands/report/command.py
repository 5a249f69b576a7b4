"""The command: read, tell, and write the page where one is asked for."""

import os
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
            _write(html, page.html(seen))
        except OSError as error:
            raise SettingsError(f"{html}: cannot be written: {error.strerror}") from error
        yield f"written to {html}"


def _write(path: Path, text: str) -> None:
    """Whole or not at all: beside the file, and then in its place. What is no file (a pipe) is written to."""
    if path.exists() and not path.is_file():
        path.write_text(text, "utf-8")
        return
    place = path.resolve()  # a link stays one
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        beside.write_text(text, "utf-8")
        beside.replace(place)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


async def gathered(settings: Settings, hours: float) -> Seen:
    """The events of the last hours. Raises BrokerError where there is no events topic."""
    end = time.time_ns() // 1_000_000
    async with open_broker(settings.broker, create=False) as broker:
        return await read(broker, settings, end - round(hours * 3_600_000), end)
