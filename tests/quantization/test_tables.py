"""Tables against the functions that they are of, and against Decimal where bits count."""

from decimal import Context, Decimal
from math import exp, tanh

import numpy as np
import pytest

from mcuref import InputError
from mcuref.quantization import tables
from mcuref.quantization.scales import Scale

INPUTS = [Scale(2.0**-8, 0), Scale(0.05, -128), Scale(0.1, 127), Scale(1.0, 3), Scale(30.0, 0)]
Q = np.arange(-128, 128)


@pytest.mark.parametrize("x", INPUTS)
@pytest.mark.parametrize("y", [Scale(2.0**-7, 0), Scale(2.0**-8, -128), Scale(0.01, 5)])
@pytest.mark.parametrize("make, function", [(tables.tanh, tanh), (tables.sigmoid, lambda v: 1 / (1 + exp(-v)))])
def test_each_entry_is_the_nearest_value(make, function, x, y):
    table = make(x, y)
    exact = [function(max(float(np.float32(x.scale)) * (q - x.zero), -700)) / y.scale + y.zero for q in Q]
    # half a step, and what float32 loses on the way: three roundings of at most 256 steps
    assert np.abs(table - np.clip(exact, -128, 127)).max() <= 0.5 + 256 * 3 * 2.0**-24
    assert table.dtype == np.int8 and table.shape == (256,) and (np.diff(table.astype(int)) >= 0).all()


def test_functions_of_float32_are_rounded_once():
    digits = Context(prec=60)
    for value in np.float32([-9.5, -1e-3, 0, 2.0**-30, 0.3, 1, 8.9, 9.1, 25, -25]):
        exponent = digits.exp(Decimal(-2 * float(value)))
        right = np.float32(float(digits.divide(1 - exponent, 1 + exponent)))
        y = Scale(float(abs(right)) / 100 if right else 1.0, 0)  # a scale in which it is about 100
        one = tables.tanh(Scale(float(abs(value)) or 1.0, 0), y)  # of inputs -1 and 1 in the middle
        assert one[128 + int(np.sign(value))] == 100 * np.sign(value)


def test_the_constants_are_those_exponentials():
    digits = Context(prec=40)

    def fraction(value):
        return int((value * 2**31).quantize(Decimal(1)))

    assert tables.THIRD == fraction(digits.divide(Decimal(1), Decimal(3)))
    assert tables.EIGHTH == fraction(digits.exp(Decimal("-0.125")))
    assert list(tables.POWERS) == [fraction(digits.exp(-(Decimal(2) ** k))) for k in range(-2, 5)]


@pytest.mark.parametrize("scale, beta", [(2.0**-8, 1), (0.1, 1), (0.3, 2.5), (1.0, 1), (7.5, 0.5), (31.0, 1), (33.0, 1)])
def test_exponentials_are_near_the_real_ones(scale, beta):
    table = tables.exponentials(scale, beta)
    step = float(np.float32(scale)) * beta
    exact = np.exp(-step * np.arange(256))
    exact[np.arange(256) * step > 32] = 0  # below 2^-46: nothing is seen of them
    # the polynomial leaves out x^5 / 120 and smaller ones, |x| <= 1/8; the scaled difference, seven products and five terms
    # are off by half a step each, of 2^-26 and of 2^-31
    assert np.abs(table / 2.0**31 - exact).max() <= 2.0**-15 / 120 + 2.0**-27 + 12 * 2.0**-32
    assert table[0] == 2**31 - 1 and (np.diff(table.astype(np.int64)) <= 0).all() and table.dtype == np.int32


def test_a_factor_beyond_26_bits_leaves_the_largest_alone():
    assert tables.exponentials(1e6).tolist() == [2**31 - 1] + [0] * 255


@pytest.mark.parametrize("scale, beta", [(2.0**-27, 1.0), (1.0, 0.0)])
def test_a_scale_too_small_for_a_softmax_is_refused(scale, beta):
    with pytest.raises(InputError, match="is not above 2\\^-26"):
        tables.exponentials(scale, beta)
