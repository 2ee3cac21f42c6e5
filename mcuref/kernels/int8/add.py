"""Addition of two int8 activations of different scales, n values; and of two errors that meet on the way back."""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s, Integer
from mcuref.kernels.int8.exponents import exponent, moved_shift, rsh
from mcuref.kernels.int8.fixed import clamped, scaled_twice
from mcuref.kernels.jit import kernel

LEFT = 20  # bits by which the terms are shifted before they are scaled: |q - zero| <= 255 then fits 28 bits and a sign


@kernel
def add_forward_s8(
    y: Int8s,
    a: Int8s,
    b: Int8s,
    exponents: Int8s,
    a_zero: np.int32,
    a_multiplier: np.int32,
    a_shift: np.int32,
    b_zero: np.int32,
    b_multiplier: np.int32,
    b_shift: np.int32,
    y_zero: np.int32,
    y_multiplier: np.int32,
    y_shift: np.int32,
    low: np.int32,
    high: np.int32,
    a_slot: Index,
    b_slot: Index,
    y_slot: Index,
) -> None:
    """y[n] = (scaled a[n] - a_zero, + scaled b[n] - b_zero), scaled, + y_zero, clamped to low..high; y may be a or b.

    Both terms are shifted 20 bits to the left and scaled by factors of at most 1/2; each of the three scalings has two
    roundings. Nothing overflows int32.

    With exponents, E the larger one of a and b: the shifts of the terms grow by theirs less E, so that no term does; that of
    the sum grows by E less that of y, within -31..30. Bits are lost only where it comes to more than 2.
    """
    a_e, b_e = exponent(exponents, a_slot), exponent(exponents, b_slot)
    common = max(a_e, b_e)
    a_moved, b_moved = moved_shift(a_shift, a_e - common), moved_shift(b_shift, b_e - common)
    y_moved = moved_shift(y_shift, common - exponent(exponents, y_slot))
    for i in range(y.size):
        left = scaled_twice((np.int64(a[i]) - np.int64(a_zero)) << np.int64(LEFT), a_multiplier, a_moved)
        right = scaled_twice((np.int64(b[i]) - np.int64(b_zero)) << np.int64(LEFT), b_multiplier, b_moved)
        y[i] = clamped(scaled_twice(left + right, y_multiplier, y_moved) + np.int64(y_zero), low, high)


@kernel
def any_nonzero(x: Int8s) -> bool:
    """Whether one of x[n] is not 0."""
    for i in range(x.size):
        if x[i] != 0:
            return True
    return False


@kernel
def add_backward_s8(
    dx: Int32s,
    dx_exponent: Int32s,
    a: Int8s,
    b: Int8s,
    a_exponent: Int32s,
    b_exponent: Int32s,
    a_multiplier: Integer,
    a_shift: Integer,
    b_multiplier: Integer,
    b_shift: Integer,
) -> None:
    """dx[n] of exponent E = a[n] a_multiplier 2^(E_a + a_shift) + b[n] b_multiplier 2^(E_b + b_shift), halves up in each.

    E is the larger of the exponents E_a + a_shift and E_b + b_shift; that of a side that is 0 throughout does not count
    unless both are. Multipliers are below 2^15: a term is at most 127 32767 in magnitude, and dx below 2^23.
    """
    a_e, b_e = np.int64(a_exponent[0]) + np.int64(a_shift), np.int64(b_exponent[0]) + np.int64(b_shift)
    there = any_nonzero(a)
    if there != any_nonzero(b):
        a_e = b_e = a_e if there else b_e
    common = max(a_e, b_e)
    a_bits, b_bits = common - a_e, common - b_e
    for i in range(dx.size):
        left, right = np.int64(a[i]) * np.int64(a_multiplier), np.int64(b[i]) * np.int64(b_multiplier)
        dx[i] = np.int32(rsh(left, a_bits) + rsh(right, b_bits))
    dx_exponent[0] = np.int32(common)
