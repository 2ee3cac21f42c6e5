"""Depthwise convolution over a sample where it lies, float32: :mod:`mcuref.kernels.depthwise` of the values v.

x[H, W, C] is of any type that samples have; mean[c], scale[c] make values of it at each tap that reads them.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Indices, Int32s, Samples
from mcuref.kernels.geometry import HO, KW, WO, C
from mcuref.kernels.jit import kernel
from mcuref.kernels.window import first_place, next_place, place_of, under


@kernel
def depthwise_forward_of(
    out: Float32s, x: Samples, w: Float32s, b: Float32s, mean: Float32s, scale: Float32s, g: Int32s
) -> None:
    """out[Ho, Wo, C] = sum over taps of v[tap of the position, C] * w[tap, C], from +0 on, then + b[C]."""
    c, pairs = np.int64(g[C]), mean.size
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        for i in range(at.base, at.base + c):
            out[i] = np.float32(0)
        for ky in range(at.ky0, at.ky1):
            for kx in range(at.kx0, at.kx1):
                source, tap = under(at, ky, kx, g), (ky * g[KW] + kx) * c
                pair = source % pairs
                for i in range(c):
                    value = (np.float32(x[source + i]) - mean[pair]) * scale[pair]
                    out[at.base + i] = out[at.base + i] + value * w[tap + i]
                    pair = pair + 1 if pair + 1 < pairs else 0
        for i in range(c):
            out[at.base + i] = out[at.base + i] + b[i]
        at = next_place(at, g)


@kernel
def depthwise_update_of(
    w: Float32s,
    b: Float32s,
    delta: Float32s,
    x: Samples,
    kept: Indices,
    mean: Float32s,
    scale: Float32s,
    rate: np.float32,
    dense_bias: bool,
    g: Int32s,
) -> None:
    """w[tap, channel of e] -= (rate * delta[e]) * v at that tap, b[channel of e] -= rate * delta[e], for kept e in order.

    With ``dense_bias`` every entry of delta updates its bias instead.
    """
    c, pairs = np.int64(g[C]), mean.size
    at, begin = first_place(g), 0
    while begin < kept.size:
        at = place_of(np.int64(kept[begin]), at, g)
        end = begin + 1
        while end < kept.size and np.int64(kept[end]) < at.base + c:
            end += 1
        for ky in range(at.ky0, at.ky1):
            for kx in range(at.kx0, at.kx1):
                source, tap = under(at, ky, kx, g), (ky * g[KW] + kx) * c
                for n in range(begin, end):  # one position: each entry has weights of its own
                    channel = np.int64(kept[n]) - at.base
                    pair = (source + channel) % pairs
                    value = (np.float32(x[source + channel]) - mean[pair]) * scale[pair]
                    w[tap + channel] = w[tap + channel] - rate * delta[kept[n]] * value
        if not dense_bias:
            for n in range(begin, end):
                b[np.int64(kept[n]) - at.base] -= rate * delta[kept[n]]
        begin = end
    if dense_bias:
        for i in range(delta.size):
            b[i % c] = b[i % c] - rate * delta[i]
