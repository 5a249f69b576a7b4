"""Log lines: an event named in words, with fields (`topic`, `partition`, `offset`, ...), to standard error.

Readable columns on a terminal, a JSON object a line elsewhere, ISO 8601 in UTC. Everything goes through one handler of
Python's logging, so that aiokafka's, uvicorn's and asyncio's lines look the same. Payloads stay out: byte strings and
arrays appear by their size, tracebacks without the values of variables.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import msgspec
import numpy as np
import structlog
from structlog.typing import Processor

from streamgmm.settings import Log

_OTHERS = ("aiokafka", "uvicorn", "asyncio", "numba")  # at `info` they tell of every request and every compilation


def configure(settings: Log, stream: TextIO | None = None) -> None:
    """Write log lines to `stream` (standard error by default) from now on; a second call replaces the first."""
    stream = stream or sys.stderr
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_COMMON, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(settings, terminal=stream.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for name in _OTHERS:
        logging.getLogger(name).setLevel("INFO" if settings.level == "debug" else "WARNING")


def without_payload(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Byte strings and arrays by their size."""
    for name, value in event.items():
        if isinstance(value, bytes | bytearray):
            event[name] = f"<{len(value)} bytes>"
        elif isinstance(value, memoryview | np.ndarray):
            event[name] = f"<{value.nbytes} bytes>"
    return event


_COMMON: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    without_payload,
)


def _formatter(settings: Log, *, terminal: bool) -> logging.Formatter:
    console = settings.format == "console" or (settings.format == "auto" and terminal)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_COMMON, structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *(_console(colours=terminal) if console else _json_lines()),
        ],
    )


def _console(*, colours: bool) -> tuple[Processor, ...]:
    return (structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback),)


def _json_lines() -> tuple[Processor, ...]:
    return (
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=_as_json),
    )


def _as_json(event: object, **_unused: object) -> str:
    """JSON with null for NaN."""
    return msgspec.json.encode(event, enc_hook=_plain).decode()


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else repr(value)
