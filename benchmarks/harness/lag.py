"""How late the service's event loop is while it works through a topic as fast as it can, by its own metrics."""

import asyncio
import socket
import urllib.request
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.harness import service
from streamgmm.broker.interface import Broker

LOOK_EVERY = 0.2  # s


async def worst(broker: Broker, output: str, records: int, settings: Mapping[str, str | int]) -> float:
    """Seconds: the bound of the histogram below which all measurements lie, from the first look at them on. What the
    loop is late while the web server is loaded is not in it.

    Raises RuntimeError where the service fails, or ends before anything was seen of it.
    """
    port = _free_port()
    running = asyncio.create_task(service.run(broker, output, records, {**settings, "http.port": port}))
    seen: list[dict[float, float]] = []
    while not running.done():
        await asyncio.wait({running}, timeout=LOOK_EVERY)
        seen += await asyncio.to_thread(_buckets, port)
    await running
    if len(seen) < 2:
        raise RuntimeError("the service ended before its metrics were seen twice")
    return max(upper for upper, count in _between(seen[0], seen[-1]).items() if count)


def _between(first: dict[float, float], last: dict[float, float]) -> dict[float, float]:
    """How many measurements each bucket got between two looks, by its upper bound."""
    added = {upper: last[upper] - first[upper] for upper in sorted(last)}
    below = [0.0, *added.values()]
    return {upper: count - before for (upper, count), before in zip(added.items(), below, strict=False)}


def _buckets(port: int) -> list[dict[float, float]]:
    """What the histogram of the lag says now, by its buckets' upper bounds; nothing before the service answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
    except OSError:
        return []
    samples = [sample for family in families for sample in family.samples]
    name = "streamgmm_event_loop_lag_seconds_bucket"
    return [{float(s.labels["le"]): s.value for s in samples if s.name == name}]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
