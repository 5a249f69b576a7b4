from streamgmm.drift import alarm


def life(*levels, cool_down=2):
    """n, w and a: below the limits, above the warning's, above the alarm's."""
    state, found = alarm.init(), []
    for level in levels:
        state, kind = alarm.update(state, warning=level != "n", alarm=level == "a", cool_down=cool_down)
        found.append(kind)
    return state, found


def test_it_rises_stands_and_is_cleared_after_the_cool_down():
    assert life(*"naannn")[1] == [None, "raised", None, None, "cleared", None]


def test_without_a_cool_down_too_it_stands_as_long_as_a_value_is_above_its_warning_limit():
    assert life(*"aawnna", cool_down=0)[1] == ["raised", None, None, "cleared", None, "raised"]
    assert life(*"wwn", cool_down=0)[1] == ["warned", None, "eased"]


def test_between_the_limits_it_stands():
    state, found = life(*"awnwnwnw")
    assert (state.level, found[1:]) == ("alarm", [None] * 7)


def test_after_it_was_cleared_none_rises_for_as_long():
    assert life(*"annaaa")[1] == ["raised", None, "cleared", None, "raised", None]


def test_a_warning_comes_before_an_alarm_and_eases():
    assert life(*"wwa")[1] == ["warned", None, "raised"]
    assert life(*"wnn")[1] == ["warned", None, "eased"]
