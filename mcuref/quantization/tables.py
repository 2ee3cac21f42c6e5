"""Tables that programs look up instead of computing: made on the host, of the same integers on every machine.

No libm takes part: exponentials of real numbers are computed to 40 decimal places and rounded once.
"""

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.quantization.multipliers import nearest, quantised
from mcuref.quantization.scales import Scale

DIGITS = Context(prec=40)
DIFFERENCE_BITS = 5  # in front of the point of a scaled difference, of 31
ONE = (1 << 31) - 1
PROBABILITY = 1 << 30  # what a sum of exponentials may come to
# Fractions of 31 bits: 1/3, e^(-1/8), and e^-(2^k) for k = -2, -1, 0, ... 4
THIRD, EIGHTH = 715827883, 1895147668
POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)


def tanh(x: Scale, y: Scale) -> NDArray[np.int8]:
    """int8[256]: the value of scale y next to tanh of each value of scale x, -128 first; float32 as in the reference."""

    def function(value):
        if abs(value) > 20:  # 1 to 17 places: float32 has 1 from 9.01 on
            return Decimal(1).copy_sign(value)
        e = DIGITS.exp(-2 * value)
        return DIGITS.divide(1 - e, 1 + e)

    return _table(x, y, lambda value: _float32(function(value)))


def sigmoid(x: Scale, y: Scale) -> NDArray[np.int8]:
    """int8[256]: the value of scale y next to 1 / (1 + e^-v) of each value v of scale x, -128 first; likewise."""

    def function(value):
        e = np.float32(np.inf) if value < -100 else _float32(DIGITS.exp(-value))  # of float32, infinity from 88.73 on
        return np.float32(1) / (np.float32(1) + e)

    return _table(x, y, function)


def exponentials(scale: float, beta: float = 1.0) -> NDArray[np.int32]:
    """int32[256]: e^(-beta scale d) of every difference d = 0..255, with 31 bits behind the point, for softmax.

    Integers as in the reference: differences are scaled to 26 bits behind the point; those beyond -32 count as infinite.
    """
    multiplier, shift = _of_differences(scale, beta)
    farthest = (((1 << DIFFERENCE_BITS) - 1) << (31 - DIFFERENCE_BITS)) >> shift
    raw = [_high_product(-d << shift, multiplier) for d in range(min(farthest, 255) + 1)]
    return np.array([*map(_exponential, raw), *[0] * (256 - len(raw))], np.int32)


def probabilities(scale: float, n: int) -> NDArray[np.int32]:
    """int32[t]: 2^k e^(-scale d) of differences d = 0, 1, ... up to 255, to the nearest, for the softmax of a loss.

    k is the most with which a sum over n of them is at most 2^30. Zeros at the end are left out, so that t says from where
    on there is nothing.
    """
    one = Decimal(PROBABILITY >> (n - 1).bit_length())
    values = [DIGITS.multiply(one, DIGITS.exp(DIGITS.multiply(-d, Decimal(float(scale))))) for d in range(256)]
    found = np.array([int(value.to_integral_value(ROUND_HALF_EVEN)) for value in values], np.int32)
    return np.trim_zeros(found, "b")


def _of_differences(scale: float, beta: float) -> tuple[int, int]:
    """(multiplier, shift) that give a difference of int8 values 26 bits behind the point; the factor is at most 2^31 - 1."""
    factor = float(np.float32(beta)) * float(np.float32(scale)) * 2.0 ** (31 - DIFFERENCE_BITS)
    if not factor > 1:
        raise InputError(f"scale {scale!r} times beta {beta!r} of a softmax is not above 2^-26")
    multiplier, shift = quantised(min(factor, 2.0**31 - 1) / 4)
    return multiplier, shift + 2


def _table(x: Scale, y: Scale, function: Callable[[Decimal], np.float32]) -> NDArray[np.int8]:
    """The nearest int8 of scale y to the function of every int8 of scale x; each step is one float32 operation."""
    inputs = np.float32(x.scale) * np.arange(-128 - x.zero, 128 - x.zero).astype(np.float32)
    inverse = np.float32(1) / np.float32(y.scale)
    outputs = np.array([function(Decimal(float(value))) for value in inputs], np.float32)
    return np.clip(nearest(outputs * inverse) + np.float32(y.zero), -128, 127).astype(np.int8)


def _float32(value: Decimal) -> np.float32:
    """The float32 next to it."""
    with np.errstate(over="ignore", under="ignore"):
        return np.float32(float(value))


def _high_product(a: int, b: int) -> int:
    """a b / 2^31, halves up."""
    return (a * b + (1 << 30)) >> 31


def _divided(a: int, bits: int) -> int:
    """a / 2^bits, halves away from 0."""
    return (a + (1 << bits - 1) - (a < 0)) >> bits


def _exponential(a: int) -> int:
    """e^(a 2^-26), 31 bits behind the point: of the quarter a lies in a polynomial round its middle, times e^-(2^k)."""
    if a == 0:
        return ONE
    quarter = 1 << 24
    inside = (a & quarter - 1) - quarter  # -1/4 <= inside < 0
    x = (inside << DIFFERENCE_BITS) + (1 << 28)  # from the middle, 31 bits behind the point
    square = _high_product(x, x)
    cube, fourth = _high_product(square, x), _high_product(square, square)
    terms = _divided(_high_product(_divided(fourth, 2) + cube, THIRD) + square, 1)
    result = EIGHTH + _high_product(EIGHTH, x + terms)
    for k, power in enumerate(POWERS):
        if (inside - a) >> (24 + k) & 1:
            result = _high_product(result, power)
    return result
