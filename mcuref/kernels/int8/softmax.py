"""Softmax, int8, n values, in fixed point; outputs stand for (y + 128) / 256.

Fractions of 31 bits come from a table of exponentials. They are summed with 19 bits behind the point, in int32: nothing
overflows up to n = 4,095. The reciprocal of the sum is found in three steps of Newton's, with 29 bits behind the point.
"""

import numpy as np

from mcuref.kernels.arrays import Int8s, Int32s, Integer
from mcuref.kernels.int8.fixed import clamped, divided, high_product
from mcuref.kernels.jit import kernel

SUM_BITS = 12  # in front of a sum's point; 19 are behind it
ONE = 2**31 - 1  # the largest fraction of 31 bits
START, SLOPE = 1515870810, -1010580540  # 48/17 and -32/17 with 29 bits behind the point: the line next to 1 / d


@kernel
def reciprocal(x: Integer) -> np.int64:
    """1 / (1 + x 2^-31), int64, 31 bits behind the point, of a fraction 0 <= x < 2^31."""
    half = (np.int64(x) + np.int64(ONE) + np.int64(1)) >> np.int64(1)  # of the denominator
    y = np.int64(START) + high_product(half, SLOPE)
    for _ in range(3):
        y = y + (high_product(y, np.int64(1 << 29) - high_product(half, y)) << np.int64(2))
    return min(y << np.int64(1), np.int64(ONE))


@kernel
def softmax_forward_s8(y: Int8s, x: Int8s, table: Int32s) -> None:
    """y[n] = softmax of x[n]; table[256]: the exponential of each difference to the largest, 0 first; y may be x."""
    largest = x[0]
    for i in range(x.size):
        largest = max(largest, x[i])
    total = np.int32(0)
    for i in range(x.size):
        total = np.int32(total + np.int32(divided(table[np.int64(largest) - np.int64(x[i])], SUM_BITS)))
    zeros = 0  # in front of the first bit of the sum
    while zeros < SUM_BITS and np.int64(total) << np.int64(zeros) < np.int64(1 << 31):
        zeros += 1
    factor = reciprocal((np.int64(total) << np.int64(zeros)) - np.int64(1 << 31))
    for i in range(x.size):
        share = high_product(factor, table[np.int64(largest) - np.int64(x[i])])
        y[i] = clamped(divided(share, SUM_BITS - zeros + 23) - 128, -128, 127)
