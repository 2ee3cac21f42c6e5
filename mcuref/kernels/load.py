"""Bring a sample from outside (sensor, flash) into the input buffer: out[i] = (x[i] - mean[i % c]) * scale[i % c]."""

import numpy as np

from mcuref.kernels.arrays import Float32s, Samples
from mcuref.kernels.jit import kernel


@kernel
def load_f32(out: Float32s, x: Samples, mean: Float32s, scale: Float32s) -> None:
    """out[n] float32 from x[n] of any type; mean[c], scale[c] float32, c divides n."""
    c = mean.size
    if c == 1:
        offset, factor = mean[0], scale[0]
        for i in range(out.size):
            out[i] = (np.float32(x[i]) - offset) * factor
    else:
        for first in range(0, out.size, c):
            for i in range(c):
                out[first + i] = (np.float32(x[first + i]) - mean[i]) * scale[i]


@kernel
def load_samples_f32(out: Float32s, x: Samples, mean: Float32s, scale: Float32s) -> None:
    """out[S, n] float32 from x[S, n], one by one."""
    for s in range(x.shape[0]):
        load_f32(out[s], x[s], mean, scale)
