"""Depthwise convolution, int8: activations [H, W, C], weights [kh, kw, O], both flat; O is C or a multiple of it.

The geometry ``g`` is that of :mod:`mcuref.kernels.geometry`. Output channel o sees channel o // (O // C) of the input; what
lies outside the input adds nothing. Biases and sums are int32: of kh kw products, each at most 255 128 in magnitude, nothing
overflows up to 65,793 of them.
"""

import numpy as np

from mcuref.kernels.arrays import Int8s, Int32s
from mcuref.kernels.geometry import HO, KW, WO, C, O, W
from mcuref.kernels.int8.taps import depthwise_taps
from mcuref.kernels.jit import kernel
from mcuref.kernels.window import first_place, next_place, under


@kernel
def depthwise_forward_s8(
    z: Int8s,
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
    """z[Ho, Wo, O] = sum over taps of w[tap, O] (x[tap, channel] - x_zero) + b[O], scaled, + z_zero, clamped.

    multiplier[O], shift[O]; scaled with two roundings.
    """
    outputs, c, line, width = np.int64(g[O]), np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW])
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        outs = z[at.base : at.base + outputs]
        source, tap = under(at, at.ky0, at.kx0, g), (at.ky0 * width + at.kx0) * outputs
        rows, columns = at.ky1 - at.ky0, at.kx1 - at.kx0
        depthwise_taps(
            outs, x, w, b, multiplier, shift, c, source, line, tap, rows, columns, width, x_zero, z_zero, low, high
        )
        at = next_place(at, g)
