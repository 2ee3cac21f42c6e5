"""Depthwise convolution, int8: activations [H, W, C], weights [kh, kw, O], both flat; O is C or a multiple of it.

The geometry ``g`` is that of :mod:`mcuref.kernels.geometry`. Output channel o sees channel o // (O // C) of the input; what
lies outside the input adds nothing. Biases and sums are int32: of kh kw products, each at most 255 128 in magnitude, nothing
overflows up to 65,793 of them.
"""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s, Integer, Uint8s
from mcuref.kernels.geometry import HO, KW, WO, C, O, W
from mcuref.kernels.int8.exponents import exponent, rsh
from mcuref.kernels.int8.taps import depthwise_taps
from mcuref.kernels.int8.weights import RIGHTMOST, WHOLE, add_row, added, drawn, moved_bias, step_of, stream_of, update_row
from mcuref.kernels.jit import kernel
from mcuref.kernels.window import first_place, next_place, place_of, under


@kernel
def depthwise_forward_s8(
    z: Int8s,
    x: Int8s,
    w: Int8s,
    b: Int32s,
    multiplier: Int32s,
    shift: Int8s,
    exponents: Int8s,
    x_zero: np.int32,
    z_zero: np.int32,
    low: np.int32,
    high: np.int32,
    x_slot: np.int32,
    z_slot: np.int32,
    g: Int32s,
) -> None:
    """z[Ho, Wo, O] = sum over taps of w[tap, O] (x[tap, channel] - x_zero) + b[O], scaled, + z_zero, clamped.

    multiplier[O], shift[O]; scaled with two roundings; exponents[E] or none (:mod:`mcuref.kernels.int8.exponents`).
    """
    ex = exponent(exponents, x_slot)
    more = ex - exponent(exponents, z_slot)
    outputs, c, line, width = np.int64(g[O]), np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW])
    at = first_place(g)
    for _ in range(g[HO] * g[WO]):
        outs = z[at.base : at.base + outputs]
        source, tap = under(at, at.ky0, at.kx0, g), (at.ky0 * width + at.kx0) * outputs
        rows, columns = at.ky1 - at.ky0, at.kx1 - at.kx0
        depthwise_taps(
            outs, x, w, b, multiplier, shift, c, source, line, tap, rows, columns, width, x_zero, z_zero, low, high, ex, more
        )
        at = next_place(at, g)


@kernel
def depthwise_backward_input_s8(dx: Int32s, delta: Int8s, w: Int8s, share: Uint8s, halvings: Integer, g: Int32s) -> None:
    """dx[H, W, C] = sum over entries e of w[tap, channel of e] v[e] at their taps, v[e] = delta[e] share[channel of e]
    / 2^halvings to the nearest.

    share[O] is at most 128. So |v| <= 127 128 / 2^halvings, halves up, and of |w| <= 127 nothing overflows up to 1,040 terms
    of a dx with no halvings, and up to twice as many with each, as long as v has bits left: there are at most kh kw O / C.
    """
    for i in range(dx.size):
        dx[i] = np.int32(0)
    outputs, copies, at = np.int64(g[O]), np.int64(g[O]) // g[C], first_place(g)
    for e in range(delta.size):
        if delta[e] == 0:
            continue
        at = place_of(e, at, g)
        o = e - at.base
        v = np.int32(rsh(np.int64(delta[e]) * np.int64(share[o]), halvings))
        for ky in range(at.ky0, at.ky1):
            for kx in range(at.kx0, at.kx1):
                i = under(at, ky, kx, g) + o // copies
                dx[i] = np.int32(dx[i] + v * np.int32(w[(ky * g[KW] + kx) * outputs + o]))


@kernel
def any_entry(delta: Int8s, channel: Index, channels: Index) -> bool:
    """Whether an entry of a channel is not 0: of delta[positions, channels]."""
    for e in range(channel, delta.size, channels):
        if delta[e] != 0:
            return True
    return False


@kernel
def sum_taps(sums: Int32s, delta: Int8s, x: Int8s, channel: Index, x_zero: Integer, g: Int32s) -> np.int64:
    """sums[kh, kw] = sum over positions p of delta[p, channel] (x under the tap - x_zero); what lies outside adds nothing.

    Returns the sum of delta[p, channel], int64. Nothing overflows up to 66,311 positions: each adds at most 127 255.
    """
    for i in range(sums.size):
        sums[i] = np.int32(0)
    at, total, zero, c = first_place(g), np.int64(0), np.int32(x_zero), np.int64(channel) // (np.int64(g[O]) // g[C])
    for e in range(np.int64(channel), delta.size, np.int64(g[O])):
        if delta[e] == 0:
            continue
        at = place_of(e, at, g)
        q = np.int32(delta[e])
        total += np.int64(q)
        for ky in range(at.ky0, at.ky1):
            for kx in range(at.kx0, at.kx1):
                i = ky * g[KW] + kx
                sums[i] = np.int32(sums[i] + q * (np.int32(x[under(at, ky, kx, g) + c]) - zero))
    return total


@kernel
def depthwise_update_s8(
    w: Int8s,
    b: Int32s,
    r: Int8s,
    r2: Int8s,
    draws: Int32s,
    sums: Int32s,
    delta: Int8s,
    x: Int8s,
    rate: Uint8s,
    delta_exponent: Int32s,
    exponents: Int8s,
    sample_rate: Integer,
    x_zero: Integer,
    x_slot: Integer,
    bias_multiplier: Integer,
    bias_shift: Integer,
    g: Int32s,
) -> None:
    """M[:, o] -= sum over positions p of delta[p, o] (x under the tap - x_zero), scaled, and b[o] -= sum of delta[p, o],
    scaled.

    w[kh, kw, O], b[O], delta[Ho, Wo, O]; one channel at a time, whose sum is in sums[kh, kw]; one whose entries are all 0 is
    not touched. Scaled as in :func:`mcuref.kernels.int8.dense.dense_update_s8`; a sum times its factor is below 2^39.
    """
    outputs, ex, stream, trained = np.int64(g[O]), exponent(exponents, x_slot), stream_of(r, draws), False
    n = sums.size
    for o in range(outputs):
        factor, shift = step_of(rate, o, sample_rate, delta_exponent, ex)
        if shift <= RIGHTMOST and any_entry(delta, o, outputs):
            trained = True
            total = sum_taps(sums, delta, x, o, x_zero, g) * factor
            update_row(w, r, r2, o, outputs, sums, 0, 1, 0, n, factor, shift, o * n, stream)
            b[o] = moved_bias(b[o], total * np.int64(bias_multiplier), shift + ex + np.int64(bias_shift))
    if trained:
        drawn(draws, stream)


@kernel
def depthwise_gradient_s8(
    a: Int32s,
    a_bias: Int32s,
    sums: Int32s,
    delta: Int8s,
    x: Int8s,
    rate: Uint8s,
    delta_exponent: Int32s,
    exponents: Int8s,
    x_zero: Integer,
    x_slot: Integer,
    bias_multiplier: Integer,
    bias_shift: Integer,
    g: Int32s,
) -> None:
    """a[:, o] += 2^8 sum over positions p of delta[p, o] (x under the tap - x_zero), scaled, and a_bias[o] likewise.

    As :func:`depthwise_update_s8`, without the learning rate of the sample.
    """
    outputs, ex, n = np.int64(g[O]), exponent(exponents, x_slot), sums.size
    for o in range(outputs):
        factor, shift = step_of(rate, o, WHOLE, delta_exponent, ex)
        if shift <= RIGHTMOST and any_entry(delta, o, outputs):
            total, finer = sum_taps(sums, delta, x, o, x_zero, g) * factor, shift - np.int64(8)
            add_row(a, o, outputs, sums, 0, n, factor, finer)
            a_bias[o] = added(a_bias[o], total * np.int64(bias_multiplier), finer + ex + np.int64(bias_shift))
