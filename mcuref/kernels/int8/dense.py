"""Fully connected layer, int8. I inputs, O outputs; weights are [O, I], flat, their zero is 0; biases and sums are int32.

A sum is of b and of I products, each at most 255 128 in magnitude: without the bias nothing overflows up to I = 65,793. One
that does loses its upper bits, as on a core.

TensorFlow Lite's reference kernel multiplies a sum by a double, and rounds halves away from 0. A multiplier of 31 bits
comes to the same unless the product lies within 2^-32 of its size from a half: of 60 million outputs none did.
"""

import numpy as np

from mcuref.kernels.arrays import Int8s, Int32s, Integer, Uint8s
from mcuref.kernels.int8.exponents import exponent, moved_shift, shifted_bias
from mcuref.kernels.int8.fixed import clamped, scaled_once
from mcuref.kernels.int8.fours import add_listed, list_errors
from mcuref.kernels.int8.rows import dense_rows_8, dot_row
from mcuref.kernels.int8.stack import ENTRIES, list_on_stack
from mcuref.kernels.int8.steps import LANES, LEAST, MOST, move_row, move_short_row
from mcuref.kernels.int8.weights import RIGHTMOST, WHOLE, add_row, added, drawn, moved_bias, step_of, stream_of, update_row
from mcuref.kernels.jit import kernel


@kernel
def dense_forward_s8(
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
) -> None:
    """z[O] = w[O, I] (x[I] - x_zero) + b[O], scaled with one rounding, + z_zero, clamped to low..high.

    multiplier[M], shift[M], M = O or 1; exponents[E] or none (:mod:`mcuref.kernels.int8.exponents`).
    """
    outputs, each = z.size, np.int64(multiplier.size > 1)
    ex = exponent(exponents, x_slot)
    more = ex - exponent(exponents, z_slot)
    for o in range(0, outputs, 8 if outputs >= 8 else 1):
        if outputs >= 8:  # the last eight may begin with some that are there already
            dense_rows_8(z, x, w, b, multiplier, shift, min(o, outputs - 8), x_zero, z_zero, low, high, ex, more)
        else:
            total = np.int32(np.int64(dot_row(x, w, o, x_zero)) + shifted_bias(b[o], ex))
            output = scaled_once(total, multiplier[o * each], moved_shift(shift[o * each], more))
            z[o] = clamped(output + np.int64(z_zero), low, high)


@kernel
def dense_backward_input_s8(dx: Int32s, delta: Int8s, w: Int8s, share: Uint8s, halvings: Integer) -> None:
    """dx[I] = sum over j of w[j, :] v[j], v = delta[j] share[j] / 2^halvings to the nearest; rows of 0 are not read.

    share[M], M = O or 1, is at most 128. So |v| <= 127 128 / 2^halvings, halves up, and of |w| <= 127 nothing overflows up
    to 1,040 rows with no halvings, and up to twice as many with each, as long as v has bits left.
    """
    n, starts, factors = dx.size, list_on_stack(), list_on_stack()
    for i in range(n):
        dx[i] = np.int32(0)
    for first in range(0, delta.size, ENTRIES):
        last = min(np.int64(first) + np.int64(ENTRIES), np.int64(delta.size))
        shares = share if share.size == 1 else share[first:last]
        count = list_errors(starts, factors, delta, first, last, shares, n, halvings)
        add_listed(dx, w[first * n : last * n], starts, factors, count)


@kernel
def dense_update_s8(
    w: Int8s,
    b: Int32s,
    r: Int8s,
    r2: Int8s,
    draws: Int32s,
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
) -> None:
    """M[j, :] -= delta[j] (x[I] - x_zero), scaled, and b[j] -= delta[j], scaled, for j with delta[j] != 0.

    w[O, I], b[O], delta[O]; what M is, what r, r2 and draws are there for, and how it is scaled by rate[2 M] and sample_rate
    stands in :mod:`mcuref.kernels.int8.weights`. The bias's factor is multiplied by bias_multiplier < 2^30, and its shift
    grows by the exponent of x and bias_shift. |delta (x - x_zero) factor| <= 127 255 255 < 2^23.
    """
    n, ex, stream, trained = x.size, exponent(exponents, x_slot), stream_of(r, draws), False
    for j in range(delta.size):
        if delta[j] != 0:
            factor, shift = step_of(rate, j, sample_rate, delta_exponent, ex)
            if shift <= RIGHTMOST:
                step, trained = np.int64(delta[j]) * factor, True
                if r.size == 0 or r2.size > 0:
                    update_row(w, r, r2, j * n, 1, x, 0, 1, x_zero, n, step, shift, j * n, stream)
                elif shift < LEAST or n < LANES:
                    move_short_row(w, r, j * n, x, np.int32(x_zero), np.int32(step), np.int32(min(shift, np.int64(30))))
                elif shift <= MOST:  # beyond it all steps are 0
                    move_row(w, r, j * n, x, np.int16(x_zero), np.int16(step), np.int16(shift))
                b[j] = moved_bias(b[j], step * np.int64(bias_multiplier), shift + ex + np.int64(bias_shift))
    if trained:
        drawn(draws, stream)


@kernel
def dense_gradient_s8(
    a: Int32s,
    a_bias: Int32s,
    delta: Int8s,
    x: Int8s,
    rate: Uint8s,
    delta_exponent: Int32s,
    exponents: Int8s,
    x_zero: Integer,
    x_slot: Integer,
    bias_multiplier: Integer,
    bias_shift: Integer,
) -> None:
    """a[j, :] += 2^8 delta[j] (x[I] - x_zero), scaled, and a_bias[j] += 2^8 delta[j], scaled, for j with delta[j] != 0.

    As :func:`dense_update_s8`, without the learning rate of the sample.
    """
    n, ex = x.size, exponent(exponents, x_slot)
    for j in range(delta.size):
        if delta[j] != 0:
            factor, shift = step_of(rate, j, WHOLE, delta_exponent, ex)
            if shift <= RIGHTMOST:
                step, finer = np.int64(delta[j]) * factor, shift - np.int64(8)
                add_row(a, j * n, 1, x, x_zero, n, step, finer)
                a_bias[j] = added(a_bias[j], step * np.int64(bias_multiplier), finer + ex + np.int64(bias_shift))
