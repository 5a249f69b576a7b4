import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgmm.mixture.step_size import HalfLife, half_life, retention, step_size

times = st.floats(0, 1e6)
exponents = st.floats(0.5001, 1.0)
delays = st.floats(0, 100)


@given(start=times, first=times, second=times, exponent=exponents, delay=delays)
def test_retention_is_multiplicative(start, first, second, exponent, delay):
    middle, end = start + first, start + first + second
    settings = {"exponent": exponent, "delay": delay}
    in_two = retention(start, middle, **settings) * retention(middle, end, **settings)
    assert in_two == pytest.approx(retention(start, end, **settings), rel=1e-9, abs=1e-300)


@given(start=times, growth=times, exponent=exponents, delay=delays)
def test_step_size_is_what_is_not_retained_and_at_most_one(start, growth, exponent, delay):
    eta = step_size(start, start + growth, exponent=exponent, delay=delay)
    assert 0 <= eta <= 1
    assert eta == pytest.approx(1 - retention(start, start + growth, exponent=exponent, delay=delay), abs=1e-15)


def test_exponent_one_without_delay_is_the_plain_mean():
    assert step_size(0, 0.001, exponent=1, delay=0) == 1
    assert step_size(3, 4, exponent=1, delay=0) == pytest.approx(1 / 4, rel=1e-15)


def test_exponent_next_to_one_is_continuous():
    near = step_size(5, 7, exponent=1 - 1e-9, delay=2)
    assert near == pytest.approx(step_size(5, 7, exponent=1, delay=2), rel=1e-8)


def test_tends_to_the_textbook():
    assert step_size(1e6, 1e6 + 1, exponent=0.6, delay=10) == pytest.approx(1e6**-0.6, rel=2e-4)


def test_no_weight_is_no_step():
    assert step_size(7.5, 7.5, exponent=0.6, delay=10) == 0
    assert retention(0, 0, exponent=1, delay=0) == 1


def test_the_definition():
    integral = (15**0.4 - 13**0.4) / 0.4
    assert retention(3, 5, exponent=0.6, delay=10) == pytest.approx(math.exp(-integral), rel=1e-13)


@given(value=st.floats(1, 1e6), start=times, growth=st.floats(0, 100))
def test_a_half_life_halves_what_is_kept(value, start, growth):
    bound = half_life(value, "batches", 512)
    kept = retention(start, start + growth, exponent=1, delay=1e9, half_life=bound)
    assert kept == pytest.approx(min(2 ** (-growth / value), (start + 1e9) / (start + growth + 1e9)), rel=1e-9)


def test_units_of_a_half_life():
    assert half_life(5120, "records", 512) == half_life(10, "batches", 512) == HalfLife(batches=10)
    assert half_life(60, "seconds", 512) == HalfLife(seconds=60)
    kept = retention(3, 3, exponent=1, delay=0, half_life=HalfLife(seconds=60), seconds=120)
    assert kept == pytest.approx(1 / 4)


@given(start=times, growth=times, exponent=exponents, delay=delays, h=st.floats(1, 1e4), seconds=st.floats(0, 1e5))
def test_never_less_is_forgotten_with_a_half_life(start, growth, exponent, delay, h, seconds):
    plain = {"exponent": exponent, "delay": delay}
    bounds = HalfLife(batches=h, seconds=h)
    eta = step_size(start, start + growth, **plain, half_life=bounds, seconds=seconds)
    assert step_size(start, start + growth, **plain) <= eta <= 1


@pytest.mark.parametrize(
    ("value", "unit", "message"),
    [
        (511, "records", "at least the batch_size, 512"),
        (0.5, "batches", "at least the batch_size, 512"),
        (0, "seconds", "above 0"),
        (math.inf, "records", "finite"),
        (math.nan, "records", "above 0"),
        (3, "weeks", "one of records, batches, seconds"),
    ],
)
def test_half_lives_that_are_refused(value, unit, message):
    with pytest.raises(ValueError, match=message):
        half_life(value, unit, 512)
