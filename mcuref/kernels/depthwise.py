"""Depthwise convolution, float32: each channel on its own. Activations [H, W, C], weights [kh, kw, C], both flat.

The geometry ``g`` is that of :mod:`mcuref.kernels.geometry`, with O = C. Sums take the taps (ky, kx) that lie inside the
input, in order; the bias comes last. A kept entry e of the error is one element: position e // C, channel e % C.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Index, Indices, Int32s
from mcuref.kernels.eights import bits_of, subtract_window_8
from mcuref.kernels.geometry import HO, KW, WO, C, W
from mcuref.kernels.jit import kernel
from mcuref.kernels.taps import sum_taps
from mcuref.kernels.window import Place, entries_end, first_place, next_place, place_of, under

GROUP = 64  # channels whose kept entries are the bits of one integer


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
def subtract_taps(
    y: Float32s,
    i: Index,
    y_line: Index,
    x: Float32s,
    j: Index,
    x_line: Index,
    c: Index,
    at: Place,
    a: np.float32,
    delta: Float32s,
    e: Index,
    bits: Index,
    count: Index,
) -> None:
    """y[i + p + l] -= (a * delta[e + l]) * x[j + q + l] for the l < count that are meant, at the taps inside the input.

    ``i`` and ``j`` are at the first of them, p and q as in :func:`subtract_window_8`. The last channels come one by one.
    """
    rows, columns, whole = at.ky1 - at.ky0, at.kx1 - at.kx0, count - count % 8
    for l in range(0, whole, 8):
        eight = bits >> l & 255
        if eight:
            subtract_window_8(y, i + l, y_line, x, j + l, x_line, c, rows, columns, a, delta, e + l, eight)
    for l in range(whole, count):
        if bits >> l & 1:
            factor = a * delta[e + l]
            for r in range(rows):
                p, q = i + r * y_line + l, j + r * x_line + l
                for s in range(0, columns * c, c):
                    y[p + s] = y[p + s] - factor * x[q + s]


@kernel
def depthwise_backward_input_f32(dx: Float32s, delta: Float32s, w: Float32s, kept: Indices, g: Int32s) -> None:
    """dx[H, W, C] = sum over kept e, in order, of delta[e] * w[tap, channel of e] at its taps; overwrites dx.

    Eight channels a pass: each has a dx of its own.
    """
    for i in range(dx.size):
        dx[i] = np.float32(0)
    c, line, width = np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW]) * g[C]
    at, n = first_place(g), 0
    while n < kept.size:
        at = place_of(np.int64(kept[n]), at, g)
        corner, tap = under(at, at.ky0, at.kx0, g), at.ky0 * width + at.kx0 * c
        for first in range(0, c, GROUP):
            count, e = c - first if c - first < GROUP else np.int64(GROUP), at.base + first
            end = entries_end(kept, n, e + count)
            bits = bits_of(kept, n, end, e)
            minus = np.float32(-1)  # and minus that is what is added
            subtract_taps(dx, corner + first, line, w, tap + first, width, c, at, minus, delta, e, bits, count)
            n = end


@kernel
def depthwise_update_f32(
    w: Float32s, b: Float32s, delta: Float32s, x: Float32s, kept: Indices, rate: np.float32, dense_bias: bool, g: Int32s
) -> None:
    """w[tap, channel of e] -= (rate * delta[e]) * x at that tap, b[channel of e] -= rate * delta[e], for kept e in order.

    With ``dense_bias`` every entry of delta updates its bias instead. Eight channels a pass: each has weights of its own.
    """
    c, line, width = np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW]) * g[C]
    at, n = first_place(g), 0
    while n < kept.size:
        at = place_of(np.int64(kept[n]), at, g)
        corner, tap = under(at, at.ky0, at.kx0, g), at.ky0 * width + at.kx0 * c
        for first in range(0, c, GROUP):
            count, e = c - first if c - first < GROUP else np.int64(GROUP), at.base + first
            end = entries_end(kept, n, e + count)
            bits = bits_of(kept, n, end, e)
            subtract_taps(w, tap + first, width, x, corner + first, line, c, at, rate, delta, e, bits, count)
            if not dense_bias:
                biases, errors = b[first : first + count], delta[e : e + count]
                for i in range(count):
                    biases[i] = biases[i] - rate * errors[i] if bits >> i & 1 else biases[i]
            n = end
    if dense_bias:
        for first in range(0, delta.size, c):
            for i in range(c):
                b[i] = b[i] - rate * delta[first + i]
