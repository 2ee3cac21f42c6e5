"""Bring a sample from outside (sensor, flash) into the input buffer: out[i] = (x[i] - mean[i % c]) * scale[i % c]."""

import numpy as np

from mcuref.kernels.arrays import Float32s, Samples
from mcuref.kernels.jit import kernel


@kernel
def load_f32(out: Float32s, x: Samples, mean: Float32s, scale: Float32s) -> None:
    """out[n] float32 from x[n] of any type; mean[c], scale[c] float32, c divides n."""
    c = mean.size
    if c == 3:  # colours, written out: where the number of channels is known, the compiler makes vectors
        m0, m1, m2, s0, s1, s2 = mean[0], mean[1], mean[2], scale[0], scale[1], scale[2]
        for pixel in range(out.size // 3):
            i = 3 * pixel
            out[i] = (np.float32(x[i]) - m0) * s0
            out[i + 1] = (np.float32(x[i + 1]) - m1) * s1
            out[i + 2] = (np.float32(x[i + 2]) - m2) * s2
        return
    for channel in range(c):
        offset, factor = mean[channel], scale[channel]
        for pixel in range(out.size // c):
            i = pixel * c + channel
            out[i] = (np.float32(x[i]) - offset) * factor


@kernel
def load_samples_f32(out: Float32s, x: Samples, mean: Float32s, scale: Float32s) -> None:
    """out[S, n] float32 from x[S, n], one by one."""
    for s in range(x.shape[0]):
        load_f32(out[s], x[s], mean, scale)
