"""Bring a sample from outside (sensor, flash) into the int8 input buffer, in int32 arithmetic."""

import numpy as np

from mcuref.kernels.arrays import Int8s, Int8Samples, Int32s
from mcuref.kernels.int8.fixed import clamped
from mcuref.kernels.jit import kernel


@kernel
def load_s8(x: Int8s, samples: Int8Samples, multiplier: Int32s, offset: Int32s, shift: Int8s) -> None:
    """x[n] = (samples[n] multiplier + offset) >> shift, clamped to int8; multiplier[c], offset[c], shift[c], c divides n.

    Nothing overflows where |multiplier| m + |offset| < 2^31, with m = 255 for uint8, 128 for int8, 32768 for int16; a sum
    that does loses its upper bits. shift <= 31. What is rounded, and how, is in the offset.
    """
    c = multiplier.size
    for first in range(0, x.size, c):
        for i in range(c):
            scaled = np.int32(np.int32(samples[first + i]) * multiplier[i])
            x[first + i] = clamped(np.int32(scaled + offset[i]) >> np.int32(shift[i]), -128, 127)


@kernel
def copy_s8(x: Int8s, samples: Int8s) -> None:
    """x[n] = samples[n]."""
    for i in range(x.size):
        x[i] = samples[i]
