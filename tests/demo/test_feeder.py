import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

from streamgmm.broker.interface import Broker
from streamgmm.broker.open import open_broker
from streamgmm.demo import datasets, feeder
from streamgmm.demo.feeder import Feed
from streamgmm.records.columns import Record, records_of
from streamgmm.settings import Broker as BrokerSettings

PLAYERS = datasets.players()
EVERYONE, STRONG = PLAYERS.populations


def test_records_are_drawn_from_the_population_and_a_few_are_damaged() -> None:
    records = feeder.draw(PLAYERS, STRONG, 20_000, np.random.default_rng(0))
    strong = {PLAYERS.keys[row] for row in STRONG.rows.tolist()}
    assert {key for key, _ in records} == strong
    damaged = [value for _, value in records if value == PLAYERS.damaged]
    assert len(damaged) == pytest.approx(20, abs=15)


def test_the_records_do_not_depend_on_how_the_draws_are_cut() -> None:
    whole, cut = np.random.default_rng(0), np.random.default_rng(0)
    pieces = [record for n in (1, 40, 59) for record in feeder.draw(PLAYERS, EVERYONE, n, cut)]
    assert pieces == feeder.draw(PLAYERS, EVERYONE, 100, whole)


async def read(broker: Broker, topic: str, count: int) -> list[Record]:
    reader, records = await broker.reader(topic), list[Record]()
    await reader.assign({0: 0})
    while len(records) < count:
        for columns in (await reader.fetch(timeout=1)).values():
            records += records_of(columns)
    await reader.close()
    return records


async def test_the_topic_fills_at_the_rate_asked_for(tmp_path: Path) -> None:
    async with open_broker(BrokerSettings(url=f"sqlite:///{tmp_path}/demo.db")) as broker:
        await feeder.create_topic(broker, "players")
        began = asyncio.get_running_loop().time()
        feeding = asyncio.create_task(feeder.run(broker, Feed(PLAYERS, "players", 4000.0), lambda: EVERYONE))
        records = await read(broker, "players", 2000)
        took = asyncio.get_running_loop().time() - began
        feeding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await feeding
    assert took > 0.4
    assert all(record.key in PLAYERS.keys and "APM" in json.loads(record.value or b"") for record in records)
