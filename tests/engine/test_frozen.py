"""A frozen model: it assigns and is watched, and stays as it is, bit for bit."""

import msgpack
import numpy as np
import pytest

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import scoring
from streamgmm.service.plain import to_plain
from tests.engine import streams
from tests.engine.streams import plan, published, record, rich_stream, run, set_aside, stream
from tests.engine.test_react import DRIFT, MOVED, USUAL, types

LEARNT = stream(700)
FROZEN = {"frozen": True}


def frozen_plan(**sections):
    return plan(**{**sections, "learning": {**sections.get("learning", {}), **FROZEN}})


def model_bits(state):
    """All that is learnt."""
    return msgpack.packb(to_plain(state.model.mixture._replace(event_time=None)), default=np.ndarray.tobytes)


def on(first, n, seed=9):
    return [record(first + i, row.tolist()) for i, row in enumerate(streams.vectors(n, seed))]


def test_it_assigns_by_the_model_as_it_is_and_learns_nothing():
    state, _ = run(plan(), [LEARNT])
    after, report = run(frozen_plan(), [on(700, 300)], state)
    assert model_bits(after) == model_bits(state)
    assert (after.totals.vectors, after.totals.published) == (state.totals.vectors, state.totals.published + 300)
    said = [msgpack.unpackb(one.value) for one in published(report)]
    parameters = state.model.mixture.parameters
    info = scoring.e_step(parameters, streams.vectors(300, 9), covariances.by_name("full"))
    assert {one["model"] for one in said} == {state.model.mixture.steps}
    np.testing.assert_allclose([one["responsibilities"] for one in said], info.responsibilities, atol=1e-6)
    np.testing.assert_allclose([one["log_likelihood"] for one in said], info.log_likelihood, rtol=1e-9)


@pytest.mark.parametrize("cut", [1, 7, 64])
def test_however_it_is_cut_it_says_and_becomes_the_same(cut):
    state, _ = run(plan(**streams.RICH), [rich_stream(600)])
    frozen = frozen_plan(**streams.RICH)
    more = [one._replace(offset=one.offset + 600) for one in rich_stream(400, 3)]
    whole, report = run(frozen, [more], state)
    parts, in_parts = run(frozen, [more[i : i + cut] for i in range(0, len(more), cut)], state)
    assert published(in_parts) == published(report) and set_aside(in_parts) == set_aside(report)
    assert model_bits(parts) == model_bits(whole) == model_bits(state)
    assert in_parts.events == report.events


def test_what_waited_to_be_learnt_waits_on_and_time_stands_still():
    learning = {"half_life": {"value": 20, "unit": "seconds"}}
    timed = {"input": {"topic": "in", "event_time": "t", "event_time_unit": "s"}, "learning": learning}

    def at(first, n, began):
        rows = streams.vectors(n, first).tolist()
        return [record(first + i, {"features": row, "t": began + i / 10}) for i, row in enumerate(rows)]

    state, _ = run(plan(**timed), [at(0, 610, 0.0)])
    assert state.model.filled
    frozen, _ = run(frozen_plan(**timed), [at(610, 400, 100_000.0), at(1010, 3, 200_000.0)], state)
    assert model_bits(frozen) == model_bits(state)
    assert frozen.model.filled == state.model.filled
    more = plan(**timed).learning.batch_size - frozen.model.filled
    waiting, _ = run(plan(**timed), [at(1013, more - 1, 200_000.0)], frozen)
    assert waiting.model.mixture.steps == state.model.mixture.steps  # the batch has as many as any other
    later, _ = run(plan(**timed), [at(1012 + more, 1, 200_001.0)], waiting)
    assert later.model.mixture.steps == state.model.mixture.steps + 1
    assert later.model.step_size < 0.5  # the day in between was not forgotten


def test_the_reference_is_taken_at_once_and_the_alarm_rises_and_can_be_followed_by_a_new_one():
    never = {**DRIFT, "settle": 10**6}
    state, _ = run(plan(drift=never), [USUAL[:400]])
    assert state.model.drift.reference is None
    after, report = run(frozen_plan(drift=never), [USUAL[400:], MOVED], state)
    assert types(report.events)[0] == "reference_frozen"
    assert "drift_raised" in types(report.events)
    assert model_bits(after) == model_bits(state)
    again, report = run(frozen_plan(drift={**never, "actions": ["new_reference"]}), [USUAL[400:], MOVED], state)
    assert types(report.events).count("reference_frozen") >= 2
    assert model_bits(again) == model_bits(state)


def test_a_model_that_was_to_start_anew_stays_when_it_is_frozen():
    acting = plan(drift={**DRIFT, "actions": ["reinitialise"]}, learning={"warm_up": 600})
    state, report = run(acting, [USUAL, MOVED[:300]])
    assert "drift_raised" in types(report.events) and state.model.recent is not None
    after, report = run(frozen_plan(drift=DRIFT, learning={"warm_up": 600}), [MOVED[300:]], state)
    assert after.model.recent is None and "model_reinitialised" not in types(report.events)
    assert model_bits(after) == model_bits(state)
