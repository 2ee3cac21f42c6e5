"""Convolution, int8: activations [H, W, C], weights [O, kh, kw, C], both flat. An output is a dot product over a patch.

The geometry ``g`` is that of :mod:`mcuref.kernels.geometry`; outside the input there is x_zero. Biases and sums are int32:
of kh kw C products, each at most 255 128 in magnitude, nothing overflows up to 65,793 of them. A sum that does loses its
upper bits, as on a core.
"""

import numpy as np

from mcuref.kernels.arrays import Int8s, Int32s
from mcuref.kernels.geometry import HO, KH, KW, WO, C, O, W
from mcuref.kernels.int8.fixed import clamped, scaled_twice
from mcuref.kernels.int8.rows import conv_rows_8, dot_row
from mcuref.kernels.int8.runs import copy_run_s8, fill_run_s8
from mcuref.kernels.jit import kernel
from mcuref.kernels.window import Place, first_place, next_place, under


@kernel
def gather_patch_s8(patch: Int8s, x: Int8s, x_zero: np.int32, at: Place, g: Int32s) -> None:
    """patch[kh, kw, C] = the input under a window; x_zero outside it."""
    c, line, width = np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW]) * g[C]
    first, last = at.kx0 * c, at.kx1 * c  # of a row of the patch, what lies inside
    source, run = under(at, at.ky0, at.kx0, g), last - first
    for row in range(at.ky0 * width, at.ky1 * width, width):
        copy_run_s8(patch, row + first, x, source, run)
        source += line
    if run < width:
        for row in range(at.ky0 * width, at.ky1 * width, width):
            fill_run_s8(patch, row, first, np.int8(x_zero))
            fill_run_s8(patch, row + last, width - last, np.int8(x_zero))
    if at.ky1 - at.ky0 < g[KH]:
        fill_run_s8(patch, 0, at.ky0 * width, np.int8(x_zero))
        fill_run_s8(patch, at.ky1 * width, (g[KH] - at.ky1) * width, np.int8(x_zero))


@kernel
def conv_forward_s8(
    z: Int8s,
    patch: Int8s,
    x: Int8s,
    w: Int8s,
    b: Int32s,
    multiplier: Int32s,
    shift: Int8s,
    x_zero: np.int32,
    z_zero: np.int32,
    low: np.int32,
    high: np.int32,
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
        outs = z[at.base : at.base + outputs]
        for o in range(0, outputs, 8 if outputs >= 8 else 1):
            if outputs >= 8:
                conv_rows_8(outs, values, w, b, multiplier, shift, min(np.int64(o), outputs - 8), x_zero, z_zero, low, high)
            else:
                total = np.int32(np.int64(dot_row(values, w, o, x_zero)) + b[o])
                outs[o] = clamped(scaled_twice(total, multiplier[o], shift[o]) + np.int64(z_zero), low, high)
        at = next_place(at, g)
