"""Fully connected layer over a sample where it lies, float32: :mod:`mcuref.kernels.dense` of the values v.

x[I] is of any type that samples have; mean[c], scale[c] make values of it as they are read
(:mod:`mcuref.kernels.sample.reading`).
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Indices, Samples
from mcuref.kernels.jit import kernel
from mcuref.kernels.sample.reading import add_scaled_of, add_scaled_of_to_4, dot_rows_of_1, dot_rows_of_8


@kernel
def dense_forward_of(out: Float32s, x: Samples, w: Float32s, b: Float32s, mean: Float32s, scale: Float32s) -> None:
    """out[O] = w[O, I] v[I] + b[O], with the sums of :func:`mcuref.kernels.dense.dense_forward_f32`."""
    row = 0
    while row + 8 <= out.size:
        dot_rows_of_8(out, x, mean, scale, w, b, row)
        row += 8
    while row < out.size:
        dot_rows_of_1(out, x, mean, scale, w, b, row)
        row += 1


@kernel
def dense_update_of(
    w: Float32s,
    b: Float32s,
    delta: Float32s,
    x: Samples,
    kept: Indices,
    mean: Float32s,
    scale: Float32s,
    rate: np.float32,
    dense_bias: bool,
) -> None:
    """w[j, :] -= (rate * delta[j]) * v[I] and b[j] -= rate * delta[j] for j in kept[K]; other rows are not touched.

    With ``dense_bias`` all O biases are updated instead of the kept ones. Four rows a pass: a value is normalised for four.
    """
    n, c = x.size, 0
    while c + 3 < kept.size:
        j0, j1, j2, j3 = np.int64(kept[c]), np.int64(kept[c + 1]), np.int64(kept[c + 2]), np.int64(kept[c + 3])
        s0, s1, s2, s3 = rate * delta[j0], rate * delta[j1], rate * delta[j2], rate * delta[j3]
        add_scaled_of_to_4(w, j0 * n, j1 * n, j2 * n, j3 * n, x, mean, scale, -s0, -s1, -s2, -s3)
        c += 4
    while c < kept.size:
        j0 = np.int64(kept[c])
        add_scaled_of(w, j0 * n, x, mean, scale, -(rate * delta[j0]))
        c += 1
    if dense_bias:
        for o in range(b.size):
            b[o] = b[o] - rate * delta[o]
    else:
        for k in range(kept.size):
            b[np.int64(kept[k])] -= rate * delta[kept[k]]
