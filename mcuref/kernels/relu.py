"""Rectified linear unit, float32, n values; with an upper limit (6 for ReLU6, infinity for ReLU).

The derivative at 0 and at the limit is 0; NaN passes through, so that it is seen.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Uint8s
from mcuref.kernels.eights import clipped_8, passed_8
from mcuref.kernels.jit import kernel
from mcuref.kernels.runs import clipped, passed_back


@kernel
def relu_forward_f32(out: Float32s, x: Float32s, limit: np.float32) -> None:
    """out[n] = 0 where x[n] <= 0, limit where x[n] >= limit, else x; out may be x."""
    clipped(out, x, limit)


@kernel
def relu_backward_f32(dx: Float32s, dy: Float32s, y: Float32s, limit: np.float32) -> None:
    """dx[n] = 0 where the output y[n] <= 0 or y[n] >= limit, else dy[n]; dx may be dy."""
    passed_back(dx, dy, y, limit)


@kernel
def relu_mask_forward_f32(out: Float32s, mask: Uint8s, x: Float32s, limit: np.float32) -> None:
    """As :func:`relu_forward_f32`; bit i % 8 of mask[i // 8], uint8[ceil(n / 8)], is 1 where x is passed on."""
    whole = out.size & -8
    for i in range(0, whole, 8):
        mask[i >> 3] = clipped_8(out, x, i, limit)
    if whole < out.size:
        mask[whole >> 3] = np.uint8(0)
    for i in range(whole, out.size):
        v = x[i]
        if v <= np.float32(0):
            out[i] = np.float32(0)
        elif v >= limit:
            out[i] = limit
        else:
            out[i] = v
            mask[i >> 3] = np.uint8(mask[i >> 3] | np.uint8(1 << (i & 7)))


@kernel
def relu_mask_backward_f32(dx: Float32s, dy: Float32s, mask: Uint8s) -> None:
    """dx[n] = dy[n] where the bit of :func:`relu_mask_forward_f32` is set, else 0; dx may be dy."""
    whole = dx.size & -8
    for i in range(0, whole, 8):
        passed_8(dx, dy, i, mask[i >> 3])
    for i in range(whole, dx.size):
        dx[i] = dy[i] if (mask[i >> 3] >> (i & 7)) & 1 else np.float32(0)
