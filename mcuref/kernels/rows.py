"""Weights by rows, for optimisers that gather a gradient before they apply it: a row is the weights of one output channel.

Entry e of an error belongs to row e % R. Row r of the weights has K elements: r * row_stride + i * stride, i < K. That is
(K, 1) for dense and convolution, (1, R) for depthwise weights [kh, kw, C]. Rows that no kept entry names are not touched.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Indices, Uint8s
from mcuref.kernels.jit import kernel


@kernel
def begin_rows_f32(
    a: Float32s,
    a_bias: Float32s,
    touched: Uint8s,
    kept: Indices,
    factor: np.float32,
    elements: int,
    row_stride: int,
    stride: int,
) -> None:
    """For each row with kept entries that is not touched yet: touch it, a[row] *= factor, a_bias[row] *= factor.

    ``touched`` is uint8[ceil(R / 8)], bit r % 8 of byte r // 8. With factor 0 the old values are overwritten by +0,
    whatever they were.
    """
    rows = a_bias.size
    for n in range(kept.size):
        r = np.int64(kept[n]) % rows
        if (touched[r >> 3] >> (r & 7)) & 1:
            continue
        touched[r >> 3] = np.uint8(touched[r >> 3] | np.uint8(1 << (r & 7)))
        if factor == np.float32(0):
            for i in range(elements):
                a[r * row_stride + i * stride] = np.float32(0)
            a_bias[r] = np.float32(0)
        else:
            for i in range(elements):
                a[r * row_stride + i * stride] = factor * a[r * row_stride + i * stride]
            a_bias[r] = factor * a_bias[r]


@kernel
def apply_rows_f32(
    w: Float32s,
    b: Float32s,
    touched: Uint8s,
    a: Float32s,
    a_bias: Float32s,
    rate: np.float32,
    elements: int,
    row_stride: int,
    stride: int,
) -> int:
    """w[row] -= rate * a[row] and b[row] -= rate * a_bias[row] for touched rows, which become untouched.

    Returns how many rows that were.
    """
    count = 0
    for r in range(b.size):
        if (touched[r >> 3] >> (r & 7)) & 1:
            count += 1
            for i in range(elements):
                at = r * row_stride + i * stride
                w[at] = w[at] - rate * a[at]
            b[r] = b[r] - rate * a_bias[r]
    for m in range(touched.size):
        touched[m] = np.uint8(0)
    return count
