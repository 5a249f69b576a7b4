from streamgmm.demo import story


def test_nothing_changes_before_the_reference_is_calibrated() -> None:
    plan = story.schedule(20, 18_000)
    begun = story.begin(0.0)
    assert story.advance(begun, 19.0, "calibrating", plan) == begun
    assert story.advance(begun, 10.9, "none", plan) == begun


def test_a_demo_with_an_end_changes_once() -> None:
    plan = story.schedule(20, 18_000)
    changed = story.advance(story.begin(0.0), 11.0, "none", plan)
    assert changed == story.Story(1, 11.0, 11.0)
    assert story.advance(changed, 20.0, "alarm", plan) == changed


def test_without_an_end_the_populations_take_turns() -> None:
    plan = story.schedule(None, 18_000)
    at, turns = story.begin(0.0), []
    for second in range(120):
        after = story.advance(at, float(second), "none", plan)
        turns += [(second, after.population)] if after != at else []
        at = after
    assert turns == [(25, 1), (50, 0), (75, 1), (100, 0)]
    assert at.first_change == 25.0


def test_a_short_demo_streams_fast_enough_to_calibrate_before_the_change() -> None:
    for seconds in (5.0, 10.0, 20.0, 60.0):
        plan = story.schedule(seconds, 18_000)
        assert plan.rate >= story.RECORDS_PER_SECOND
        assert plan.rate * plan.usual > 18_000
