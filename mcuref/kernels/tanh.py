"""Hyperbolic tangent, float32, n values, from :func:`mcuref.kernels.elementary.exp_f32`; the derivative from the output.

NaN passes through, so that it is seen.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s
from mcuref.kernels.elementary import MAGNITUDE, exp_f32, from_bits, to_bits
from mcuref.kernels.jit import kernel


@kernel
def tanh_f32(x: np.float32) -> np.float32:
    """tanh x, float32, within 1.5 units in the last place; odd to the bit, and exactly 1 from 9.011 on.

    x + x^3 p(x^2) below 0.625 (the polynomial is that of the Cephes library, single precision), 1 - 2 / (e^2x + 1) above.
    """
    if x != x:
        return x
    magnitude = np.int32(to_bits(x) & MAGNITUDE)
    z = from_bits(magnitude)
    y = np.float32(1)
    if z < np.float32(0.625):
        s = z * z
        p = np.float32(-5.70498872745e-3)
        p = p * s + np.float32(2.06390887954e-2)
        p = p * s + np.float32(-5.37397155531e-2)
        p = p * s + np.float32(1.33314422036e-1)
        p = p * s + np.float32(-3.33332819422e-1)
        y = (p * s) * z + z
    elif z < np.float32(10):  # beyond, the exponential only costs time
        y = np.float32(1) - np.float32(2) / (exp_f32(z + z) + np.float32(1))
    return y if to_bits(x) == magnitude else -y


@kernel
def tanh_forward_f32(out: Float32s, x: Float32s) -> None:
    """out[n] = tanh x[n]; out may be x."""
    for i in range(out.size):
        out[i] = tanh_f32(x[i])


@kernel
def tanh_backward_f32(dx: Float32s, dy: Float32s, y: Float32s) -> None:
    """dx[n] = dy[n] (1 - y[n]^2), of the output y; dx may be dy."""
    for i in range(dx.size):
        dx[i] = dy[i] * (np.float32(1) - y[i] * y[i])
