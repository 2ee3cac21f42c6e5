"""Fully connected layer, int8. I inputs, O outputs; weights are [O, I], flat, their zero is 0; biases and sums are int32.

A sum is of b and of I products, each at most 255 128 in magnitude: without the bias nothing overflows up to I = 65,793. One
that does loses its upper bits, as on a core.
"""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s
from mcuref.kernels.int8.fixed import clamped, scaled_once
from mcuref.kernels.jit import kernel


@kernel
def dense_forward_s8(
    z: Int8s,
    x: Int8s,
    w: Int8s,
    b: Int32s,
    multiplier: Int32s,
    shift: Int8s,
    x_zero: Index,
    z_zero: Index,
    low: Index,
    high: Index,
) -> None:
    """z[O] = w[O, I] (x[I] - x_zero) + b[O], scaled with one rounding, + z_zero, clamped to low..high.

    multiplier[M], shift[M], M = O or 1.
    """
    n, each = x.size, np.int64(multiplier.size > 1)
    for o in range(z.size):
        total = b[o]
        for i in range(n):
            total = np.int32(total + (np.int32(x[i]) - np.int32(x_zero)) * np.int32(w[o * n + i]))
        z[o] = clamped(scaled_once(total, multiplier[o * each], shift[o * each]) + np.int64(z_zero), low, high)
