"""int8 values as float32, where a layer that computes in float32 takes the output of one that computes in int8."""

import numpy as np

from mcuref.kernels.arrays import Float32s, Int8s
from mcuref.kernels.jit import kernel


@kernel
def dequantise_s8_f32(y: Float32s, x: Int8s, scale: np.float32, zero: np.int32) -> None:
    """y[n] = (x[n] - zero) scale: the difference is exact, the product is rounded once."""
    for i in range(y.size):
        y[i] = np.float32(np.int32(x[i]) - zero) * scale
