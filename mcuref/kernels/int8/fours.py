"""Lists of what is added to sums: entries whose error is not 0, four of them at a time."""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s, Integer, Uint8s
from mcuref.kernels.int8.products import add_scaled_2_s8, add_scaled_4_s8
from mcuref.kernels.jit import kernel


@kernel
def add_listed(
    y: Int32s,
    i: Index,
    line: Index,
    x: Int8s,
    starts: Int32s,
    factors: Int32s,
    count: Index,
    x_line: Index,
    rows: Index,
    n: Index,
    x_zero: Integer,
) -> np.int64:
    """y[i + row line + t] += sum over l < count of factors[l] (x[starts[l] + row x_line + t] - x_zero), row < rows, t < n.

    Factors are of 16 bits and none is -2^15. Returns their sum, int64.
    """
    total, zero = np.int64(0), np.int64(x_zero)
    whole = count - count % 4
    for l in range(0, whole, 4):
        j0, j1, j2, j3 = np.int64(starts[l]), np.int64(starts[l + 1]), np.int64(starts[l + 2]), np.int64(starts[l + 3])
        a0, a1, a2, a3 = np.int64(factors[l]), np.int64(factors[l + 1]), np.int64(factors[l + 2]), np.int64(factors[l + 3])
        errors = a0 + a1 + a2 + a3
        total += errors
        for row in range(rows):
            at = row * x_line
            add_scaled_4_s8(y, i + row * line, x, j0 + at, j1 + at, j2 + at, j3 + at, n, a0, a1, a2, a3, -zero * errors)
    for l in range(whole, count, 2):
        j0, a0 = np.int64(starts[l]), np.int64(factors[l])
        j1, a1 = (np.int64(starts[l + 1]), np.int64(factors[l + 1])) if l + 1 < count else (j0, np.int64(0))
        total += a0 + a1
        for row in range(rows):
            at = row * x_line
            add_scaled_2_s8(y, i + row * line, x, j0 + at, j1 + at, n, a0, a1, -zero * (a0 + a1))
    return total


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
    """Of entries first..last whose delta is not 0: where the weights of output e - first begin, and what is sent back.

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
