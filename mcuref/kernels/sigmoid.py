"""Logistic function, float32, n values, from :func:`mcuref.kernels.elementary.exp_f32`; the derivative from the output.

NaN passes through, so that it is seen.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s
from mcuref.kernels.elementary import exp_f32
from mcuref.kernels.jit import kernel


@kernel
def sigmoid_f32(x: np.float32) -> np.float32:
    """1 / (1 + e^-x), float32, within 2.5 units in the last place; 0 below -87.33654, exactly 1 from 16.64 on.

    With e = e^-|x|, which never overflows: 1 / (1 + e), or e / (1 + e) below 0.
    """
    e = exp_f32(x if x < np.float32(0) else -x)
    return (e if x < np.float32(0) else np.float32(1)) / (np.float32(1) + e)


@kernel
def sigmoid_forward_f32(out: Float32s, x: Float32s) -> None:
    """out[n] = 1 / (1 + e^-x[n]); out may be x."""
    for i in range(out.size):
        out[i] = sigmoid_f32(x[i])


@kernel
def sigmoid_backward_f32(dx: Float32s, dy: Float32s, y: Float32s) -> None:
    """dx[n] = dy[n] (y[n] (1 - y[n])), of the output y; dx may be dy."""
    for i in range(dx.size):
        dx[i] = dy[i] * (y[i] * (np.float32(1) - y[i]))
