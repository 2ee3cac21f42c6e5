"""Values in another scale, int8, n values: what a rectified linear unit is that the layer before does not do, and back."""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Integer
from mcuref.kernels.int8.exponents import exponent, moved_shift
from mcuref.kernels.int8.fixed import clamped, scaled_twice
from mcuref.kernels.jit import kernel


@kernel
def rescale_s8(
    y: Int8s,
    x: Int8s,
    exponents: Int8s,
    x_zero: np.int32,
    y_zero: np.int32,
    multiplier: np.int32,
    shift: np.int32,
    low: np.int32,
    high: np.int32,
    x_slot: Index,
    y_slot: Index,
) -> None:
    """y[n] = (x[n] - x_zero) multiplier 2^(shift - 31), with two roundings, + y_zero, clamped to low..high; y may be x.

    The shift grows by the exponent of x less that of y, within -31..30; from 23 on upper bits are lost.
    """
    moved = moved_shift(shift, exponent(exponents, x_slot) - exponent(exponents, y_slot))
    for i in range(y.size):
        y[i] = clamped(scaled_twice(np.int64(x[i]) - np.int64(x_zero), multiplier, moved) + np.int64(y_zero), low, high)


@kernel
def relu_masked_s8(dx: Int8s, dy: Int8s, y: Int8s, low: Integer, high: Integer) -> None:
    """dx[n] = dy[n] where low < y[n] < high, else 0; dx may be dy."""
    for i in range(dx.size):
        dx[i] = np.int8(dy[i] * np.int8((y[i] > low) & (y[i] < high)))
