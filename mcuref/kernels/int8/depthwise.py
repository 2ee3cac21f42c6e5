"""Depthwise convolution, int8: activations [H, W, C], weights [kh, kw, O], both flat; O is C or a multiple of it.

The geometry ``g`` is that of :mod:`mcuref.kernels.geometry`. Output channel o sees channel o // (O // C) of the input; what
lies outside the input adds nothing. Biases and sums are int32: of kh kw products, each at most 255 128 in magnitude, nothing
overflows up to 65,793 of them.
"""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s, Integer, Uint8s
from mcuref.kernels.geometry import HO, KH, KW, WO, C, O, W
from mcuref.kernels.int8.exponents import exponent
from mcuref.kernels.int8.stack import ENTRIES, list_on_stack, rows_on_stack
from mcuref.kernels.int8.taps import add_taps, depthwise_taps, send_taps
from mcuref.kernels.int8.weights import RIGHTMOST, WHOLE, add_row, added, drawn, moved_bias, step_of, stream_of, update_row
from mcuref.kernels.jit import kernel
from mcuref.kernels.window import first_place, next_place, place_of, under

LANES = 16  # channels of which sums are made at once; a core takes one after the other, and comes to the same


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
    outputs, c, line, width = np.int64(g[O]), np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW])
    copies, at, errors = outputs // c, first_place(g), list_on_stack()
    half = (np.int32(1) << np.int32(halvings)) >> np.int32(1)
    for _ in range(g[HO] * g[WO]):
        target, tap = under(at, at.ky0, at.kx0, g), (at.ky0 * width + at.kx0) * outputs
        rows, columns = at.ky1 - at.ky0, at.kx1 - at.kx0
        for first in range(0, outputs, ENTRIES if copies == 1 else 1):
            n, some = min(np.int64(ENTRIES), outputs - first) if copies == 1 else np.int64(1), np.int32(0)
            for i in range(n):
                q = np.int32(delta[at.base + first + i])
                errors[i] = (q * np.int32(share[first + i]) + half) >> np.int32(halvings)
                some |= q
            if some != 0:
                to = target + first // copies
                send_taps(dx, errors, w, tap + first, outputs, to, line, c, rows, columns, width, n)
        at = next_place(at, g)


@kernel
def sum_taps(sums: Int32s, delta: Int8s, x: Int8s, channel: Index, x_zero: Integer, g: Int32s) -> tuple[bool, np.int64]:
    """sums[kh, kw] = sum over positions p of delta[p, channel] (x under the tap - x_zero); what lies outside adds nothing.

    Returns whether there is any, and the sum of delta[p, channel], int64.
    """
    for i in range(sums.size):
        sums[i] = np.int32(0)
    at, total, zero, c = first_place(g), np.int64(0), np.int32(x_zero), np.int64(channel) // (np.int64(g[O]) // g[C])
    any_error = False
    for e in range(np.int64(channel), delta.size, np.int64(g[O])):
        if delta[e] == 0:
            continue
        at, any_error = place_of(e, at, g), True
        q = np.int32(delta[e])
        total += np.int64(q)
        for ky in range(at.ky0, at.ky1):
            for kx in range(at.kx0, at.kx1):
                i = ky * g[KW] + kx
                sums[i] = np.int32(sums[i] + q * (np.int32(x[under(at, ky, kx, g) + c]) - zero))
    return any_error, total


@kernel
def sum_lanes(
    rows: Int32s,
    totals: Int32s,
    seen: Int32s,
    delta: Int8s,
    x: Int8s,
    channel: Index,
    lanes: Index,
    x_zero: Integer,
    g: Int32s,
) -> None:
    """rows[kh kw, 16] = sums of so many channels, 16 or 8, as of :func:`sum_taps`; totals[16] and seen[16] of their delta.

    seen is 0 for a channel whose delta is 0 everywhere.
    """
    c, line, width = np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW])
    for i in range(LANES):
        totals[i] = seen[i] = np.int32(0)
    for i in range(LANES * g[KH] * width):
        rows[i] = np.int32(0)
    at, zero = first_place(g), np.int32(x_zero)
    for _ in range(g[HO] * g[WO]):
        first, some = at.base + channel, np.int32(0)
        for i in range(lanes):
            q = np.int32(delta[first + i])
            totals[i] += q
            seen[i] |= q
            some |= q
        if some != 0:
            source, tap = under(at, at.ky0, at.kx0, g) + channel, at.ky0 * width + at.kx0
            add_taps(rows, delta, first, x, source, line, c, tap, at.ky1 - at.ky0, at.kx1 - at.kx0, width, lanes, zero)
        at = next_place(at, g)


@kernel
def sum_channel(
    sums: Int32s,
    rows: Int32s,
    totals: Int32s,
    seen: Int32s,
    delta: Int8s,
    x: Int8s,
    channel: Index,
    x_zero: Integer,
    g: Int32s,
) -> tuple[bool, np.int64]:
    """sums[kh, kw] of a channel as of :func:`sum_taps`; channels come one after the other, 16 or 8 are summed at once.

    Nothing overflows up to 66,311 positions: each adds at most 127 255.
    """
    outputs, lane = np.int64(g[O]), np.int64(channel) % LANES
    left = outputs - (channel - lane)
    lanes = np.int64(LANES) if left >= LANES else np.int64(LANES // 2)
    if outputs != g[C] or LANES * sums.size > rows.size or lane >= lanes or left < lanes:
        return sum_taps(sums, delta, x, channel, x_zero, g)
    if lane == 0:
        sum_lanes(rows, totals, seen, delta, x, channel, lanes, x_zero, g)
    for k in range(sums.size):
        sums[k] = rows[LANES * k + lane]
    return seen[lane] != 0, np.int64(totals[lane])


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
    n, rows, totals, seen = sums.size, rows_on_stack(), list_on_stack(), list_on_stack()
    for o in range(outputs):
        factor, shift = step_of(rate, o, sample_rate, delta_exponent, ex)
        any_error, total = sum_channel(sums, rows, totals, seen, delta, x, o, x_zero, g)
        if shift <= RIGHTMOST and any_error:
            trained = True
            update_row(w, r, r2, o, outputs, sums, 0, 1, 0, n, factor, shift, o * n, stream)
            b[o] = moved_bias(b[o], total * factor * np.int64(bias_multiplier), shift + ex + np.int64(bias_shift))
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
    rows, totals, seen = rows_on_stack(), list_on_stack(), list_on_stack()
    for o in range(outputs):
        factor, shift = step_of(rate, o, WHOLE, delta_exponent, ex)
        any_error, total = sum_channel(sums, rows, totals, seen, delta, x, o, x_zero, g)
        if shift <= RIGHTMOST and any_error:
            finer = shift - np.int64(8)
            add_row(a, o, outputs, sums, 0, n, factor, finer)
            a_bias[o] = added(a_bias[o], total * factor * np.int64(bias_multiplier), finer + ex + np.int64(bias_shift))
