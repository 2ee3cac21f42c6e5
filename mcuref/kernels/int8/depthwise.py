"""Depthwise convolution, int8: activations [H, W, C], weights [kh, kw, O], both flat; O is C or a multiple of it.

The geometry ``g`` is that of :mod:`mcuref.kernels.geometry`. Output channel o sees channel o // (O // C) of the input; what
lies outside the input adds nothing. Biases and sums are int32: of kh kw products, each at most 255 128 in magnitude, nothing
overflows up to 65,793 of them.
"""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s
from mcuref.kernels.geometry import HO, KW, WO, C, O
from mcuref.kernels.int8.fixed import clamped, scaled_twice
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
    x_zero: Index,
    z_zero: Index,
    low: Index,
    high: Index,
    g: Int32s,
) -> None:
    """z[Ho, Wo, O] = sum over taps of w[tap, O] (x[tap, channel] - x_zero) + b[O], scaled, + z_zero, clamped.

    multiplier[O], shift[O]; scaled with two roundings.
    """
    outputs, copies = np.int64(g[O]), np.int64(g[O]) // g[C]
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        for o in range(outputs):
            total = b[o]
            for ky in range(at.ky0, at.ky1):
                for kx in range(at.kx0, at.kx1):
                    value = np.int32(x[under(at, ky, kx, g) + o // copies]) - np.int32(x_zero)
                    total = np.int32(total + value * np.int32(w[(ky * g[KW] + kx) * outputs + o]))
            z[at.base + o] = clamped(scaled_twice(total, multiplier[o], shift[o]) + np.int64(z_zero), low, high)
        at = next_place(at, g)
