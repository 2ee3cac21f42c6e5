"""Convolution, int8: activations [H, W, C], weights [O, kh, kw, C], both flat. An output is a dot product over a patch.

The geometry ``g`` is that of :mod:`mcuref.kernels.geometry`; outside the input there is x_zero. Biases and sums are int32:
of kh kw C products, each at most 255 128 in magnitude, nothing overflows up to 65,793 of them. A sum that does loses its
upper bits, as on a core.
"""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s, Integer, Uint8s
from mcuref.kernels.geometry import HO, KH, KW, WO, C, O, W
from mcuref.kernels.int8.blocks import Room, send_back, sum_block, take_sums
from mcuref.kernels.int8.exponents import exponent, moved_shift, shifted_bias
from mcuref.kernels.int8.few import MANY, are_few, list_few, send_back_entries, sum_listed, take_listed
from mcuref.kernels.int8.fixed import clamped, scaled_twice
from mcuref.kernels.int8.patches import gather_patch_s8
from mcuref.kernels.int8.products import ROWS, TILE, add_scaled_2_s8
from mcuref.kernels.int8.rows import conv_rows_8, dot_row
from mcuref.kernels.int8.stack import COLUMNS, ENTRIES, bytes_on_stack, list_on_stack, rows_on_stack
from mcuref.kernels.int8.weights import (
    RIGHTMOST,
    WHOLE,
    add_row,
    added,
    drawn,
    moved_bias,
    step_of,
    stream_of,
    update_by_sums,
)
from mcuref.kernels.jit import kernel
from mcuref.kernels.window import first_place, next_place, place_of, under


@kernel
def conv_forward_s8(
    z: Int8s,
    patch: Int8s,
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
    """z[Ho, Wo, O] = for each position, w[O, kh kw C] (patch - x_zero) + b[O], scaled, + z_zero, clamped to low..high.

    multiplier[O], shift[O]; scaled with two roundings; exponents[E] or none (:mod:`mcuref.kernels.int8.exponents`).
    ``patch`` is scratch of kh kw C values; it may be empty where every patch is one run of the input (kh = 1, no padding).
    """
    ex = exponent(exponents, x_slot)
    more = ex - exponent(exponents, z_slot)
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
                row = min(np.int64(o), outputs - 8)
                conv_rows_8(outs, values, w, b, multiplier, shift, row, x_zero, z_zero, low, high, ex, more)
            else:
                total = np.int32(np.int64(dot_row(values, w, o, x_zero)) + shifted_bias(b[o], ex))
                output = scaled_twice(total, multiplier[o], moved_shift(shift[o], more))
                outs[o] = clamped(output + np.int64(z_zero), low, high)
        at = next_place(at, g)


@kernel
def conv_backward_input_s8(dx: Int32s, delta: Int8s, w: Int8s, share: Uint8s, halvings: Integer, g: Int32s) -> None:
    """dx[H, W, C] = sum over entries e of w[channel of e] v[e] at their patches, v[e] = delta[e] share[channel of e]
    / 2^halvings to the nearest.

    share[O] is at most 128. So |v| <= 127 128 / 2^halvings, halves up, and of |w| <= 127 nothing overflows up to 1,040 terms
    of a dx with no halvings, and up to twice as many with each, as long as v has bits left: there are at most kh kw O.
    """
    for i in range(dx.size):
        dx[i] = np.int32(0)
    lists = list_on_stack(), list_on_stack(), list_on_stack(), list_on_stack()
    room = Room(rows_on_stack(), *lists, w[0:0])
    outputs, size = np.int64(g[O]), np.int64(g[KH]) * g[KW] * g[C]
    if TILE <= size <= COLUMNS and ROWS * ((outputs + 1) >> 1) <= ENTRIES and not are_few(delta):
        send_back(dx, room, delta, w, share, halvings, g)
    else:
        send_back_entries(dx, room.order, delta, w, share, halvings, g)


@kernel
def sum_patches(sums: Int32s, delta: Int8s, x: Int8s, channel: Index, x_zero: Integer, g: Int32s) -> tuple[bool, np.int64]:
    """sums[kh, kw, C] = sum over positions p of delta[p, channel] (patch of p - x_zero); what lies outside adds nothing.

    Returns whether there is any, and the sum of delta[p, channel], int64.
    """
    for i in range(sums.size):
        sums[i] = np.int32(0)
    c, line, width = np.int64(g[C]), np.int64(g[W]) * g[C], np.int64(g[KW]) * g[C]
    at, any_error, total, zero = first_place(g), False, np.int64(0), np.int64(x_zero)
    for e in range(np.int64(channel), delta.size, np.int64(g[O])):
        q = np.int64(delta[e])
        if q != 0:
            at, any_error = place_of(e, at, g), True
            total += q
            target, source = at.ky0 * width + at.kx0 * c, under(at, at.ky0, at.kx0, g)
            for row in range(at.ky1 - at.ky0):
                start, run = source + row * line, (at.kx1 - at.kx0) * c
                add_scaled_2_s8(
                    sums, target + row * width, x, start, start, run, np.int16(q), np.int16(0), np.int32(-zero * q)
                )
    return any_error, total


@kernel
def sum_channel(
    sums: Int32s, room: Room, count: Index, lanes: Index, delta: Int8s, x: Int8s, channel: Index, x_zero: Integer, g: Int32s
) -> tuple[bool, np.int64]:
    """sums[kh, kw, C] of a channel as of :func:`sum_patches`; channels come one after the other, eight are summed at once.

    If entries are few, ``count`` of them are listed in room.order, and ``lanes`` channels are summed at once.
    Nothing overflows up to 66,311 positions: each adds at most 127 255.
    """
    if sums.size > COLUMNS or lanes == 0:
        return sum_patches(sums, delta, x, channel, x_zero, g)
    r = np.int64(channel) % lanes
    if r == 0 and count == MANY:
        sum_block(room, delta, x, channel, x_zero, g)
    elif r == 0:
        sum_listed(room, count, lanes, delta, x, channel, x_zero, g)
    if room.seen[r] == 0:
        return False, np.int64(0)
    if count == MANY:
        take_sums(sums, room, r, x_zero)
    else:
        take_listed(sums, room, r, x_zero, g)
    return True, np.int64(room.totals[r])


@kernel
def conv_update_s8(
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
    """M[o, :] -= sum over positions p of delta[p, o] (patch of p - x_zero), scaled, and b[o] -= sum of delta[p, o], scaled.

    w[O, kh, kw, C], b[O], delta[Ho, Wo, O]; one channel at a time, whose sum is in sums[kh, kw, C]; one whose entries are
    all 0 is not touched. Scaled as in :func:`mcuref.kernels.int8.dense.dense_update_s8`; a sum times its factor is below
    2^39.
    """
    outputs, ex, stream, trained = np.int64(g[O]), exponent(exponents, x_slot), stream_of(r, draws), False
    n, lists = sums.size, (list_on_stack(), list_on_stack(), list_on_stack(), list_on_stack())
    room = Room(rows_on_stack(), *lists, bytes_on_stack())
    count, lanes = list_few(room.order, delta, g)
    for o in range(outputs):
        factor, shift = step_of(rate, o, sample_rate, delta_exponent, ex)
        any_error, total = sum_channel(sums, room, count, lanes, delta, x, o, x_zero, g)
        if shift <= RIGHTMOST and any_error:
            trained = True
            update_by_sums(w, r, r2, o * n, sums, factor, shift, stream)
            b[o] = moved_bias(b[o], total * factor * np.int64(bias_multiplier), shift + ex + np.int64(bias_shift))
    if trained:
        drawn(draws, stream)


@kernel
def conv_gradient_s8(
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
    """a[o, :] += 2^8 sum over positions p of delta[p, o] (patch of p - x_zero), scaled, and a_bias[o] likewise.

    As :func:`conv_update_s8`, without the learning rate of the sample.
    """
    outputs, ex, n = np.int64(g[O]), exponent(exponents, x_slot), sums.size
    lists = list_on_stack(), list_on_stack(), list_on_stack(), list_on_stack()
    room = Room(rows_on_stack(), *lists, bytes_on_stack())
    count, lanes = list_few(room.order, delta, g)
    for o in range(outputs):
        factor, shift = step_of(rate, o, WHOLE, delta_exponent, ex)
        any_error, total = sum_channel(sums, room, count, lanes, delta, x, o, x_zero, g)
        if shift <= RIGHTMOST and any_error:
            finer = shift - np.int64(8)
            add_row(a, o * n, 1, sums, 0, n, factor, finer)
            a_bias[o] = added(a_bias[o], total * factor * np.int64(bias_multiplier), finer + ex + np.int64(bias_shift))
