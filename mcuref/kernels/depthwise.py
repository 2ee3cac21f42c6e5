"""Depthwise convolution, float32: each channel on its own. Activations [H, W, C], weights [kh, kw, C], both flat.

The geometry ``g`` is that of :mod:`mcuref.kernels.geometry`, with O = C. Sums take the taps (ky, kx) that lie inside the
input, in order; the bias comes last. A kept entry e of the error is one element: position e // C, channel e % C.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Indices, Int32s
from mcuref.kernels.geometry import HO, KW, WO, C, W
from mcuref.kernels.jit import kernel
from mcuref.kernels.taps import sum_taps
from mcuref.kernels.window import entries_end, first_place, next_place, place_of, under


@kernel
def depthwise_forward_f32(out: Float32s, x: Float32s, w: Float32s, b: Float32s, g: Int32s) -> None:
    """out[Ho, Wo, C] = sum over taps of w[tap, C] * x[tap of the position, C], from +0 on, then + b[C]."""
    c, line, row = np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW]) * g[C]
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        first, tap = under(at, at.ky0, at.kx0, g), at.ky0 * row + at.kx0 * c
        sum_taps(out, at.base, x, first, line, w, tap, row, at.ky1 - at.ky0, at.kx1 - at.kx0, b)
        at = next_place(at, g)


@kernel
def depthwise_backward_input_f32(dx: Float32s, delta: Float32s, w: Float32s, kept: Indices, g: Int32s) -> None:
    """dx[H, W, C] = sum over kept e, in order, of delta[e] * w[tap, channel of e] at its taps; overwrites dx."""
    for i in range(dx.size):
        dx[i] = np.float32(0)
    c = np.int64(g[C])
    at, begin = first_place(g), 0
    while begin < kept.size:
        at = place_of(np.int64(kept[begin]), at, g)
        end = entries_end(kept, begin, at, g)
        for ky in range(at.ky0, at.ky1):
            for kx in range(at.kx0, at.kx1):
                target, tap = under(at, ky, kx, g) - at.base, (ky * g[KW] + kx) * c - at.base
                for n in range(begin, end):  # one position: each entry has a dx of its own
                    e = np.int64(kept[n])
                    dx[target + e] = dx[target + e] + delta[e] * w[tap + e]
        begin = end


@kernel
def depthwise_update_f32(
    w: Float32s, b: Float32s, delta: Float32s, x: Float32s, kept: Indices, rate: np.float32, dense_bias: bool, g: Int32s
) -> None:
    """w[tap, channel of e] -= (rate * delta[e]) * x at that tap, b[channel of e] -= rate * delta[e], for kept e in order.

    With ``dense_bias`` every entry of delta updates its bias instead.
    """
    c = np.int64(g[C])
    at, begin = first_place(g), 0
    while begin < kept.size:
        at = place_of(np.int64(kept[begin]), at, g)
        end = entries_end(kept, begin, at, g)
        for ky in range(at.ky0, at.ky1):
            for kx in range(at.kx0, at.kx1):
                source, tap = under(at, ky, kx, g) - at.base, (ky * g[KW] + kx) * c - at.base
                for n in range(begin, end):  # one position: each entry has weights of its own
                    e = np.int64(kept[n])
                    w[tap + e] = w[tap + e] - rate * delta[e] * x[source + e]
        if not dense_bias:
            for n in range(begin, end):
                b[np.int64(kept[n]) - at.base] -= rate * delta[kept[n]]
        begin = end
    if dense_bias:
        for i in range(delta.size):
            b[i % c] = b[i % c] - rate * delta[i]
