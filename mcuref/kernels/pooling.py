"""Pooling, float32: activations [H, W, C], flat; windows [kh, kw] with the geometry of :mod:`mcuref.kernels.conv`, O = C.

Padding belongs to no window: a maximum is over the values inside, an average divides by their number, as in TFLite.
"""

import numpy as np

from mcuref.kernels.conv import HO, KH, KW, LEFT, SH, SW, TOP, WO, C, H, W
from mcuref.kernels.jit import kernel


@kernel
def max_pool_forward_f32(out, taps, x, g):
    """out[Ho, Wo, C] = largest value of each window, of equal ones the first; a NaN wins, of several the last.

    ``taps`` uint8[Ho, Wo, C] gets which one it was, ky kw + kx; empty if nobody will ask.
    """
    c = np.int64(g[C])
    for oy in range(g[HO]):
        for ox in range(g[WO]):
            top, left = oy * g[SH] - g[TOP], ox * g[SW] - g[LEFT]
            first = (oy * g[WO] + ox) * c
            fresh = True
            for ky in range(max(0, -top), min(g[KH], g[H] - top)):
                for kx in range(max(0, -left), min(g[KW], g[W] - left)):
                    source = ((top + ky) * g[W] + left + kx) * c
                    for i in range(c):
                        value = x[source + i]
                        if fresh or value > out[first + i] or value != value:
                            out[first + i] = value
                            if taps.size:
                                taps[first + i] = np.uint8(ky * g[KW] + kx)
                    fresh = False


@kernel
def max_pool_backward_f32(dx, dy, taps, g):
    """dx[H, W, C] = sum, in order, of the dy[Ho, Wo, C] whose largest value was there; overwrites dx."""
    for i in range(dx.size):
        dx[i] = np.float32(0)
    c = np.int64(g[C])
    for oy in range(g[HO]):
        for ox in range(g[WO]):
            first = (oy * g[WO] + ox) * c
            for i in range(c):
                y = oy * g[SH] - g[TOP] + taps[first + i] // g[KW]
                column = ox * g[SW] - g[LEFT] + taps[first + i] % g[KW]
                at = (y * g[W] + column) * c + i
                dx[at] = dx[at] + dy[first + i]


@kernel
def average_pool_forward_f32(out, x, g):
    """out[Ho, Wo, C] = sum over each window's values inside the input, in order from +0, / their number."""
    c = np.int64(g[C])
    for oy in range(g[HO]):
        for ox in range(g[WO]):
            top, left = oy * g[SH] - g[TOP], ox * g[SW] - g[LEFT]
            ky0, ky1 = max(0, -top), min(g[KH], g[H] - top)
            kx0, kx1 = max(0, -left), min(g[KW], g[W] - left)
            number = np.float32((ky1 - ky0) * (kx1 - kx0))
            first = (oy * g[WO] + ox) * c
            for i in range(first, first + c):
                out[i] = np.float32(0)
            for ky in range(ky0, ky1):
                for kx in range(kx0, kx1):
                    source = ((top + ky) * g[W] + left + kx) * c
                    for i in range(c):
                        out[first + i] = out[first + i] + x[source + i]
            for i in range(first, first + c):
                out[i] = out[i] / number


@kernel
def average_pool_backward_f32(dx, dy, g):
    """dx[H, W, C] = sum, in order, of dy / number of values over the windows that hold the place; overwrites dx."""
    for i in range(dx.size):
        dx[i] = np.float32(0)
    c = np.int64(g[C])
    for oy in range(g[HO]):
        for ox in range(g[WO]):
            top, left = oy * g[SH] - g[TOP], ox * g[SW] - g[LEFT]
            ky0, ky1 = max(0, -top), min(g[KH], g[H] - top)
            kx0, kx1 = max(0, -left), min(g[KW], g[W] - left)
            number = np.float32((ky1 - ky0) * (kx1 - kx0))
            first = (oy * g[WO] + ox) * c
            for ky in range(ky0, ky1):
                for kx in range(kx0, kx1):
                    target = ((top + ky) * g[W] + left + kx) * c
                    for i in range(c):
                        dx[target + i] = dx[target + i] + dy[first + i] / number
