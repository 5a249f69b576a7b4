import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgmm.mixture.step_size import retention, step_size

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
