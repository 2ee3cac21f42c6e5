"""Values in another scale, int8, n values: what a rectified linear unit is that the layer before does not do."""

import numpy as np

from mcuref.kernels.arrays import Int8s
from mcuref.kernels.int8.fixed import clamped, scaled_twice
from mcuref.kernels.jit import kernel


@kernel
def rescale_s8(
    y: Int8s,
    x: Int8s,
    x_zero: np.int32,
    y_zero: np.int32,
    multiplier: np.int32,
    shift: np.int32,
    low: np.int32,
    high: np.int32,
) -> None:
    """y[n] = (x[n] - x_zero) multiplier 2^(shift - 31), with two roundings, + y_zero, clamped to low..high; y may be x."""
    for i in range(y.size):
        y[i] = clamped(scaled_twice(np.int64(x[i]) - np.int64(x_zero), multiplier, shift) + np.int64(y_zero), low, high)
