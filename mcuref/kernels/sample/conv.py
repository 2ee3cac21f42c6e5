"""Convolution over a sample where it lies, float32: :mod:`mcuref.kernels.conv` of the values v.

x[H, W, C] is of any type that samples have; mean[c], scale[c] make values of it where a patch is gathered. What lies
outside the image is 0, after that.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Indices, Int32s, Samples
from mcuref.kernels.dense import dense_forward_f32
from mcuref.kernels.geometry import HO, KH, KW, WO, C, O
from mcuref.kernels.jit import kernel
from mcuref.kernels.runs import add_scaled
from mcuref.kernels.window import Place, first_place, next_place, place_of, under


@kernel
def gather_values(patch: Float32s, x: Samples, mean: Float32s, scale: Float32s, at: Place, g: Int32s) -> None:
    """patch[kh, kw, C] = the values under a window; 0 outside of the image."""
    c, width, pairs = np.int64(g[C]), np.int64(g[KW]) * g[C], mean.size
    first, run = at.kx0 * c, (at.kx1 - at.kx0) * c  # of a row of the patch, what lies inside
    for i in range(patch.size):
        patch[i] = np.float32(0)
    for ky in range(at.ky0, at.ky1):
        source, target = under(at, ky, at.kx0, g), ky * width + first
        pair = source % pairs
        for t in range(run):
            patch[target + t] = (np.float32(x[source + t]) - mean[pair]) * scale[pair]
            pair = pair + 1 if pair + 1 < pairs else 0


@kernel
def conv_forward_of(
    out: Float32s, patch: Float32s, x: Samples, w: Float32s, b: Float32s, mean: Float32s, scale: Float32s, g: Int32s
) -> None:
    """out[Ho, Wo, O] = for each position, w[O, kh kw C] patch + b[O], with the sums of a dense layer."""
    at, outputs = first_place(g), np.int64(g[O])
    for _ in range(g[HO] * g[WO]):
        gather_values(patch, x, mean, scale, at, g)
        dense_forward_f32(out[at.base : at.base + outputs], patch, w, b)
        at = next_place(at, g)


@kernel
def conv_update_of(
    w: Float32s,
    b: Float32s,
    patch: Float32s,
    delta: Float32s,
    x: Samples,
    kept: Indices,
    mean: Float32s,
    scale: Float32s,
    rate: np.float32,
    dense_bias: bool,
    g: Int32s,
) -> None:
    """w[channel of e] -= (rate * delta[e]) * patch of e, b[channel of e] -= rate * delta[e], for kept e in order.

    ``patch`` is scratch; it is gathered once for all kept entries of a position. Weights that meet only padding are not
    touched. With ``dense_bias`` every entry of delta updates its bias instead.
    """
    c, width, outputs = np.int64(g[C]), np.int64(g[KW]) * g[C], np.int64(g[O])
    at, n = first_place(g), 0
    while n < kept.size:
        at = place_of(np.int64(kept[n]), at, g)
        gather_values(patch, x, mean, scale, at, g)
        first, run = at.kx0 * c, (at.kx1 - at.kx0) * c
        while n < kept.size and np.int64(kept[n]) < at.base + outputs:
            o = np.int64(kept[n]) - at.base
            step = rate * delta[kept[n]]
            for ky in range(at.ky0, at.ky1):
                add_scaled(w, (o * g[KH] + ky) * width + first, patch, ky * width + first, run, -step)
            if not dense_bias:
                b[o] = b[o] - step
            n += 1
    if dense_bias:
        for e in range(delta.size):
            b[e % outputs] = b[e % outputs] - rate * delta[e]
