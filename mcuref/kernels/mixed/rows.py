"""Gradients summed before they are applied, of weights with a float32 master: :mod:`mcuref.kernels.int8.sums` of those."""

import numpy as np

from mcuref.kernels.arrays import Float32s, Int8s, Int32s, Integer, Uint8s
from mcuref.kernels.int8.sums import FRACTION
from mcuref.kernels.int8.weights import RIGHTMOST, moved_bias
from mcuref.kernels.jit import kernel
from mcuref.kernels.mixed.master import master_row, real_step


@kernel
def apply_rows_master(
    w: Int8s,
    b: Int32s,
    touched: Uint8s,
    master: Float32s,
    a: Int32s,
    a_bias: Int32s,
    sample_rate: Integer,
    elements: int,
    row_stride: int,
    stride: int,
) -> int:
    """m[row] -= 2^-8 m_rate 2^(-16 - s) float32(a[row]) for touched rows, which become untouched; b[row] and the rest as in
    :func:`mcuref.kernels.int8.sums.apply_rows_s8`. Returns how many rows that were.

    sample_rate is s << 9 | m_rate.
    """
    shift, factor = np.int64(FRACTION) + (np.int64(sample_rate) >> np.int64(9)), np.int64(sample_rate) & np.int64(511)
    count = 0
    for row in range(b.size):
        if (touched[row >> 3] >> (row & 7)) & 1:
            count += 1
            if shift <= RIGHTMOST:
                at = row * row_stride
                master_row(w, master, at, stride, a, at, stride, 0, elements, real_step(factor, shift))
                b[row] = moved_bias(b[row], np.int64(a_bias[row]) * factor, shift)
    for i in range(touched.size):
        touched[i] = np.uint8(0)
    return count
