"""Fully connected layer, float32. I inputs, O outputs, K kept entries of the error; weights are [O, I], flat.

A kept output owns one contiguous run of weights. All loops over kept entries follow the order of ``kept``, which is
ascending, so that training all non-zero entries and training k = n of them are the same instructions.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Indices
from mcuref.kernels.jit import kernel
from mcuref.kernels.lanes import dot_rows_1, dot_rows_8
from mcuref.kernels.runs import add_scaled, add_scaled_4


@kernel
def dense_forward_f32(out: Float32s, x: Float32s, w: Float32s, b: Float32s) -> None:
    """out[O] = w[O, I] x[I] + b[O]; each dot product in eight lanes (:mod:`mcuref.kernels.lanes`), then the bias."""
    row = 0
    while row + 8 <= out.size:
        dot_rows_8(out, x, w, b, row)
        row += 8
    while row < out.size:
        dot_rows_1(out, x, w, b, row)
        row += 1


@kernel
def dense_backward_input_f32(dx: Float32s, delta: Float32s, w: Float32s, kept: Indices) -> None:
    """dx[I] = sum over j in kept[K], in order, of delta[j] * w[j, :]; overwrites dx; rows not kept are never read.

    Each dx[i] starts at +0 and takes one product after the other. Four rows a pass: same order, same bits, less traffic.
    """
    n = dx.size
    for i in range(n):
        dx[i] = np.float32(0)
    whole = kept.size - kept.size % 4
    for c in range(0, whole, 4):
        j0, j1, j2, j3 = np.int64(kept[c]), np.int64(kept[c + 1]), np.int64(kept[c + 2]), np.int64(kept[c + 3])
        add_scaled_4(dx, 0, w, j0 * n, j1 * n, j2 * n, j3 * n, n, delta[j0], delta[j1], delta[j2], delta[j3])
    for c in range(whole, kept.size):
        j = np.int64(kept[c])
        add_scaled(dx, 0, w, j * n, n, delta[j])


@kernel
def dense_update_f32(
    w: Float32s, b: Float32s, delta: Float32s, x: Float32s, kept: Indices, rate: np.float32, dense_bias: bool
) -> None:
    """w[j, :] -= (rate * delta[j]) * x[I] and b[j] -= rate * delta[j] for j in kept[K]; other rows are not touched.

    With ``dense_bias`` all O biases are updated (meProp's policy) instead of the kept ones.
    """
    n = x.size
    for c in range(kept.size):
        j = np.int64(kept[c])
        step = rate * delta[j]
        add_scaled(w, j * n, x, 0, n, -step)
        if not dense_bias:
            b[j] = b[j] - step
    if dense_bias:
        for o in range(b.size):
            b[o] = b[o] - rate * delta[o]
