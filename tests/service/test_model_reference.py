"""A reference on command, and the model before an action kept: on real brokers."""

import json

import msgpack
import numpy as np
import pytest

from streamgmm.broker.interface import Topic
from streamgmm.errors import BrokerError, SettingsError
from streamgmm.records.columns import Record
from streamgmm.service import kept, model_commands, model_reference
from streamgmm.service.audit import audit
from tests.service import test_service as service
from tests.service.test_service import NOW, broker, events, run_to_end, topic, url, write  # noqa: F401 - fixtures

DRIFT = {
    "enabled": True,
    "reference": "manual",
    "reference_size": 400,
    "window": 20,
    "expected_run_length": 40_000,
    "cool_down": 200,
}


def settings(url, topic, **drift):  # noqa: F811 - the fixtures' values
    return service.settings(url, topic, drift={**DRIFT, **drift})


async def feed(broker, topic, rows, start=0):  # noqa: F811
    await broker.create_topic(Topic(topic, 1, 1, {}))
    packed = [msgpack.packb(row) for row in rows.tolist()]
    await write(broker, topic, [Record(i, NOW + i, b"k", value) for i, value in enumerate(packed, start)])


def rows(n, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    return np.where(rng.random((n, 1)) < 0.5, -4.0, 4.0) + shift + rng.standard_normal((n, 3))


async def test_on_command_the_model_becomes_the_reference_and_is_calibrated_next(url, broker, topic):  # noqa: F811
    given = settings(url, topic)
    await feed(broker, topic, rows(1000, 0))
    await run_to_end(given)
    held = await model_commands.newest(given)
    assert held.live.drift.reference is None
    assert "is reference 1 of 'm' now" in await model_reference.take_reference(given)
    taken = await model_commands.newest(given)
    assert taken.live.drift.reference.version == 1
    assert np.array_equal(taken.live.drift.reference.parameters.means, held.live.mixture.parameters.means)
    assert taken.positions == held.positions
    assert taken.live.mixture.steps == held.live.mixture.steps
    await feed(broker, topic, rows(600, 1))
    await run_to_end(given)
    assert (await audit(given, broker)).ok
    kinds = [event["type"] for event in await events(broker, given)]
    assert [kind for kind in kinds if kind.startswith("reference")] == ["reference_frozen", "reference_calibrated"]
    await model_reference.take_reference(given)
    assert (await model_commands.newest(given)).live.drift.reference.version == 2


async def test_without_a_model_or_with_drift_off_nothing_is_touched(url, broker, topic):  # noqa: F811
    await feed(broker, topic, rows(10, 0))
    given = settings(url, topic)
    with pytest.raises(SettingsError, match="has not started"):
        await model_reference.take_reference(given)
    assert (await events(broker, given)) == []
    with pytest.raises(SettingsError, match=r"drift\.enabled is false"):
        await model_reference.take_reference(settings(url, topic, enabled=False))


async def test_the_model_before_an_action_is_kept_also_when_the_model_is_reset(url, broker, topic):  # noqa: F811
    given = settings(url, topic, reference="auto", settle=500, actions=("reinitialise",))
    with pytest.raises(BrokerError, match="keeps no model 'm'"):
        await kept.before(given, "reinitialise")
    await feed(broker, topic, np.concatenate([rows(1500, 0), rows(1000, 1, shift=6.0)]))
    await run_to_end(given)
    (anew, *_) = [event for event in await events(broker, given) if event["type"] == "model_reinitialised"][::-1]
    before = await kept.before(given, "reinitialise")
    assert anew["before"] == {"generation": before.generation, "steps": before.live.mixture.steps}
    assert before.live.drift.reference is not None
    now = await model_commands.newest(given)
    assert not np.array_equal(now.live.mixture.parameters.means, before.live.mixture.parameters.means)
    assert json.loads(json.dumps(anew))["schema"] == 1
    await model_commands.reset(given, positions="keep")
    assert (await model_commands.newest(given)).live is None
    assert (await kept.before(given, "reinitialise")).positions == before.positions
