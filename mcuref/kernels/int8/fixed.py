"""Sums scaled in integers: x m 2^(s - 31), a multiplier m below 2^31 with its shift s, rounded once or twice.

That is the one place of an int8 forward pass where 64 bits are needed. Halves are rounded away from 0, but by the first of
two roundings, which rounds them up, as TensorFlow Lite's reference kernels do.
"""

import numpy as np

from mcuref.kernels.arrays import Integer
from mcuref.kernels.jit import kernel


@kernel
def divided(x: Integer, bits: Integer) -> np.int64:
    """x / 2^bits, int64, 0 <= bits <= 62, rounded to the nearest, halves away from 0; |x| < 2^62."""
    half = (np.int64(1) << np.int64(bits)) >> np.int64(1)
    return (np.int64(x) + half - ((np.int64(x) >> np.int64(63)) & np.int64(1) & -np.int64(bits != 0))) >> np.int64(bits)


@kernel
def high_product(a: Integer, b: Integer) -> np.int64:
    """a b / 2^31 of two int32 that are not both -2^31, int64, rounded to the nearest, halves up."""
    return (np.int64(a) * np.int64(b) + np.int64(1 << 30)) >> np.int64(31)


@kernel
def scaled_once(x: Integer, multiplier: Integer, shift: Integer) -> np.int64:
    """x m 2^(s - 31), int64, of an int32 x, -31 <= s <= 30, with one rounding."""
    return divided(np.int64(x) * np.int64(multiplier), np.int64(31) - np.int64(shift))


@kernel
def scaled_twice(x: Integer, multiplier: Integer, shift: Integer) -> np.int64:
    """x m 2^(s - 31), int64, of an int32 x, -31 <= s <= 30, with two roundings: x m 2^-31, then the division by 2^-s.

    With s > 0 what is multiplied is 2^s x, whose upper bits are lost where int32 does not hold them.
    """
    left = max(np.int64(shift), np.int64(0))
    return divided(high_product(np.int32(np.int64(x) << left), multiplier), left - np.int64(shift))


@kernel
def clamped(x: Integer, low: Integer, high: Integer) -> np.int8:
    """x, or the end of low..high that it is beyond, int8."""
    return np.int8(min(max(np.int64(x), np.int64(low)), np.int64(high)))
