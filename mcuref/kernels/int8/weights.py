"""What weights become in training, int8: what dense layers, convolutions and sums of batches have in common.

A weight is a whole number M, in steps of 2^-bits of its scale. Residuals say how it is stored, and with what it is rounded:

    r and r2    M = 2^16 w + 2^8 r + (r2 mod 256), 16 bits; to the nearest
    r           M = 2^8 w + r, 8 bits; to the nearest
    draws       M = w; stochastic, by random numbers of a stream
    neither     M = w; the new weight is truncated toward 0, as a conversion from float32 to int8 in C does it

w is what the forward pass reads: the nearest to M / 2^bits, halves up. M stays within +-127 2^bits. A step is D = v / 2^T,
rounded so, and M becomes M - D. A row is the weights of one output; weights are numbered row by row.
"""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s, Integer, Uint8s
from mcuref.kernels.draws import random_bits
from mcuref.kernels.int8.exponents import rsh
from mcuref.kernels.int8.steps import move_row_by_sums
from mcuref.kernels.jit import kernel

LEFTMOST, RIGHTMOST = -7, 62  # shifts T; beyond the one it is this, beyond the other nothing changes
LIMIT = 1 << 30  # of a bias
NO_STREAM = -1
FINE = 20  # bits of a change that is truncated
WHOLE = 256  # the sample_rate that changes no factor and no shift


@kernel
def step_of(
    rate: Uint8s, row: Index, sample_rate: Integer, exponent: Int32s, x_exponent: Integer
) -> tuple[np.int64, np.int64]:
    """(factor, T) of a row: rate has a factor of 128 to 255 and a shift plus 128 of each, or of all.

    sample_rate is s << 9 | m, and stands for m 2^(-8 - s), m from 129 to 256. The factor is at most 255, and
    T = shift + s - exponent[0] - x_exponent, at least -7.
    """
    at = 2 * np.int64(row) if rate.size > 2 else np.int64(0)
    s, m = np.int64(sample_rate) >> np.int64(9), np.int64(sample_rate) & np.int64(511)
    shift = np.int64(rate[at + 1]) - np.int64(128) + s - np.int64(exponent[0]) - np.int64(x_exponent)
    return rsh(np.int64(rate[at]) * m, np.int64(8)), max(shift, np.int64(LEFTMOST))


@kernel
def shifted_far(v: Integer, shift: Integer) -> np.int64:
    """v / 2^shift, to the nearest, halves up, of |v| < 2^61 and any shift; or +-2^33 where it is beyond that."""
    if shift > 0:
        return rsh(v, shift)
    left = min(-np.int64(shift), np.int64(33))
    most = np.int64(1 << 33) >> left
    return min(max(np.int64(v), -most), most) << left


@kernel
def moved_bias(b: Integer, v: Integer, shift: Integer) -> np.int32:
    """b - v / 2^shift, to the nearest, halves up, within +-2^30; |v| < 2^61, any shift."""
    return np.int32(min(max(np.int64(b) - shifted_far(v, shift), -np.int64(LIMIT)), np.int64(LIMIT)))


@kernel
def added(a: Integer, v: Integer, shift: Integer) -> np.int32:
    """a + v / 2^shift, to the nearest, halves up; the end of int32 that it is beyond. |v| < 2^61, any shift."""
    return np.int32(min(max(np.int64(a) + shifted_far(v, shift), -np.int64(1 << 31)), np.int64((1 << 31) - 1)))


@kernel
def noise_of(bits: np.uint64, number: Integer, shift: Integer) -> np.int64:
    """The number'th of four draws of 16 bits, from 0 to below 2^shift, 0 < shift <= 62."""
    draw = np.int64((bits >> np.uint64(16 * (number & 3))) & np.uint64(0xFFFF))
    return draw << (shift - np.int64(16)) if shift >= 16 else draw >> (np.int64(16) - shift)


@kernel
def truncated(w: Integer, v: Integer, shift: Integer) -> np.int64:
    """w - v / 2^shift, int64, truncated toward 0, shift > 0; of the change 20 bits behind the point count, as in a float32.

    So a weight of 5 becomes 4 by a change of .3 and stays 5 by one of -.3: weights shrink.
    """
    whole = (np.int64(w) << np.int64(FINE)) - rsh(v, shift - np.int64(FINE))
    return (whole + ((whole >> np.int64(63)) & np.int64((1 << FINE) - 1))) >> np.int64(FINE)


@kernel
def update_row(
    w: Int8s,
    r: Int8s,
    r2: Int8s,
    first: Index,
    stride: Index,
    g: Int8s | Int32s,
    g_first: Index,
    g_stride: Index,
    zero: Integer,
    elements: Index,
    factor: Integer,
    shift: Integer,
    number: Index,
    stream: Integer,
) -> None:
    """M[first + i stride] -= factor (g[g_first + i g_stride] - zero) / 2^shift for i < elements, -7 <= shift <= 62.

    number is that of the row's first weight; stream is -1 where there are no draws. |factor (g - zero)| < 2^40.
    """
    bits = np.uint64(0)
    for i in range(elements):
        at = first + i * stride
        v = (np.int64(g[g_first + i * g_stride]) - np.int64(zero)) * np.int64(factor)
        if r2.size > 0:
            residual = np.int64(r[at]) * np.int64(256) + (np.int64(r2[at]) & np.int64(255))
            whole = np.int64(w[at]) * np.int64(1 << 16) + residual - rsh(v, shift)
            whole = min(max(whole, np.int64(-127 << 16)), np.int64(127 << 16))
            upper = (whole + np.int64(1 << 15)) >> np.int64(16)
            residual = whole - upper * np.int64(1 << 16)
            w[at], r[at] = np.int8(upper), np.int8(residual >> np.int64(8))
            r2[at] = np.int8(((residual & np.int64(255)) ^ np.int64(128)) - np.int64(128))
        elif r.size > 0:
            whole = np.int64(w[at]) * np.int64(256) + np.int64(r[at]) - rsh(v, shift)
            whole = min(max(whole, np.int64(-127 << 8)), np.int64(127 << 8))
            upper = (whole + np.int64(128)) >> np.int64(8)
            w[at], r[at] = np.int8(upper), np.int8(whole - upper * np.int64(256))
        else:
            if shift <= 0:
                whole = np.int64(w[at]) - (v << -shift)
            elif stream == NO_STREAM:
                whole = truncated(w[at], v, shift)
            else:
                if i == 0 or (number + i) & 3 == 0:
                    bits = random_bits(0, stream, (number + i) >> 2)
                whole = np.int64(w[at]) - ((v + noise_of(bits, number + i, shift)) >> shift)
            w[at] = np.int8(min(max(whole, np.int64(-127)), np.int64(127)))


@kernel
def update_by_sums(
    w: Int8s, r: Int8s, r2: Int8s, first: Index, sums: Int32s, factor: Integer, shift: Integer, stream: Integer
) -> None:
    """M[first + i] -= factor sums[i] / 2^shift: :func:`update_row` of weights that lie as they are numbered.

    Where 32 bits hold all of it, as they do but for the largest sums, they are all that is used.
    """
    elements = sums.size
    if r.size > 0 and r2.size == 0 and shift <= 30:
        low = high = np.int32(0)
        for i in range(elements):
            low, high = min(low, sums[i]), max(high, sums[i])
        largest = max(np.int64(high), -np.int64(low))
        half, left = (np.int64(1) << max(shift, np.int64(0))) >> np.int64(1), max(-shift, np.int64(0))
        if ((largest * np.int64(factor)) << left) + half < 1 << 30:
            move_row_by_sums(w, r, first, sums, np.int32(factor), np.int32(shift))
            return
    update_row(w, r, r2, first, 1, sums, 0, 1, 0, elements, factor, shift, first, stream)


@kernel
def stream_of(r: Int8s, draws: Int32s) -> np.int64:
    """The stream of an instruction's draws, their counter as 32 bits; -1 if it takes none."""
    return np.int64(draws[0]) & np.int64(0xFFFFFFFF) if draws.size > 0 and r.size == 0 else np.int64(NO_STREAM)


@kernel
def drawn(draws: Int32s, stream: Integer) -> None:
    """Count an instruction that has changed weights by draws of that stream."""
    if stream != NO_STREAM:
        draws[0] = np.int32(
            ((np.int64(stream) + np.int64(1) + np.int64(1 << 31)) & np.int64(0xFFFFFFFF)) - np.int64(1 << 31)
        )


@kernel
def add_row(
    a: Int32s,
    first: Index,
    stride: Index,
    g: Int8s | Int32s,
    zero: Integer,
    elements: Index,
    factor: Integer,
    shift: Integer,
) -> None:
    """a[first + i stride] += factor (g[i] - zero) / 2^shift, to the nearest, for i < elements; saturating in int32."""
    for i in range(elements):
        at = first + i * stride
        a[at] = added(a[at], (np.int64(g[i]) - np.int64(zero)) * np.int64(factor), shift)
