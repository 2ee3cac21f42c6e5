"""What a dense layer sends back: outputs whose error is not 0, four of them at a time."""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s, Integer, Uint8s
from mcuref.kernels.int8.products import add_scaled_2_s8, add_scaled_4_s8
from mcuref.kernels.jit import kernel


@kernel
def list_errors(
    starts: Int32s,
    factors: Int32s,
    delta: Int8s,
    first: Index,
    last: Index,
    share: Uint8s,
    elements: Index,
    halvings: Integer,
) -> Index:
    """Of outputs first..last whose delta is not 0: where their weights begin, from those of the first on; what is sent back.

    There are at most as many as the lists hold; share is of each output from the first on, or of all. Returns how many.
    """
    count, each = 0, np.int64(share.size > 1)
    half = (np.int64(1) << np.int64(halvings)) >> np.int64(1)
    for e in range(first, last):
        q = np.int64(delta[e])
        starts[count] = np.int32((e - first) * elements)
        factors[count] = np.int32((q * np.int64(share[(e - first) * each]) + half) >> np.int64(halvings))
        count += np.int64(q != 0)
    return count


@kernel
def add_listed(y: Int32s, x: Int8s, starts: Int32s, factors: Int32s, count: Index) -> None:
    """y[n] += sum over l < count of factors[l] x[starts[l] + n]; factors fit 16 bits, and none is -2^15."""
    n, none = y.size, np.int32(0)
    whole = count - count % 4
    for l in range(0, whole, 4):
        j0, j1, j2, j3 = np.int64(starts[l]), np.int64(starts[l + 1]), np.int64(starts[l + 2]), np.int64(starts[l + 3])
        a0, a1, a2, a3 = np.int16(factors[l]), np.int16(factors[l + 1]), np.int16(factors[l + 2]), np.int16(factors[l + 3])
        add_scaled_4_s8(y, 0, x, j0, j1, j2, j3, n, a0, a1, a2, a3, none)
    for l in range(whole, count, 2):
        j0, a0, j1, a1 = np.int64(starts[l]), np.int16(factors[l]), np.int64(starts[l]), np.int16(0)
        if l + 1 < count:
            j1, a1 = np.int64(starts[l + 1]), np.int16(factors[l + 1])
        add_scaled_2_s8(y, 0, x, j0, j1, n, a0, a1, none)
