"""A service whose model is frozen: delivery, restore and drift go on, the model stays, other commands agree."""

import asyncio

import numpy as np
import pytest

from streamgmm.broker.open import open_broker
from streamgmm.errors import SettingsError, TransactionFailed
from streamgmm.service import model_commands, model_reference, model_topic
from streamgmm.service.audit import audit
from tests.events import check
from tests.service import faults
from tests.service import test_service as service
from tests.service.test_model_reference import DRIFT, feed, rows
from tests.service.test_progress import LARGE, killed
from tests.service.test_service import broker, events, fill, outputs, run_to_end, topic, url  # noqa: F401 - fixtures

FROZEN = {"batch_size": 50, "warm_up": 100, "frozen": True}
GIVEN = {
    "n_components": 2,
    "weights_init": [0.5, 0.5],
    "means_init": [[-4.0] * 3, [4.0] * 3],
    "covariances_init": [np.eye(3).tolist()] * 2,
}


async def test_it_is_killed_and_goes_on_and_the_model_stays(url, broker, topic):  # noqa: F811
    await feed(broker, topic, rows(1000, 0))
    learning = service.settings(url, topic)
    await run_to_end(learning)
    before = await model_commands.newest(learning)
    await feed(broker, topic, rows(600, 1), 1000)
    frozen = service.settings(url, topic, learning=FROZEN)
    fault = faults.Plan("commit", 3, TransactionFailed("made to fail"))
    ended = await run_to_end(frozen, connect=lambda of: faults.FaultyBroker(open_broker(of), fault))
    assert fault.failed, fault.moments
    assert (await audit(frozen, broker)).ok
    assert sum(map(len, (await outputs(broker, frozen))["assignments"].values())) == 1600
    after = await model_commands.newest(frozen)
    assert after.positions != before.positions
    assert after.live.mixture.steps == before.live.mixture.steps
    for now, then in zip(after.live.mixture.parameters, before.live.mixture.parameters, strict=True):
        assert np.array_equal(now, then)
    assert ended.observers.snapshot.frozen and ended.observers.snapshot.totals.vectors == before.totals.vectors
    assert b'streamgmm_model_frozen{model="m"} 1.0' in ended.observers.metrics.render()[0]
    await feed(broker, topic, rows(300, 2), 1600)
    ended = await run_to_end(learning)
    assert b'streamgmm_model_frozen{model="m"} 0.0' in ended.observers.metrics.render()[0]
    assert (await model_commands.newest(learning)).live.mixture.steps > before.live.mixture.steps
    said = [one for one in await events(broker, frozen) if one["type"] in {"model_frozen", "model_unfrozen"}]
    for one in said:
        check(one)
    told = [(one["type"], one["steps"]) for one in said]
    steps = before.live.mixture.steps
    assert told == [("model_frozen", steps), ("model_unfrozen", steps)]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_large_frozen_model_is_restored_from_its_progress(url, broker, topic):  # noqa: F811
    await feed(broker, topic, rows(1000, 0))
    await run_to_end(service.settings(url, topic))
    await feed(broker, topic, rows(600, 1), 1000)
    frozen = service.settings(url, topic, learning=FROZEN, delivery=LARGE)
    await killed(frozen, "commit", 5)
    assert (await model_topic.newest(broker, frozen.topics["model"], "m")).progress
    await run_to_end(frozen)
    assert (await audit(frozen, broker)).ok


async def test_a_frozen_start_without_a_model_is_refused_and_disturbs_nobody(url, broker, topic):  # noqa: F811
    await fill(broker, topic, 60)
    frozen = service.settings(url, topic, learning=FROZEN)
    with pytest.raises(SettingsError, match=r"has not started .0 records wait in its warm-up.*model import"):
        await run_to_end(frozen)
    assert not await model_topic.keys_held(broker, frozen.topics["model"], "m")
    running = service.Service(service.settings(url, topic))
    learning = asyncio.create_task(running.run())
    await service.until(lambda: running.observers.snapshot.warm_up[0] > 0)
    with pytest.raises(SettingsError, match=r"has not started \([1-9]\d* records wait"):
        await run_to_end(frozen)
    assert not learning.done()
    learning.cancel()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_model_that_the_settings_give_may_be_frozen_from_the_start(url, broker, topic):  # noqa: F811
    await feed(broker, topic, rows(400, 0))
    given = service.settings(url, topic, learning=FROZEN, model={"name": "m", **GIVEN}, drift=DRIFT)
    await run_to_end(given)
    held = await model_commands.newest(given)
    assert held.live.mixture.steps == 0
    assert np.array_equal(held.live.mixture.parameters.means, GIVEN["means_init"])
    assert (await audit(given, broker)).ok


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_reset_is_refused_and_a_new_reference_is_taken(url, broker, topic):  # noqa: F811
    await feed(broker, topic, rows(1000, 0))
    await run_to_end(service.settings(url, topic, drift=DRIFT))
    frozen = service.settings(url, topic, learning=FROZEN, drift=DRIFT)
    for positions in ("keep", "forget"):
        with pytest.raises(SettingsError, match="could not start again"):
            await model_commands.reset(frozen, positions=positions)
    before = await model_commands.newest(frozen)
    assert "is reference 1 of 'm' now" in await model_reference.take_reference(frozen)
    await feed(broker, topic, rows(600, 1), 1000)
    await run_to_end(frozen)
    held = await model_commands.newest(frozen)
    assert held.live.drift.reference.version == 1
    assert np.array_equal(held.live.mixture.parameters.means, before.live.mixture.parameters.means)


def test_actions_that_change_the_model_contradict_it(tmp_path):
    for action in ("reheat", "reinitialise"):
        with pytest.raises(ValueError, match=f"drift.actions: {action} changes the model"):
            service.settings("sqlite:///x", "t", learning=FROZEN, drift={"actions": [action]})
    assert service.settings("sqlite:///x", "t", learning=FROZEN, drift={"actions": ["new_reference"]}).learning.frozen
