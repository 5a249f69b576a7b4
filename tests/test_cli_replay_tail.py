"""Files into topics and topics onto the terminal, over the embedded log."""

import asyncio
import json
import os
import signal
import sys
import uuid
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import pytest

import streamgmm
from streamgmm.broker.interface import Topic
from streamgmm.broker.open import open_broker
from streamgmm.commands.decode import in_short, value_of
from streamgmm.commands.replay import Pace, Target, replay
from streamgmm.commands.rows import Choice, rows_of
from streamgmm.commands.tail import Span, json_line, readable_line, tail
from streamgmm.errors import BrokerError, InputUnusable, SettingsError
from streamgmm.records.columns import Record, of_records, string
from streamgmm.settings import Broker

Captured = pytest.CaptureFixture[str]
CSV = "id,x,y\na,1,2.5\nb,,3\na,nan,many\n"


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    return Broker(url=f"sqlite:///{tmp_path / 'log.db'}")


async def lines_of(broker: Broker, topic: str, capsys: Captured, **span: bool) -> list[str]:
    capsys.readouterr()
    await tail(broker, topic, Span(**{"from_start": True, "until_end": True, **span}), as_json=True)
    return capsys.readouterr().out.splitlines()


async def replayed(broker: Broker, file: Path, capsys: Captured, choice: Choice, partitions: int = 1) -> list[Any]:
    await replay(broker, file, choice, Target("players", partitions), Pace())
    return [json.loads(line) for line in await lines_of(broker, "players", capsys)]


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_a_csv_becomes_maps(
    broker: Broker, tmp_path: Path, capsys: Captured, encoding: Literal["msgpack", "json"]
) -> None:
    (tmp_path / "a.csv").write_text(CSV, "utf-8-sig")
    records = await replayed(broker, tmp_path / "a.csv", capsys, Choice(encoding, "id", ["y", "x"]))
    assert [record["value"] for record in records] == [
        {"y": 2.5, "x": 1},
        {"y": 3, "x": None},
        {"y": "many", "x": None},
    ]
    assert [record["key"] for record in records] == ["a", "b", "a"]
    assert [record["offset"] for record in records] == [0, 1, 2]
    assert set(records[0]) == {"topic", "partition", "offset", "timestamp", "key", "value", "headers"}


async def test_json_lines_are_written_as_they_stand(broker: Broker, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "a.jsonl").write_text('{"x": [1, 2.0], "id": 7}\n\n  {"x": [3, null], "id": "b"}\n')
    records = await replayed(broker, tmp_path / "a.jsonl", capsys, Choice("json", "id"))
    assert [record["value"] for record in records] == [{"x": [1, 2.0], "id": 7}, {"x": [3, None], "id": "b"}]
    assert [record["key"] for record in records] == ["7", "b"]


async def test_an_array_goes_round_the_partitions(broker: Broker, tmp_path: Path, capsys: Captured) -> None:
    array = np.arange(24_000, dtype=np.float32).reshape(12_000, 2)
    np.save(tmp_path / "a.npy", array)
    records = await replayed(broker, tmp_path / "a.npy", capsys, Choice("msgpack"), partitions=7)
    values = {p: [r["value"] for r in records if r["partition"] == p] for p in range(7)}
    assert values == {p: array[p::7].tolist() for p in range(7)}


async def test_a_key_stays_in_its_partition(broker: Broker, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "a.csv").write_text("id,x\n" + "".join(f"{i % 50},{i}\n" for i in range(500)))
    records = await replayed(broker, tmp_path / "a.csv", capsys, Choice("msgpack", "id"), partitions=4)
    places: dict[str, set[int]] = {}
    for record in records:
        places.setdefault(record["key"], set()).add(record["partition"])
    assert {len(found) for found in places.values()} == {1}
    assert len(set.union(*places.values())) == 4
    assert [record["value"]["x"] for record in records if record["key"] == "7"] == list(range(7, 500, 50))


async def test_kafka_takes_and_gives_the_same(kafka_url: str, tmp_path: Path, capsys: Captured) -> None:
    np.save(tmp_path / "a.npy", np.arange(12_000.0).reshape(6_000, 2))
    broker, topic = Broker(url=kafka_url), f"players-{uuid.uuid4().hex}"
    await replay(broker, tmp_path / "a.npy", Choice("msgpack"), Target(topic, 3), Pace())
    records = [json.loads(line) for line in await lines_of(broker, topic, capsys)]
    assert sorted(record["value"] for record in records) == np.arange(12_000.0).reshape(6_000, 2).tolist()
    assert {record["partition"] for record in records} == {0, 1, 2}


async def test_a_failure_midway_says_how_far_it_came(broker: Broker, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "a.csv").write_text("x\n" + "1\n" * 6_000 + "1,2\n")
    with pytest.raises(InputUnusable, match="line 6002"):
        await replay(broker, tmp_path / "a.csv", Choice("json"), Target("players"), Pace())
    assert "replayed 6,000 records into players, then failed:\n" in capsys.readouterr().err
    assert len(await lines_of(broker, "players", capsys)) == 6_000


async def test_repeat_goes_on_until_it_is_stopped(broker: Broker, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    pace = Pace(rate=5000, repeat=True)
    task = asyncio.create_task(replay(broker, tmp_path / "a.csv", Choice("json"), Target("players"), pace))
    async with open_broker(broker) as opened:
        await opened.create_topic(Topic("players", 1, 1, {}))
        reader = await opened.reader("players")
        await reader.assign({0: 0})
        position = 0
        while position < 7:  # the third time round
            position = (await reader.fetch(timeout=10))[0].position
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "records into players" in capsys.readouterr().err
    ids = [json.loads(line)["value"]["id"] for line in await lines_of(broker, "players", capsys)]
    assert ids == (["a", "b", "a"] * len(ids))[: len(ids)]


@pytest.mark.parametrize(
    ("file", "text", "error", "said"),
    [
        ("a.csv", "id,y\n1\n", InputUnusable, "line 2: 1 cells"),
        ("a.csv", "x,x\n1,2\n", InputUnusable, "line 1"),
        ("a.csv", "", InputUnusable, "line 1"),
        ("a.csv", "id\n", InputUnusable, "no records"),
        ("a.csv", "id,x\na,\xff\n", InputUnusable, "line 2: not UTF-8"),
        ("a.csv", "id,x\na," + "1" * 3_000_000, InputUnusable, "line 2: not CSV: a row of more than 1,048,576 bytes"),
        ("a.csv", 'id,x\n"b,2\n', InputUnusable, "line 2: not CSV: a cell's closing quote is missing"),
        ("a.csv", "id,x\ra,1\r", InputUnusable, "line 1: not CSV: a carriage return"),
        ("a.csv", "ids,x\na,1\n", SettingsError, "no column id; did you mean ids?"),
        ("a.jsonl", '{"id": 1}\n{"id": \n', InputUnusable, "line 2: not JSON"),
        ("a.jsonl", '{"x": 1}\n', InputUnusable, "line 1: not a map with the field 'id'"),
        ("a.jsonl", "[1]\n", InputUnusable, "line 1: not a map"),
        ("a.npy", "x", SettingsError, "no named columns"),
        ("a.parquet", "x", SettingsError, "replays .csv"),
    ],
)
async def test_what_cannot_be_read_is_named_and_leaves_no_topic(
    broker: Broker, tmp_path: Path, *, file: str, text: str, error: type[Exception], said: str
) -> None:
    (tmp_path / file).write_text(text, "latin-1")
    with pytest.raises(error, match=said):
        await replay(broker, tmp_path / file, Choice("msgpack", "id"), Target("t"), Pace())
    async with open_broker(broker) as opened:
        assert await opened.topic("t") is None


@pytest.mark.parametrize("array", [np.zeros(3), np.zeros((2, 2), bool), np.array([["a"]])])
def test_arrays_that_are_no_vectors(tmp_path: Path, array: np.ndarray[Any, Any]) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputUnusable, match="2-d array of numbers"):
        list(rows_of(tmp_path / "a.npy", Choice("msgpack"), 10))


def test_cells_are_numbers_where_they_read_as_such(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b,c,d\n1,1,1_0,"x,y"\n-2,2.5,2,\n\n 3 ,nan,,1e3\n')
    rows = next(rows_of(tmp_path / "a.csv", Choice("json"), 10))
    assert [json.loads(string(rows.values, i) or b"") for i in range(rows.size)] == [
        {"a": 1, "b": 1.0, "c": "1_0", "d": "x,y"},
        {"a": -2, "b": 2.5, "c": 2, "d": None},
        {"a": 3, "b": None, "c": None, "d": 1000.0},
    ]


def test_a_file_is_read_some_rows_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n" + "1\n" * 25)
    chunks = list(rows_of(tmp_path / "a.csv", Choice("msgpack"), 10))
    assert [rows.size for rows in chunks] == [10, 10, 5]
    assert sorted(rows.read for rows in chunks) == [rows.read for rows in chunks]
    assert chunks[-1].read == 1.0


async def write(broker: Broker, topic: str, records: Sequence[Record]) -> None:
    async with open_broker(broker) as opened:
        writer = await opened.writer()
        await writer.send(topic, 0, of_records(records, len(records)))
        await writer.commit()
        await writer.close()


async def test_tail_until_end_of_nothing_and_of_what_is_new(broker: Broker, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "a.csv").write_text(CSV)
    await replay(broker, tmp_path / "a.csv", Choice("json"), Target("players", 3), Pace())
    assert await lines_of(broker, "players", capsys, from_start=False) == []
    assert len(await lines_of(broker, "players", capsys)) == 3
    with pytest.raises(BrokerError, match="nobody does not exist"):
        await lines_of(broker, "nobody", capsys)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (None, None),
        (b"", ""),
        (b'{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
        (b"plain", "plain"),
        ("Grüße".encode(), "Grüße"),
        (msgspec.msgpack.encode({"a": [1.5] * 40}), {"a": [1.5] * 40}),
        (msgspec.msgpack.encode([1.5, None]), [1.5, None]),
        (msgspec.msgpack.encode({"a": b"\xff"}), {"a": b"\xff"}),
        (np.array([1.5, 2.5], np.float32).tobytes(), np.array([1.5, 2.5], np.float32).tobytes()),
        (msgspec.msgpack.encode({(1, 2): 1}), msgspec.msgpack.encode({(1, 2): 1})),
        (b"\x91" * 100_000, b"\x91" * 100_000),
        (b"\xc1", b"\xc1"),
    ],
)
def test_bytes_decide_what_they_are(data: bytes | None, value: object) -> None:
    assert value_of(data) == value


def test_a_json_line_holds_everything() -> None:
    headers = (("a", b"1"), ("b", b"\xff\xfe"), ("a", None))
    line = json.loads(json_line("t", 3, Record(7, 1_000, b"\xff", b"\xff\x00", headers)))
    assert line == {
        "topic": "t",
        "partition": 3,
        "offset": 7,
        "timestamp": 1000,
        "key": "/w==",
        "value": "/wA=",
        "headers": {"a": ["1", None], "b": "//4="},
    }


def test_a_readable_line_is_short() -> None:
    value = msgspec.msgpack.encode({"means": [1.5] * 5000, "raw": b"\xff" * 9000, "name": "x"})
    line = readable_line("t", 0, Record(7, 1_000, b"k", value, (("h", b"v"),)))
    assert line.startswith('t/0@7  1970-01-01 00:00:01.000  k  {"means":[1.5,')
    assert line.endswith('"... 5000 items"],"raw":"<9000 bytes>","name":"x"}  h=v')
    assert readable_line("t", 0, Record(0, -(2**62), None, None)) == f"t/0@0  {-(2**62)} ms  null"
    assert len(in_short("x" * 10_000)) < 700
    assert in_short({"p": [0.98908936977, 1.25e-9, 3], "t": 1795457391211}) == (
        '{"p":[0.989089,1.25e-9,3],"t":1795457391211}'
    )


@pytest.fixture
async def tailing(broker: Broker, tmp_path: Path) -> AsyncIterator[Process]:
    """`streamgmm tail` as a process of its own, on more records than a pipe holds."""
    (tmp_path / "a.csv").write_text("x\n" + "1\n" * 20_000)
    await replay(broker, tmp_path / "a.csv", Choice("json"), Target("players"), Pace())
    arguments = ["-m", "streamgmm", "tail", "--topic", "players", "--from-start", "--broker", broker.url]
    environment = os.environ | {"PYTHONPATH": str(Path(streamgmm.__file__).parents[1])}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=PIPE, stderr=PIPE, env=environment
    )
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()


async def test_head_may_close_the_pipe(tailing: Process) -> None:
    assert tailing.stdout is not None
    assert (await tailing.stdout.readline()).startswith(b"players/0@0")
    tailing._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    assert await stderr_of(tailing) == b""
    assert await tailing.wait() == 0


async def test_ctrl_c_ends_tail_with_0(tailing: Process) -> None:
    assert tailing.stdout is not None
    assert (await tailing.stdout.readline()).startswith(b"players/0@0")
    tailing.send_signal(signal.SIGINT)
    _, errors = await tailing.communicate()
    assert (tailing.returncode, errors) == (0, b"")


async def stderr_of(process: Process) -> bytes:
    assert process.stderr is not None
    return await process.stderr.read()
