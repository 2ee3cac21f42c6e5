"""Depthwise convolution, float32: each channel on its own. Activations [H, W, C], weights [kh, kw, C], both flat.

The geometry ``g`` is that of :mod:`mcuref.kernels.conv`, with O = C. Sums take the taps (ky, kx) that lie inside the
input, in order; the bias comes last. A kept entry e of the error is one element: position e // C, channel e % C.
"""

import numpy as np

from mcuref.kernels.conv import HO, KH, KW, LEFT, SH, SW, TOP, WO, C, H, W
from mcuref.kernels.jit import kernel
from mcuref.kernels.runs import add_products


@kernel
def depthwise_forward_f32(out, x, w, b, g):
    """out[Ho, Wo, C] = sum over taps of w[tap, C] * x[tap of the position, C], from +0 on, then + b[C]."""
    c = np.int64(g[C])
    for oy in range(g[HO]):
        for ox in range(g[WO]):
            top, left = oy * g[SH] - g[TOP], ox * g[SW] - g[LEFT]
            first = (oy * g[WO] + ox) * c
            for i in range(first, first + c):
                out[i] = np.float32(0)
            for ky in range(max(0, -top), min(g[KH], g[H] - top)):
                for kx in range(max(0, -left), min(g[KW], g[W] - left)):
                    source = ((top + ky) * g[W] + left + kx) * c
                    add_products(out, first, x, source, w, (ky * g[KW] + kx) * c, c)
            for i in range(c):
                out[first + i] = out[first + i] + b[i]


@kernel
def depthwise_backward_input_f32(dx, delta, w, kept, g):
    """dx[H, W, C] = sum over kept e, in order, of delta[e] * w[tap, channel of e] at its taps; overwrites dx."""
    for i in range(dx.size):
        dx[i] = np.float32(0)
    c = np.int64(g[C])
    done, count = 0, kept.size
    while done < count:
        position = np.int64(kept[done]) // c
        base = position * c
        begin = done
        while done < count and np.int64(kept[done]) < base + c:
            done += 1
        top, left = position // g[WO] * g[SH] - g[TOP], position % g[WO] * g[SW] - g[LEFT]
        for ky in range(max(0, -top), min(g[KH], g[H] - top)):
            for kx in range(max(0, -left), min(g[KW], g[W] - left)):
                target, tap = ((top + ky) * g[W] + left + kx) * c - base, (ky * g[KW] + kx) * c - base
                for n in range(begin, done):  # one position: each entry has a dx of its own
                    e = np.int64(kept[n])
                    dx[target + e] = dx[target + e] + delta[e] * w[tap + e]


@kernel
def depthwise_update_f32(w, b, delta, x, kept, rate, dense_bias, g):
    """w[tap, channel of e] -= (rate * delta[e]) * x at that tap, b[channel of e] -= rate * delta[e], for kept e in order.

    With ``dense_bias`` every entry of delta updates its bias instead.
    """
    c = np.int64(g[C])
    done, count = 0, kept.size
    while done < count:
        position = np.int64(kept[done]) // c
        base = position * c
        begin = done
        while done < count and np.int64(kept[done]) < base + c:
            if not dense_bias:
                b[np.int64(kept[done]) - base] -= rate * delta[kept[done]]
            done += 1
        top, left = position // g[WO] * g[SH] - g[TOP], position % g[WO] * g[SW] - g[LEFT]
        for ky in range(max(0, -top), min(g[KH], g[H] - top)):
            for kx in range(max(0, -left), min(g[KW], g[W] - left)):
                source, tap = ((top + ky) * g[W] + left + kx) * c - base, (ky * g[KW] + kx) * c - base
                for n in range(begin, done):  # one position: each entry has weights of its own
                    e = np.int64(kept[n])
                    w[tap + e] = w[tap + e] - rate * delta[e] * x[source + e]
    if dense_bias:
        for e in range(delta.size):
            b[e % c] = b[e % c] - rate * delta[e]
