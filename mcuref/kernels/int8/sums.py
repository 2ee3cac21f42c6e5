"""Gradients summed before they are applied, int8: by rows of weights, as :mod:`mcuref.kernels.rows` has them.

Sums are int32, in steps of 2^-8 of those of a weight M (:mod:`mcuref.kernels.int8.weights`); they saturate.
"""

import numpy as np

from mcuref.kernels.arrays import Int8s, Int32s, Integer, Uint8s
from mcuref.kernels.int8.exponents import rsh
from mcuref.kernels.int8.weights import RIGHTMOST, drawn, moved_bias, stream_of, update_row
from mcuref.kernels.jit import kernel

FRACTION = 16  # bits behind the point of a sum times m: 8 of the sum, 8 of m


@kernel
def begin_rows_s8(
    a: Int32s, a_bias: Int32s, touched: Uint8s, delta: Int8s, momentum: Integer, elements: int, row_stride: int, stride: int
) -> None:
    """For each row with entries of delta[n] that are not 0, and that is not touched yet: touch it, a[row] *= momentum 2^-15,
    a_bias[row] likewise, to the nearest, halves up. Entry e is of row e % R.

    ``touched`` is uint8[ceil(R / 8)], bit r % 8 of byte r // 8.
    """
    rows = a_bias.size
    for e in range(delta.size):
        if delta[e] == 0:
            continue
        r = np.int64(e) % rows
        if (touched[r >> 3] >> (r & 7)) & 1:
            continue
        touched[r >> 3] = np.uint8(touched[r >> 3] | np.uint8(1 << (r & 7)))
        for i in range(elements):
            at = r * row_stride + i * stride
            a[at] = np.int32(rsh(np.int64(a[at]) * np.int64(momentum), np.int64(15)))
        a_bias[r] = np.int32(rsh(np.int64(a_bias[r]) * np.int64(momentum), np.int64(15)))


@kernel
def apply_rows_s8(
    w: Int8s,
    b: Int32s,
    touched: Uint8s,
    r: Int8s,
    r2: Int8s,
    draws: Int32s,
    a: Int32s,
    a_bias: Int32s,
    sample_rate: Integer,
    elements: int,
    row_stride: int,
    stride: int,
) -> int:
    """M[row] -= a[row] m 2^(-16 - s) and b[row] -= a_bias[row] m 2^(-16 - s) for touched rows, which become untouched.

    sample_rate is s << 9 | m; beyond s = 46 nothing changes. Returns how many rows that were.
    """
    shift, m = np.int64(FRACTION) + (np.int64(sample_rate) >> np.int64(9)), np.int64(sample_rate) & np.int64(511)
    stream, count = stream_of(r, draws), 0
    for row in range(b.size):
        if (touched[row >> 3] >> (row & 7)) & 1:
            count += 1
            if shift <= RIGHTMOST:
                at = row * row_stride
                update_row(w, r, r2, at, stride, a, at, stride, 0, elements, m, shift, row * elements, stream)
                b[row] = moved_bias(b[row], np.int64(a_bias[row]) * m, shift)
    for i in range(touched.size):
        touched[i] = np.uint8(0)
    if count > 0 and shift <= RIGHTMOST:
        drawn(draws, stream)
    return count
