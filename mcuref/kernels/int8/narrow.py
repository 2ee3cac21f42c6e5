"""Errors of int32 as int8 with an exponent: by the fewest bits to the right that make all of them fit; n values.

An error q of exponent E stands for q 2^E.
"""

import numpy as np

from mcuref.kernels.arrays import Int8s, Int32s, Integer
from mcuref.kernels.int8.exponents import rsh
from mcuref.kernels.int8.runs import copy_run_s8
from mcuref.kernels.int8.stack import BYTES, bytes_on_stack
from mcuref.kernels.jit import kernel

BITS = 7  # of a magnitude
FRACTION = 14  # bits behind the point of what is narrowed


@kernel
def bit_length(x: Integer) -> np.int64:
    """How many bits x >= 0 has up to its first, int64; 0 of 0."""
    bits, rest = np.int64(0), np.int64(x)
    while rest > 0:
        rest >>= np.int64(1)
        bits += np.int64(1)
    return bits


@kernel
def bits_to_drop(largest: Integer) -> np.int64:
    """By how many bits an error whose largest magnitude that is has to be shifted to have no more than 7."""
    return max(bit_length(largest) - np.int64(BITS), np.int64(0))


@kernel
def narrowed(x: Integer, bits: Integer) -> np.int8:
    """x / 2^bits, int8, to the nearest, halves up, within -127..127."""
    return np.int8(min(max(rsh(x, bits), np.int64(-127)), np.int64(127)))


@kernel
def shifted_s32(x: np.int32, bits: Integer) -> np.int32:
    """x / 2^bits, int32, to the nearest, halves up, of any int32 x, 0 <= bits <= 31: nothing on the way has more bits."""
    half = (x >> (max(np.int64(bits) - np.int64(1), np.int64(0)) & np.int64(31))) & np.int64(bits > 0)
    return np.int32(np.int32(x >> (np.int64(bits) & np.int64(31))) + np.int32(half))


@kernel
def narrow_s8(y: Int8s, y_exponent: Int32s, x: Int32s, exponent: Int32s) -> np.int64:
    """y[n] = x[n] / 2^s, int8; y_exponent = exponent + s - 14; returns how many were clamped.

    s is the least with which the largest magnitude of x, of which any int32 may be, has 7 bits; halves are rounded up. What
    comes to -128 or 128 is clamped.
    """
    least, most = np.int32(0), np.int32(0)
    for i in range(x.size):
        least, most = min(least, x[i]), max(most, x[i])
    bits, clamped = bits_to_drop(max(np.int64(most), -np.int64(least))), np.int32(0)
    for i in range(x.size):
        value = shifted_s32(x[i], bits)
        clamped = np.int32(clamped + np.int32((value > 127) | (value < -127)))
        y[i] = np.int8(min(max(value, np.int32(-127)), np.int32(127)))
    y_exponent[0] = np.int32(exponent[0] + bits - FRACTION)
    return np.int64(clamped)


@kernel
def relu_backward_s8(
    dx: Int8s, dx_exponent: Int32s, dy: Int32s, y: Int8s, exponent: Int32s, low: Integer, high: Integer
) -> np.int64:
    """dx[n] = dy[n] where low < y[n] < high, else 0, narrowed: :func:`narrow_s8` of what passes; dx may be y."""
    least, most = np.int32(0), np.int32(0)
    for i in range(dy.size):
        passing = np.int32(dy[i] * np.int32((y[i] > low) & (y[i] < high)))
        least, most = min(least, passing), max(most, passing)
    bits, clamped = bits_to_drop(max(np.int64(most), -np.int64(least))), np.int32(0)
    narrowed_values = bytes_on_stack()  # apart from y, so that vectors do it where dx is y
    for first in range(0, dy.size, BYTES):
        n = min(np.int64(BYTES), np.int64(dy.size) - first)
        part, outputs = dy[first : first + n], y[first : first + n]
        for i in range(n):
            value = shifted_s32(np.int32(part[i] * np.int32((outputs[i] > low) & (outputs[i] < high))), bits)
            clamped = np.int32(clamped + np.int32((value > 127) | (value < -127)))
            narrowed_values[i] = np.int8(min(max(value, np.int32(-127)), np.int32(127)))
        copy_run_s8(dx, first, narrowed_values, 0, n)
    dx_exponent[0] = np.int32(exponent[0] + bits - FRACTION)
    return np.int64(clamped)
