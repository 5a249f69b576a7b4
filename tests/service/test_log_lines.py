import io
import json
import logging
from collections.abc import Iterator

import numpy as np
import pytest
import structlog

from streamgmm.service.log_lines import configure
from streamgmm.settings import Log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    for name in ("aiokafka", "uvicorn", "asyncio", "numba"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def json_lines(**settings: str) -> io.StringIO:
    stream = io.StringIO()
    configure(Log.model_validate(settings), stream)
    return stream


def test_an_event_with_fields_is_a_json_line():
    stream = json_lines()
    structlog.get_logger().info("transaction committed", topic="players", partition=3, offset=17)
    (line,) = lines(stream)
    timestamp = line.pop("timestamp")
    assert str(timestamp).endswith("Z")
    assert line == {
        "event": "transaction committed",
        "level": "info",
        "topic": "players",
        "partition": 3,
        "offset": 17,
    }


def test_columns_on_a_terminal():
    stream = Terminal()
    configure(Log(), stream)
    structlog.get_logger().warning("broker lost", address="kafka://127.0.0.1:9092")
    assert "broker lost" in stream.getvalue()
    assert "\x1b[" in stream.getvalue()
    with pytest.raises(json.JSONDecodeError):
        lines(stream)


def test_the_format_can_be_chosen():
    stream, terminal = io.StringIO(), Terminal()
    configure(Log(format="json"), terminal)
    structlog.get_logger().info("one")
    assert lines(terminal)[0]["event"] == "one"
    configure(Log(format="console"), stream)
    structlog.get_logger().info("two", partition=1)
    assert "\x1b[" not in stream.getvalue()
    assert "partition=1" in stream.getvalue()


def test_lines_below_the_level_are_left_out():
    stream = json_lines(level="warning")
    log = structlog.get_logger()
    log.info("a detail")
    log.warning("a warning")
    assert [line["event"] for line in lines(stream)] == ["a warning"]


def test_the_last_configuration_counts_for_loggers_made_before():
    log = structlog.get_logger()
    first = json_lines()
    log.info("one")
    second = json_lines()
    log.info("two")
    assert [line["event"] for line in lines(first) + lines(second)] == ["one", "two"]
    assert len(lines(first)) == 1


def test_lines_of_libraries_go_the_same_way():
    stream = json_lines()
    logging.getLogger("aiokafka.conn").warning("node %s is gone", 3)
    logging.getLogger("aiokafka.conn").info("a request was sent")
    logging.getLogger("uvicorn.error").info("started")
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("node 3 is gone", "warning", "aiokafka.conn")


def test_libraries_tell_more_at_debug():
    stream = json_lines(level="debug")
    logging.getLogger("aiokafka.conn").info("connected")
    logging.getLogger("aiokafka.conn").debug("a request was sent")
    assert [line["event"] for line in lines(stream)] == ["connected"]


def test_no_payload_appears():
    stream = json_lines()
    values = {"value": b"secret", "key": bytearray(b"secret"), "view": memoryview(b"secret"), "vector": np.ones(3)}
    structlog.get_logger().error("record rejected", **values)
    (line,) = lines(stream)
    assert "secret" not in stream.getvalue()
    assert (line["value"], line["key"], line["view"], line["vector"]) == (
        "<6 bytes>",
        "<6 bytes>",
        "<6 bytes>",
        "<24 bytes>",
    )


@pytest.mark.parametrize("output", [io.StringIO, Terminal])
def test_a_traceback_does_not_show_the_values_of_variables(output):
    stream = output()
    configure(Log(), stream)
    payload = "sec" + "ret"
    try:
        raise ValueError("undecodable")
    except ValueError:
        structlog.get_logger().exception("round failed")
    assert "ValueError: undecodable" in stream.getvalue()
    assert payload not in stream.getvalue()


def test_numbers_of_any_kind_are_valid_json():
    stream = json_lines()
    values = {"nan": float("nan"), "count": np.int64(3), "mean": np.float64(0.5), "by_partition": {0: 1}, "set": {1}}
    structlog.get_logger().info("summary", **values)
    (line,) = lines(stream)
    assert (line["nan"], line["by_partition"]) == (None, {"0": 1})
    assert (line["count"], line["mean"]) == (3, 0.5)
