"""Fully connected layer, int8. I inputs, O outputs; weights are [O, I], flat, their zero is 0; biases and sums are int32.

A sum is of b and of I products, each at most 255 128 in magnitude: without the bias nothing overflows up to I = 65,793. One
that does loses its upper bits, as on a core.

TensorFlow Lite's reference kernel multiplies a sum by a double, and rounds halves away from 0. A multiplier of 31 bits
comes to the same unless the product lies within 2^-32 of its size from a half: of 60 million outputs none did.
"""

import numpy as np

from mcuref.kernels.arrays import Int8s, Int32s
from mcuref.kernels.int8.fixed import clamped, scaled_once
from mcuref.kernels.int8.rows import dense_rows_8, dot_row
from mcuref.kernels.jit import kernel


@kernel
def dense_forward_s8(
    z: Int8s,
    x: Int8s,
    w: Int8s,
    b: Int32s,
    multiplier: Int32s,
    shift: Int8s,
    x_zero: np.int32,
    z_zero: np.int32,
    low: np.int32,
    high: np.int32,
) -> None:
    """z[O] = w[O, I] (x[I] - x_zero) + b[O], scaled with one rounding, + z_zero, clamped to low..high.

    multiplier[M], shift[M], M = O or 1.
    """
    outputs, each = z.size, np.int64(multiplier.size > 1)
    for o in range(0, outputs, 8 if outputs >= 8 else 1):
        if outputs >= 8:  # the last eight may begin with some that are there already
            dense_rows_8(z, x, w, b, multiplier, shift, min(o, outputs - 8), x_zero, z_zero, low, high)
        else:
            total = np.int32(np.int64(dot_row(x, w, o, x_zero)) + b[o])
            z[o] = clamped(scaled_once(total, multiplier[o * each], shift[o * each]) + np.int64(z_zero), low, high)
