"""Addition of two int8 activations of different scales, n values."""

import numpy as np

from mcuref.kernels.arrays import Int8s
from mcuref.kernels.int8.fixed import clamped, scaled_twice
from mcuref.kernels.jit import kernel

LEFT = 20  # bits by which the terms are shifted before they are scaled: |q - zero| <= 255 then fits 28 bits and a sign


@kernel
def add_forward_s8(
    y: Int8s,
    a: Int8s,
    b: Int8s,
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
) -> None:
    """y[n] = (scaled a[n] - a_zero, + scaled b[n] - b_zero), scaled, + y_zero, clamped to low..high; y may be a or b.

    Both terms are shifted 20 bits to the left and scaled by factors of at most 1/2; each of the three scalings has two
    roundings. Nothing overflows int32.
    """
    for i in range(y.size):
        left = scaled_twice((np.int64(a[i]) - np.int64(a_zero)) << np.int64(LEFT), a_multiplier, a_shift)
        right = scaled_twice((np.int64(b[i]) - np.int64(b_zero)) << np.int64(LEFT), b_multiplier, b_shift)
        y[i] = clamped(scaled_twice(left + right, y_multiplier, y_shift) + np.int64(y_zero), low, high)
