"""Bring a sample from outside (sensor, flash) into the int8 input buffer, in int32 arithmetic."""

import numpy as np

from mcuref.kernels.arrays import Int8s, Int8Samples, Int32s
from mcuref.kernels.int8.stack import list_on_stack
from mcuref.kernels.jit import kernel

LONG = 32  # channels, of which a pixel is long enough for vectors; their square is within a list


@kernel
def load_run(x: Int8s, samples: Int8Samples, multiplier: Int32s, offset: Int32s, shift: Int8s | Int32s) -> None:
    """As :func:`load_s8`, of at most as many values as there are factors."""
    for i in range(x.size):
        scaled = np.int32(np.int32(samples[i]) * multiplier[i])
        value = np.int32(scaled + offset[i]) >> np.int32(shift[i])
        x[i] = np.int8(min(max(np.int32(value), np.int32(-128)), np.int32(127)))


@kernel
def load_s8(x: Int8s, samples: Int8Samples, multiplier: Int32s, offset: Int32s, shift: Int8s) -> None:
    """x[n] = (samples[n] multiplier + offset) >> shift, clamped to int8; multiplier[c], offset[c], shift[c], c divides n.

    Nothing overflows where |multiplier| m + |offset| < 2^31, with m = 255 for uint8, 128 for int8, 32768 for int16; a sum
    that does loses its upper bits. shift <= 31. What is rounded, and how, is in the offset.
    """
    c = multiplier.size
    if c >= LONG:
        for first in range(0, x.size, c):
            load_run(x[first : first + c], samples[first : first + c], multiplier, offset, shift)
        return
    multipliers, offsets, shifts, run = list_on_stack(), list_on_stack(), list_on_stack(), LONG * c
    for first in range(0, run, c):  # factors of as many pixels as vectors have lanes, or more
        for i in range(c):
            multipliers[first + i], offsets[first + i], shifts[first + i] = multiplier[i], offset[i], np.int32(shift[i])
    for first in range(0, x.size, run):
        n = min(run, x.size - first)
        load_run(x[first : first + n], samples[first : first + n], multipliers, offsets, shifts)


@kernel
def copy_s8(x: Int8s, samples: Int8s) -> None:
    """x[n] = samples[n]."""
    for i in range(x.size):
        x[i] = samples[i]
