import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from streamgmm.errors import SettingsError
from streamgmm.service import listener
from streamgmm.service.api import Component, Drift, Model, Moved, Statistic, Totals
from streamgmm.service.listener import serve
from streamgmm.service.live.recorder import Recorder
from streamgmm.service.live.wire import Wire
from streamgmm.service.metrics import Metrics
from streamgmm.service.snapshot import ComponentView, DriftView, MovedView, Snapshot, StatisticView
from streamgmm.service.snapshot import Totals as TotalsOfSnapshot
from streamgmm.settings import Http
from streamgmm.settings import Model as ModelSettings
from streamgmm.settings.source import load
from tests.service.snapshots import NO_DRIFT, snapshot

FREE = Http(port=0)


class Learner:
    """Holds the committed snapshot that the server shows."""

    def __init__(self) -> None:
        self.committed = snapshot()
        self.metrics = Metrics(ModelSettings(name="players", n_components=2))
        self.recorder = Recorder(self.committed)
        self.wire = Wire(load(None, ["input.topic=t", "model.n_components=2"], {}), self.recorder)

    def view(self) -> Snapshot:
        return self.committed

    @property
    def shown(self) -> tuple[Callable[[], Snapshot], Metrics, Recorder, Wire]:
        return self.view, self.metrics, self.recorder, self.wire


@pytest.fixture
def learner() -> Learner:
    return Learner()


@pytest.fixture
async def client(learner) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serve(FREE, *learner.shown) as address,
        httpx.AsyncClient(base_url=address, trust_env=False) as client,
    ):
        yield client


async def test_alive_while_the_loop_turns(client):
    answer = await client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"alive": True})


async def test_ready_when_running(client):
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"], answer.json()["phase"]) == (200, True, "running")


@pytest.mark.parametrize("phase", ["starting", "restoring", "warming_up", "disconnected", "draining"])
async def test_not_ready_with_a_reason(client, learner, phase):
    learner.committed = snapshot(phase=phase, detail="warming up: 120 of 450 vectors")
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "phase": phase, "reason": "warming up: 120 of 450 vectors"}


async def test_metrics_show_the_snapshot_of_the_moment(client, learner):
    learner.committed = snapshot(phase="draining", log_likelihood=-9.5)
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'streamgmm_log_likelihood_nats{model="players"} -9.5' in answer.text
    assert 'streamgmm_ready{model="players"} 0.0' in answer.text


async def test_metrics_in_openmetrics_where_accepted(client):
    accept = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3"
    answer = await client.get("/metrics", headers={"accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert "streamgmm_commits" in {family.name for family in parse_openmetrics(answer.text)}


@pytest.mark.parametrize(
    "accept", ["", "*/*", "garbage", "text/plain;version=x", "application/openmetrics-text;version="]
)
async def test_an_accept_header_that_says_nothing_gets_an_answer(client, accept):
    answer = await client.get("/metrics", headers={"accept": accept})
    assert answer.status_code == 200


async def test_the_model_as_json(client):
    answer = await client.get("/api/v1/model")
    model = answer.json()
    assert model["components"][1] == {"id": 3, "weight": 0.75, "mean": [150.0, 40.0]}
    counts = {"records": 1000, "published": 990, "vectors": 990, "incomplete": 0, "skipped": 0}
    assert model["totals"] == {**counts, "rejected": {"undecodable": 10}, "components": {}}
    assert (model["effective_sample_size"], model["weak"], model["background"]) == (812.5, 1, 0.01)
    assert model["positions"] == {"0": 600, "1": 400}
    assert model["warm_up"] == [450, 450]
    assert model["drift"]["state"] == "none"


async def test_what_json_cannot_say_is_null(client, learner):
    nan = float("nan")
    learner.committed = snapshot(log_likelihood=nan, drift=NO_DRIFT._replace(population_stability_index=nan))
    model = (await client.get("/api/v1/model")).json()
    assert model["log_likelihood"] is None
    assert model["drift"]["population_stability_index"] is None


@pytest.mark.parametrize(
    ("shown", "held"),
    [
        (Model, Snapshot),
        (Component, ComponentView),
        (Drift, DriftView),
        (Totals, TotalsOfSnapshot),
        (Statistic, StatisticView),
        (Moved, MovedView),
    ],
)
def test_the_api_shows_every_field_of_a_snapshot(shown, held):
    assert tuple(shown.model_fields) == held._fields


async def test_openapi_describes_every_path(client):
    paths = (await client.get("/openapi.json")).json()["paths"]
    api = ("model", "components", "drift", "events", "stream", "live", "frames/{number}", "points/{number}")
    assert set(paths) == {"/livez", "/readyz", "/metrics", *(f"/api/v1/{name}" for name in api)}


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_pages_that_load_from_the_internet_are_off(client, path):
    assert (await client.get(path)).status_code == 404


async def test_a_port_in_use_names_the_setting(learner):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"http\.port {port}.*another process.*http\.port=0"):
            async with serve(Http(port=port), *learner.shown):
                pass


async def test_a_host_of_another_machine_names_the_setting(learner):
    with pytest.raises(SettingsError, match=r"http\.host '192\.0\.2\.1'.*address of this machine"):
        async with serve(Http(host="192.0.2.1", port=0), *learner.shown):
            pass


async def test_who_asks_before_the_first_records_is_answered_with_them(learner):
    """The server is loaded then: until it is, a request waits in the socket's queue."""
    first_records = asyncio.Event()
    async with (
        serve(FREE, *learner.shown, first_records) as address,
        httpx.AsyncClient(base_url=address, trust_env=False) as client,
    ):
        asked = asyncio.create_task(client.get("/livez"))
        await asyncio.sleep(0)
        assert not asked.done()
        first_records.set()
        assert (await asked).status_code == 200


async def test_a_stream_without_records_is_answered_too(learner, monkeypatch):
    monkeypatch.setattr(listener, "LOAD_WITHIN", 0.01)
    async with serve(FREE, *learner.shown, asyncio.Event()) as address, httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{address}/livez")).status_code == 200


async def test_two_servers_in_one_loop(learner):
    async with (
        serve(FREE, *learner.shown) as first,
        serve(FREE, *learner.shown) as second,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        assert first != second
        for address in (first, second):
            assert (await client.get(f"{address}/livez")).status_code == 200


async def test_signal_handlers_are_left_alone(learner):
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    async with serve(FREE, *learner.shown) as address, httpx.AsyncClient(trust_env=False) as client:
        await client.get(f"{address}/livez")
        assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == before


async def test_open_connections_do_not_hold_up_the_end(learner):
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as clients:
        async with serve(FREE, *learner.shown) as address:
            host, port = urlsplit(address).hostname, urlsplit(address).port
            client = await clients.enter_async_context(httpx.AsyncClient(trust_env=False))
            await client.get(f"{address}/livez")  # stays open, idle
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"POST /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n")  # a body that never comes
            clients.callback(writer.close)
            ended = loop.time()
        assert loop.time() - ended < 2
        await asyncio.wait_for(reader.read(), 1)  # closed by the server


async def test_the_server_ends_with_the_block_that_fails(learner):
    with pytest.raises(RuntimeError, match="the learner failed"):
        async with serve(FREE, *learner.shown) as address:
            raise RuntimeError("the learner failed")
    async with httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{address}/livez")
