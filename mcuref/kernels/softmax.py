"""Softmax, float32, n values, from :func:`mcuref.kernels.elementary.exp_f32`: of a network's outputs, and of a loss.

NaN passes through, so that it is seen.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s
from mcuref.kernels.elementary import exp_f32
from mcuref.kernels.jit import kernel


@kernel
def largest_f32(x: Float32s) -> np.float32:
    """The largest of x[n], taken in the order of i; the first if nothing is larger than it, NaN say."""
    largest = x[0]
    for i in range(1, x.size):
        if x[i] > largest:
            largest = x[i]
    return largest


@kernel
def softmax_f32(out: Float32s, x: Float32s, largest: np.float32) -> np.float32:
    """out[n] = e_i / sum of e, where e_i = exp(x_i - largest), summed in the order of i; returns the sum; out may be x."""
    total = np.float32(0)
    for i in range(x.size):
        out[i] = exp_f32(x[i] - largest)
        total = total + out[i]
    for i in range(x.size):
        out[i] = out[i] / total
    return total


@kernel
def softmax_forward_f32(out: Float32s, x: Float32s) -> None:
    """out[n] = softmax(x[n]); out may be x."""
    softmax_f32(out, x, largest_f32(x))
