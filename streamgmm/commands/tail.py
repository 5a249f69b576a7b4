"""`streamgmm tail`: the committed records of a topic as lines, for eyes or as JSON for other programs."""

import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from streamgmm.broker.interface import Broker
from streamgmm.broker.open import open_broker
from streamgmm.commands.decode import in_short, text_of, to_json, value_of
from streamgmm.errors import BrokerError
from streamgmm.records.columns import Record, RecordColumns, records_of
from streamgmm.settings import Broker as BrokerSettings

POLL = 1.0  # seconds: how long a fetch may wait

Line = Callable[[str, int, Record], str]


class Span(NamedTuple):
    """From the first record that is there or from now on; to the end as it is now or for ever."""

    from_start: bool
    until_end: bool


async def tail(settings: BrokerSettings, topic: str, span: Span, *, as_json: bool) -> None:
    """Prints to stdout. Raises BrokerError where the topic does not exist, BrokenPipeError where nobody reads."""
    line = json_line if as_json else readable_line
    async with open_broker(settings, create=False) as broker:
        if await broker.topic(topic) is None:
            raise BrokerError(f"topic {topic} does not exist on {settings.url}")
        starts = await broker.offsets(topic, "earliest" if span.from_start else "latest")
        ends = await broker.offsets(topic, "latest") if span.until_end else None
        await _print_all(broker, topic, starts, ends, line)


def json_line(topic: str, partition: int, record: Record) -> str:
    """A JSON object; a header's name that occurs several times has a list of its values."""
    return to_json(
        {
            "topic": topic,
            "partition": partition,
            "offset": record.offset,
            "timestamp": record.timestamp,
            "key": text_of(record.key),
            "value": value_of(record.value),
            "headers": _headers(record),
        }
    )


def readable_line(topic: str, partition: int, record: Record) -> str:
    """`players/0@15  2026-01-31 12:00:00.000  key  value  header=value`, long values in short."""
    key = f"  {_readable(text_of(record.key))}" if record.key is not None else ""
    headers = "".join(f"  {name}={_readable(value)}" for name, value in _headers(record).items())
    value = "null" if record.value is None else in_short(value_of(record.value))
    return f"{topic}/{partition}@{record.offset}  {_time(record.timestamp)}{key}  {value}{headers}"


async def _print_all(
    broker: Broker, topic: str, starts: Mapping[int, int], ends: Mapping[int, int] | None, line: Line
) -> None:
    waiting = {p: start for p, start in starts.items() if ends is None or start < ends[p]}
    reader = await broker.reader(topic)
    try:
        await reader.assign(waiting)
        while waiting:
            for partition, columns in (await reader.fetch(timeout=POLL)).items():
                end = None if ends is None else ends[partition]
                sys.stdout.writelines(_lines(topic, partition, columns, end, line))
                if end is not None and columns.position >= end:
                    waiting.pop(partition, None)
            sys.stdout.flush()
    finally:
        await reader.close()


def _lines(topic: str, partition: int, columns: RecordColumns, end: int | None, line: Line) -> Iterator[str]:
    for record in records_of(columns):
        if end is None or record.offset < end:
            yield line(topic, partition, record) + "\n"


def _headers(record: Record) -> dict[str, object]:
    found: dict[str, list[object]] = {}
    for name, value in record.headers:
        found.setdefault(name, []).append(text_of(value))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _readable(value: object) -> str:
    return value if isinstance(value, str) else in_short(value)


def _time(milliseconds: int) -> str:
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return f"{milliseconds} ms"
    return moment.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
