"""Functions of one int8 value as a table of all their 256 values: tanh, the logistic function, and others."""

import numpy as np

from mcuref.kernels.arrays import Int8s
from mcuref.kernels.jit import kernel


@kernel
def lookup_s8(y: Int8s, x: Int8s, table: Int8s) -> None:
    """y[n] = table[x[n] + 128]; table[256]; y may be x."""
    for i in range(y.size):
        y[i] = table[np.int64(x[i]) + 128]
