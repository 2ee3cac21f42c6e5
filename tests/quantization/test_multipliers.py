"""Real factors as integers, against fractions; which scales make which factor, and in which precision."""

from fractions import Fraction
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref import InputError
from mcuref.quantization.multipliers import divided, ends, nearest, of_addition, of_rescaling, of_sums, quantised
from mcuref.quantization.scales import Scale

MANY = settings(max_examples=500, deadline=None)


def real(factor):
    multiplier, shift = factor
    return Fraction(multiplier) * Fraction(2) ** (shift - 31)


@MANY
@given(st.floats(2.0**-31, 2.0**30, exclude_max=True))
def test_a_factor_is_the_nearest_there_is(x):
    multiplier, shift = quantised(x)
    assert 1 << 30 <= multiplier < 1 << 31 and -31 <= shift <= 31
    step = Fraction(2) ** (shift - 31)  # below a power of two the next one is half as far
    assert abs(real((multiplier, shift)) - Fraction(x)) <= step / 2


@pytest.mark.parametrize(
    "x, factor",
    [
        (0.0, (0, 0)),
        (1.0, (1 << 30, 1)),
        (0.5, (1 << 30, 0)),
        (0.75, (3 << 29, 0)),
        (1 - 2.0**-40, (1 << 30, 1)),  # rounded up to 2^31, which is 2^30 and a shift more
        (0.5 + 2.0**-32, ((1 << 30) + 1, 0)),  # a half is rounded up
        (0.5 + 2.0**-32 - 2.0**-53, (1 << 30, 0)),
        (2.0**-32, (1 << 30, -31)),
        (2.0**-32 - 2.0**-80, (1 << 30, -31)),
        (2.0**-33, (0, 0)),
        (5e-324, (0, 0)),
        (2.0**29, (1 << 30, 30)),
        (2.0**30 - 2.0**-1, ((1 << 31) - 1, 30)),
    ],
)
def test_factors_by_hand(x, factor):
    assert quantised(x) == factor


@pytest.mark.parametrize("x", [-1.0, -5e-324, 2.0**30, inf, nan])
def test_what_is_no_factor_is_refused(x):
    with pytest.raises(InputError, match="is not from 0 to below 2\\^30"):
        quantised(x)


def test_factors_of_sums_are_quotients_of_doubles():
    x, z, weights = np.float32(0.1), np.float32(0.3), np.float32([0.7, 2.0**-9, 1e-30])
    multiplier, shift = of_sums(float(x), weights, float(z))
    expected = [quantised(float(x) * float(w) / float(z)) for w in weights]
    assert list(zip(multiplier.tolist(), shift.tolist())) == expected and expected[2] == (0, 0)
    assert (multiplier.dtype, shift.dtype) == (np.int32, np.int8)


def test_the_factor_of_a_rectified_linear_unit_is_a_quotient_of_float32():
    x, y = float(np.float32(0.1)), float(np.float32(0.3))
    assert of_rescaling(x, y) == quantised(float(np.float32(x) / np.float32(y))) != quantised(x / y)


@MANY
@given(st.floats(2.0**-20, 2.0**20), st.integers(1, 1 << 20))
def test_a_factor_is_divided_by_a_count(x, count):
    factor = quantised(x)
    multiplier, shift = divided(*factor, count)
    exact = real(factor) / count
    step = Fraction(2) ** (shift - 31)
    assert real((multiplier, shift)) <= exact < real((multiplier, shift)) + step
    assert shift == -31 or multiplier >= 1 << 29  # few bits are lost
    assert -31 <= shift and multiplier < 1 << 31


@pytest.mark.parametrize("count, factor", [(1, (1 << 30, 0)), (4, (1 << 30, -2)), (3, ((1 << 31) // 3, -1))])
def test_halves_divided_by_hand(count, factor):
    assert divided(1 << 30, 0, count) == factor


def test_factors_of_a_sum_of_two():
    a, b, y = of_addition(0.5, 0.125, 0.25)
    assert (a, b) == (quantised(0.5), quantised(0.125)) and y == quantised(2.0**-18)
    with pytest.raises(InputError, match="scale 1e-08 of a sum is not above"):
        of_addition(0.5, 0.125, 1e-8)


@pytest.mark.parametrize(
    "scale, limit, clamped",
    [
        (Scale(0.1, 5), None, (-128, 127)),
        (Scale(0.1, 5), inf, (5, 127)),
        (Scale(0.1, -128), 6.0, (-128, -68)),
        (Scale(0.1, 100), 6.0, (100, 127)),
        (Scale(4.0, 0), 6.0, (0, 2)),  # 1.5 is rounded up
        (Scale(1e-9, 127), 6.0, (127, 127)),
    ],
)
def test_what_outputs_are_clamped_to(scale, limit, clamped):
    assert ends(scale, limit) == clamped


def test_halves_are_rounded_away_from_0_exactly():
    below = np.nextafter(np.float32(0.5), np.float32(0))
    x = np.float32([0.5, -0.5, 1.5, -2.5, below, -below, 2**23 + 1, -(2**24), 3.4e38])
    assert nearest(x).tolist() == [1, -1, 2, -3, 0, 0, 2**23 + 1, -(2**24), float(np.float32(3.4e38))]
