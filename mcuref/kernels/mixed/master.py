"""Updates of int8 weights that have a float32 master, int8 otherwise: what simulators of integer training mostly do.

A master m is in steps of its weight's scale, and the weight is w = clamp(rint(m), -127, 127), ties to even. From an integer
gradient g, the sum of delta (x - x_zero) that :mod:`mcuref.kernels.int8` multiplies too,

    step = float32(factor) 2^(-8 - T)    exact
    m    = m - step float32(g)           g, the product and the difference rounded once each, in this order

with the factor and T of :func:`mcuref.kernels.int8.weights.step_of`, which are in steps of 2^-8 of a weight's as with a
residual of 8 bits; and as there nothing changes beyond T = 62. Biases are int32 and change as in every other way of updates.
"""

import numpy as np

from mcuref.kernels.arrays import Float32s, Index, Int8s, Int32s, Integer, Uint8s
from mcuref.kernels.elementary import from_bits, rint_f32
from mcuref.kernels.geometry import O
from mcuref.kernels.int8.conv import sum_patches
from mcuref.kernels.int8.depthwise import sum_taps
from mcuref.kernels.int8.exponents import exponent
from mcuref.kernels.int8.weights import RIGHTMOST, moved_bias, step_of
from mcuref.kernels.jit import kernel

MOST = 127  # of a weight
BITS = 8  # behind the point, of what is not a master


@kernel
def real_step(factor: Integer, shift: Integer) -> np.float32:
    """factor 2^(-8 - shift), float32, -7 <= shift <= 62; exact, of a factor with up to 24 bits."""
    return np.float32(factor) * from_bits(np.int32((np.int64(127 - BITS) - np.int64(shift)) << np.int64(23)))


@kernel
def master_row(
    w: Int8s,
    master: Float32s,
    first: Index,
    stride: Index,
    g: Int8s | Int32s,
    g_first: Index,
    g_stride: Index,
    zero: Integer,
    elements: Index,
    step: np.float32,
) -> None:
    """m[first + i stride] -= step (g[g_first + i g_stride] - zero) for i < elements, and w becomes the nearest to it."""
    most = np.float32(MOST)
    for i in range(elements):
        at = first + i * stride
        m = master[at] - step * np.float32(np.int64(g[g_first + i * g_stride]) - np.int64(zero))
        master[at] = m
        w[at] = np.int8(rint_f32(min(max(m, -most), most)))


@kernel
def dense_update_master(
    w: Int8s,
    b: Int32s,
    master: Float32s,
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
    """m[j, :] -= step delta[j] (x[I] - x_zero), the product of the last two exact, for j with delta[j] != 0.

    w[O, I], b[O], master[O, I], delta[O], rate[2 M]; b[j] as in :func:`mcuref.kernels.int8.dense.dense_update_s8`.
    """
    n, ex = x.size, exponent(exponents, x_slot)
    for j in range(delta.size):
        if delta[j] != 0:
            factor, shift = step_of(rate, j, sample_rate, delta_exponent, ex)
            if shift <= RIGHTMOST:
                step = np.int64(delta[j]) * factor  # below 2^15: no order of these products rounds more than once
                master_row(w, master, j * n, 1, x, 0, 1, x_zero, n, real_step(step, shift))
                b[j] = moved_bias(b[j], step * np.int64(bias_multiplier), shift + ex + np.int64(bias_shift))


@kernel
def conv_update_master(
    w: Int8s,
    b: Int32s,
    master: Float32s,
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
    """m[o, :] -= step (sum over positions p of delta[p, o] (patch of p - x_zero)); a channel without entries stays.

    w[O, kh, kw, C], b[O], master as w, delta[Ho, Wo, O], rate[2 O]; one channel at a time, whose sum is in sums[kh, kw, C];
    b[o] as in :func:`mcuref.kernels.int8.conv.conv_update_s8`.
    """
    outputs, ex, n = np.int64(g[O]), exponent(exponents, x_slot), sums.size
    for o in range(outputs):
        factor, shift = step_of(rate, o, sample_rate, delta_exponent, ex)
        any_error, total = sum_patches(sums, delta, x, o, x_zero, g)
        if shift <= RIGHTMOST and any_error:
            master_row(w, master, o * n, 1, sums, 0, 1, 0, n, real_step(factor, shift))
            b[o] = moved_bias(b[o], total * factor * np.int64(bias_multiplier), shift + ex + np.int64(bias_shift))


@kernel
def depthwise_update_master(
    w: Int8s,
    b: Int32s,
    master: Float32s,
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
    """m[:, o] -= step (sum over positions p of delta[p, o] (x under the tap - x_zero)); a channel without entries stays.

    w[kh, kw, O], b[O], master as w, delta[Ho, Wo, O], rate[2 O]; one channel at a time, whose sum is in sums[kh, kw]; b[o]
    as in :func:`mcuref.kernels.int8.depthwise.depthwise_update_s8`.
    """
    outputs, ex, n = np.int64(g[O]), exponent(exponents, x_slot), sums.size
    for o in range(outputs):
        factor, shift = step_of(rate, o, sample_rate, delta_exponent, ex)
        any_error, total = sum_taps(sums, delta, x, o, x_zero, g)
        if shift <= RIGHTMOST and any_error:
            master_row(w, master, o, outputs, sums, 0, 1, 0, n, real_step(factor, shift))
            b[o] = moved_bias(b[o], total * factor * np.int64(bias_multiplier), shift + ex + np.int64(bias_shift))
