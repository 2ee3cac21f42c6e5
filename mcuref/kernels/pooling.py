"""Pooling, float32: activations [H, W, C], flat; windows [kh, kw] with a geometry of :mod:`mcuref.kernels.geometry`, O = C.

Padding belongs to no window: a maximum is over the values inside, an average divides by their number, as in TFLite.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Int32s, Uint8s
from mcuref.kernels.geometry import HO, KW, WO, C
from mcuref.kernels.jit import kernel
from mcuref.kernels.runs import add_quotients
from mcuref.kernels.window import first_place, next_place, under


@kernel
def max_pool_forward_f32(out: Float32s, taps: Uint8s, x: Float32s, g: Int32s) -> None:
    """out[Ho, Wo, C] = largest value of each window, of equal ones the first; a NaN wins, of several the last.

    ``taps`` uint8[Ho, Wo, C] gets which one it was, ky kw + kx; empty if nobody will ask.
    """
    c = np.int64(g[C])
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        first = at.base
        fresh = True
        for ky in range(at.ky0, at.ky1):
            for kx in range(at.kx0, at.kx1):
                source = under(at, ky, kx, g)
                for i in range(c):
                    value = x[source + i]
                    if fresh or value > out[first + i] or value != value:
                        out[first + i] = value
                        if taps.size:
                            taps[first + i] = np.uint8(ky * g[KW] + kx)
                fresh = False
        at = next_place(at, g)


@kernel
def max_pool_backward_f32(dx: Float32s, dy: Float32s, taps: Uint8s, g: Int32s) -> None:
    """dx[H, W, C] = sum, in order, of the dy[Ho, Wo, C] whose largest value was there; overwrites dx."""
    for i in range(dx.size):
        dx[i] = np.float32(0)
    c = np.int64(g[C])
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        for i in range(c):
            tap = taps[at.base + i]
            place = under(at, tap // g[KW], tap % g[KW], g) + i
            dx[place] = dx[place] + dy[at.base + i]
        at = next_place(at, g)


@kernel
def average_pool_forward_f32(out: Float32s, x: Float32s, g: Int32s) -> None:
    """out[Ho, Wo, C] = sum over each window's values inside the input, in order from +0, / their number."""
    c = np.int64(g[C])
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        number = np.float32((at.ky1 - at.ky0) * (at.kx1 - at.kx0))
        first = at.base
        for i in range(first, first + c):
            out[i] = np.float32(0)
        for ky in range(at.ky0, at.ky1):
            for kx in range(at.kx0, at.kx1):
                source = under(at, ky, kx, g)
                for i in range(c):
                    out[first + i] = out[first + i] + x[source + i]
        for i in range(first, first + c):
            out[i] = out[i] / number
        at = next_place(at, g)


@kernel
def average_pool_backward_f32(dx: Float32s, dy: Float32s, g: Int32s) -> None:
    """dx[H, W, C] = sum, in order, of dy / number of values over the windows that hold the place; overwrites dx."""
    for i in range(dx.size):
        dx[i] = np.float32(0)
    c = np.int64(g[C])
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        number = np.float32((at.ky1 - at.ky0) * (at.kx1 - at.kx0))
        for ky in range(at.ky0, at.ky1):
            for kx in range(at.kx0, at.kx1):
                add_quotients(dx, under(at, ky, kx, g), dy, at.base, c, number)
        at = next_place(at, g)
