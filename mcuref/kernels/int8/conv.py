"""Convolution, int8: activations [H, W, C], weights [O, kh, kw, C], both flat. An output is a dot product over a patch.

The geometry ``g`` is that of :mod:`mcuref.kernels.geometry`; outside the input there is x_zero. Biases and sums are int32:
of kh kw C products, each at most 255 128 in magnitude, nothing overflows up to 65,793 of them. A sum that does loses its
upper bits, as on a core.
"""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s
from mcuref.kernels.geometry import HO, KH, KW, WO, C, O
from mcuref.kernels.int8.fixed import clamped, scaled_twice
from mcuref.kernels.jit import kernel
from mcuref.kernels.window import Place, first_place, next_place, under


@kernel
def gather_patch_s8(patch: Int8s, x: Int8s, x_zero: Index, at: Place, g: Int32s) -> None:
    """patch[kh, kw, C] = the input under a window; x_zero outside it."""
    c, width = np.int64(g[C]), np.int64(g[KW]) * g[C]
    first, last = at.kx0 * c, at.kx1 * c  # of a row of the patch, what lies inside
    for ky in range(g[KH]):
        row = ky * width
        if ky < at.ky0 or ky >= at.ky1:
            for i in range(row, row + width):
                patch[i] = np.int8(x_zero)
            continue
        for i in range(row, row + first):
            patch[i] = np.int8(x_zero)
        source = under(at, ky, at.kx0, g) - first
        for i in range(first, last):
            patch[row + i] = x[source + i]
        for i in range(row + last, row + width):
            patch[i] = np.int8(x_zero)


@kernel
def conv_forward_s8(
    z: Int8s,
    patch: Int8s,
    x: Int8s,
    w: Int8s,
    b: Int32s,
    multiplier: Int32s,
    shift: Int8s,
    x_zero: Index,
    z_zero: Index,
    low: Index,
    high: Index,
    g: Int32s,
) -> None:
    """z[Ho, Wo, O] = for each position, w[O, kh kw C] (patch - x_zero) + b[O], scaled, + z_zero, clamped to low..high.

    multiplier[O], shift[O]; scaled with two roundings. ``patch`` is scratch of kh kw C values; it may be empty where every
    patch is one run of the input (kh = 1, no padding).
    """
    outputs, size = np.int64(g[O]), np.int64(g[KH]) * g[KW] * g[C]
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        if g[KH] == 1 and at.ky0 == 0 and at.ky1 == 1 and at.kx0 == 0 and at.kx1 == g[KW]:
            start = under(at, 0, 0, g)
            values = x[start : start + size]
        else:
            gather_patch_s8(patch, x, x_zero, at, g)
            values = patch
        for o in range(outputs):
            total = b[o]
            for i in range(size):
                total = np.int32(total + (np.int32(values[i]) - np.int32(x_zero)) * np.int32(w[o * size + i]))
            z[at.base + o] = clamped(scaled_twice(total, multiplier[o], shift[o]) + np.int64(z_zero), low, high)
        at = next_place(at, g)
