"""Scaling with one and with two roundings, against fractions."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.int8.fixed import clamped, divided, high_product, scaled_once, scaled_twice
from mcuref.testing import oracles_int8 as oracles

from .problems import one_factor

INT32 = st.one_of(
    st.integers(-(2**31), 2**31 - 1), st.sampled_from([-(2**31), 2**31 - 1, -1, 0, 1, 255 << 20, -(255 << 20)])
)
MANY = settings(max_examples=400, deadline=None)


def half_up(value):
    return floor(value + Fraction(1, 2))


def half_away(value):
    return half_up(value) if value >= 0 else -half_up(-value)


@MANY
@given(INT32, one_factor)
def test_one_rounding_is_that_of_the_fraction(x, factor):
    multiplier, shift = factor
    exact = half_away(Fraction(x * multiplier, 2 ** (31 - shift)))
    assert scaled_once(np.int32(x), np.int32(multiplier), np.int8(shift)) == exact
    assert oracles.scaled_once(x, multiplier, shift) == exact


@MANY
@given(INT32, one_factor)
def test_two_roundings_are_those_of_two_fractions(x, factor):
    multiplier, shift = factor
    shifted = (x * 2 ** max(shift, 0) + 2**31) % 2**32 - 2**31
    exact = half_away(Fraction(half_up(Fraction(shifted * multiplier, 2**31)), 2 ** max(-shift, 0)))
    assert scaled_twice(np.int32(x), np.int32(multiplier), np.int8(shift)) == exact
    assert oracles.scaled_twice(x, multiplier, shift) == exact


@pytest.mark.parametrize(
    "x, once, twice",  # times 1/4: 2^30 with a shift of -1 is a quarter
    [(2, 1, 1), (-2, -1, -1), (6, 2, 2), (-6, -2, -2), (1, 0, 1), (-1, 0, 0), (-3, -1, -1), (5, 1, 2), (-5, -1, -1)],
)
def test_halves_by_hand(x, once, twice):
    # 1/2 is rounded up to 1 first, and half of that again: 1/4 becomes 1; -1/2 becomes 0
    assert scaled_once(np.int32(x), np.int32(1 << 30), np.int8(-1)) == once
    assert scaled_twice(np.int32(x), np.int32(1 << 30), np.int8(-1)) == twice


@pytest.mark.parametrize(
    "x, bits, result", [(3, 1, 2), (-3, 1, -2), (5, 2, 1), (-6, 2, -2), (-7, 0, -7), (2**61, 62, 1), (0, 9, 0)]
)
def test_a_division_by_a_power_of_two_by_hand(x, bits, result):
    assert divided(np.int64(x), np.int64(bits)) == result


def test_a_product_of_fractions_by_hand():
    assert high_product(np.int32(1 << 30), np.int32(1)) == 1 and high_product(np.int32(-(1 << 30)), np.int32(1)) == 0
    assert high_product(np.int32(-(2**31)), np.int32(2**31 - 1)) == -(2**31) + 1


@pytest.mark.parametrize("x, result", [(-129, -128), (200, 90), (7, 7), (2**40, 90), (-(2**40), -128)])
def test_what_is_beyond_a_limit_becomes_the_limit(x, result):
    assert clamped(np.int64(x), np.int32(-128), np.int32(90)) == result
