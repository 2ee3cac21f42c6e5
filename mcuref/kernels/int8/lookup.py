"""Functions of one int8 value as a table of all their 256 values: tanh, the logistic function, others; their way back."""

import numpy as np

from mcuref.kernels.arrays import Int8s, Int32s
from mcuref.kernels.jit import kernel


@kernel
def lookup_s8(y: Int8s, x: Int8s, table: Int8s) -> None:
    """y[n] = table[x[n] + 128]; table[256]; y may be x."""
    for i in range(y.size):
        y[i] = table[np.int64(x[i]) + 128]


@kernel
def tanh_backward_s8(dx: Int32s, dy: Int8s, y: Int8s) -> None:
    """dx[n] = dy[n] (1 - y[n]^2), with 14 bits behind the point; y stands for y / 128. At most 127 2^14 in magnitude."""
    for i in range(dx.size):
        value = np.int32(y[i])
        dx[i] = np.int32(np.int32(dy[i]) * np.int32((1 << 14) - np.int32(value * value)))


@kernel
def sigmoid_backward_s8(dx: Int32s, dy: Int8s, y: Int8s) -> None:
    """dx[n] = dy[n] y[n] (1 - y[n]), with 16 bits behind the point; y stands for (y + 128) / 256. At most 127 2^14."""
    for i in range(dx.size):
        value = np.int32(np.int32(y[i]) + np.int32(128))
        dx[i] = np.int32(np.int32(dy[i]) * np.int32(value * np.int32(256 - value)))
