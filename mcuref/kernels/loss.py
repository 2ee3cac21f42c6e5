"""Losses, float32, n outputs: each writes the error delta = dLoss/dz and returns the loss of the sample."""

import numpy as np

from mcuref.kernels.arrays import Float32s
from mcuref.kernels.elementary import log_f32
from mcuref.kernels.jit import kernel
from mcuref.kernels.softmax import largest_f32, softmax_f32


@kernel
def softmax_cross_entropy_f32(delta: Float32s, z: Float32s, label: int) -> np.float32:
    """delta[n] = softmax(z[n]) - onehot(label); returns -log softmax(z)[label]; delta may be z.

    e_i = exp(z_i - max z); the sum of e_i is taken in the order of i; p_i = e_i / sum.
    """
    largest = largest_f32(z)
    margin = z[label] - largest
    total = softmax_f32(delta, z, largest)
    delta[label] = delta[label] - np.float32(1)
    return log_f32(total) - margin


@kernel
def mean_squared_error_f32(delta: Float32s, z: Float32s, target: Float32s) -> np.float32:
    """delta[n] = (2 / n) (z - target); returns sum of (z_i - target_i)^2 / n, summed in order of i; delta may be z."""
    n = np.float32(z.size)
    factor = np.float32(2) / n
    total = np.float32(0)
    for i in range(z.size):
        difference = z[i] - target[i]
        total = total + difference * difference
        delta[i] = factor * difference
    return total / n
