"""Pooling, int8: activations [H, W, C], flat; windows [kh, kw] with a geometry of :mod:`mcuref.kernels.geometry`, O = C.

Padding belongs to no window: a maximum is over the values inside, an average divides by their number. Sums are int32: no
window of fewer than 2^23 values overflows.
"""

import numpy as np

from mcuref.kernels.arrays import Int8s, Int32s
from mcuref.kernels.geometry import HO, WO, C, H, W
from mcuref.kernels.int8.fixed import clamped, scaled_twice
from mcuref.kernels.jit import kernel
from mcuref.kernels.window import first_place, next_place, under


@kernel
def max_pool_forward_s8(y: Int8s, x: Int8s, low: np.int32, high: np.int32, g: Int32s) -> None:
    """y[Ho, Wo, C] = largest value of each window, clamped to low..high."""
    c = np.int64(g[C])
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        for i in range(at.base, at.base + c):
            y[i] = np.int8(low)
        for ky in range(at.ky0, at.ky1):
            for kx in range(at.kx0, at.kx1):
                source = under(at, ky, kx, g)
                for i in range(c):
                    y[at.base + i] = max(y[at.base + i], x[source + i])
        for i in range(at.base, at.base + c):
            y[i] = min(y[i], np.int8(high))
        at = next_place(at, g)


@kernel
def average_pool_forward_s8(y: Int8s, x: Int8s, low: np.int32, high: np.int32, g: Int32s) -> None:
    """y[Ho, Wo, C] = sum over each window's values inside the input / their number, halves away from 0, clamped."""
    c = np.int64(g[C])
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        number = (at.ky1 - at.ky0) * (at.kx1 - at.kx0)
        for i in range(c):
            total = np.int32(0)
            for ky in range(at.ky0, at.ky1):
                for kx in range(at.kx0, at.kx1):
                    total = np.int32(total + np.int32(x[under(at, ky, kx, g) + i]))
            mean = (abs(np.int64(total)) + (number >> 1)) // number
            y[at.base + i] = clamped(-mean if total < 0 else mean, low, high)
        at = next_place(at, g)


@kernel
def mean_forward_s8(
    y: Int8s,
    x: Int8s,
    x_zero: np.int32,
    y_zero: np.int32,
    multiplier: np.int32,
    shift: np.int32,
    low: np.int32,
    high: np.int32,
    g: Int32s,
) -> None:
    """y[C] = sum over all positions of x[H, W, C] - x_zero, scaled with two roundings, + y_zero, clamped to low..high.

    The multiplier has 1 / (H W) in it.
    """
    c, count = np.int64(g[C]), np.int64(g[H]) * g[W]
    for i in range(c):
        total = np.int32(0)
        for position in range(count):
            total = np.int32(total + np.int32(x[position * c + i]))
        centred = np.int32(np.int64(total) - count * np.int64(x_zero))
        y[i] = clamped(scaled_twice(centred, multiplier, shift) + np.int64(y_zero), low, high)
