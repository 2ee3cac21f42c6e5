"""Which entries of an error are trained: top-k by magnitude, k at random, the rules of TinyProp and TinyPropv2, in integers.

n is the size of an error delta, int8 from -127 to 127, which stands for delta 2^E. What is not kept is set to 0. Constants
and ratios have 15 bits behind the point; products are of 64 bits, which fit where constants are within +-2^29 and n is at
most 65,536, and nothing is divided but by shifts and subtractions.

A sum of magnitudes Y = sum |delta| 2^E, and the largest one seen, are packed as (e + 64) 2^24 + m, int32, which stands for
m 2^e with 2^23 <= m < 2^24; 0 stands for 0. So they order like what they stand for.

How far results are from the rational ones of the same Y, Y_max and constants, where these and their sums are from 0 to 1: of
Y / Y_max 2^-16; S 3 2^-16; S n, before it is rounded, 3 n 2^-16; D 5 2^-16 + 2^-30. Y itself is exact where the sum of
magnitudes has 24 bits, as it has up to n = 132,104, else less than 2^-23 of it too small; a Y_max that fades loses less than
2^-23 of it with each sample, else nothing.
"""

import numpy as np

from mcuref.kernels.arrays import Index, Indices, Int8s, Int32s, Integer
from mcuref.kernels.draws import is_drawn, random_bits, stream_of_selection
from mcuref.kernels.int8.exponents import rsh
from mcuref.kernels.int8.magnitudes import clear_to, count_above
from mcuref.kernels.int8.narrow import bit_length
from mcuref.kernels.jit import kernel

MANTISSA = 24  # bits
OFFSET = 64  # of a packed exponent
LAST = 127  # of packed exponents
Q15 = 15
MAGNITUDES = 128
BITS = 7  # of a magnitude
BLOCK = 256  # entries of which ties are counted at once


@kernel
def packed(value: Integer, e: Integer) -> np.int32:
    """value 2^e, packed: of value >= 0 the first 24 bits, the rest cut off; e + 64 is clamped to 0..127."""
    if value == 0:
        return np.int32(0)
    more = bit_length(value) - np.int64(MANTISSA)
    mantissa = np.int64(value) >> more if more > 0 else np.int64(value) << -more
    place = min(max(np.int64(e) + more + np.int64(OFFSET), np.int64(0)), np.int64(LAST))
    return np.int32((place << np.int64(MANTISSA)) | mantissa)


@kernel
def mantissa_of(y: Integer) -> np.int64:
    """m of a packed m 2^e, int64."""
    return np.int64(y) & np.int64((1 << MANTISSA) - 1)


@kernel
def exponent_of(y: Integer) -> np.int64:
    """e of a packed m 2^e, int64."""
    return (np.int64(y) >> np.int64(MANTISSA)) - np.int64(OFFSET)


@kernel
def sum_of_magnitudes(delta: Int8s, exponent: Int32s) -> np.int32:
    """Y of delta[n], packed; the sum fits int32 up to n = 16,909,320."""
    total = np.int32(0)
    for i in range(delta.size):
        total = np.int32(total + np.int32(abs(np.int64(delta[i]))))
    return packed(total, exponent[0])


@kernel
def raise_maximum(y_max: Int32s, y: Integer, decay: Integer) -> np.int32:
    """Y_max <- max(decay Y_max, Y) in y_max[1], packed; returns it. The product is cut off to 24 bits; decay 32768 is 1."""
    before = np.int64(y_max[0])
    decayed = packed(mantissa_of(before) * np.int64(decay), exponent_of(before) - np.int64(Q15))
    y_max[0] = np.int32(max(np.int64(decayed), np.int64(y)))
    return y_max[0]


@kernel
def ratio_q15(y: Integer, y_max: Integer) -> np.int64:
    """alpha = Y / Y_max, int64, to the nearest of 2^-15, halves up; 0 < Y <= Y_max, packed.

    Long division, bit by bit: of the quotient of both mantissas, below 2, come the bits down to 2^-16 of the ratio.
    """
    rest, divisor = mantissa_of(y), mantissa_of(y_max)
    quotient = np.int64(0)
    for _ in range(Q15 + 2 - (exponent_of(y_max) - exponent_of(y))):
        quotient <<= np.int64(1)
        if rest >= divisor:
            rest -= divisor
            quotient += np.int64(1)
        rest <<= np.int64(1)
    return (quotient + np.int64(1)) >> np.int64(1)


@kernel
def back_propagation_ratio(alpha: Integer, s_min: Integer, s_range: Integer, damping: Integer) -> np.int64:
    """S = (S_min + (S_max - S_min) alpha) zeta^l, int64, of 15 bits (TinyProp, arXiv 2308.09201)."""
    return rsh((np.int64(s_min) + rsh(np.int64(alpha) * np.int64(s_range), Q15)) * np.int64(damping), Q15)


@kernel
def kept_entries(ratio: Integer, n: Index, floor: bool) -> np.int64:
    """k = clamp(S n, 1, n), int64, to the nearest, halves up; truncated if ``floor``."""
    product = np.int64(ratio) * np.int64(n)
    k = product >> np.int64(Q15) if floor else rsh(product, Q15)
    return min(max(k, np.int64(1)), np.int64(n))


@kernel
def decision(alpha: Integer, d_min: Integer, d_range: Integer, beta: Integer, beta_range: Integer) -> np.int64:
    """D = (D_min + (D_max - D_min) alpha) (beta + beta_range alpha), int64, of 15 bits (TinyPropv2, arXiv 2409.07109)."""
    share = np.int64(d_min) + rsh(np.int64(alpha) * np.int64(d_range), Q15)
    return rsh(share * (np.int64(beta) + rsh(np.int64(alpha) * np.int64(beta_range), Q15)), Q15)


@kernel
def count_nonzero(delta: Int8s) -> np.int32:
    """How many of delta[n] are not 0, int32."""
    return np.int32(count_above(delta, 0, delta.size, 0))


@kernel
def place_of_tie(delta: Int8s, magnitude: Index, number: Index) -> np.int64:
    """The index of the number'th of delta[n] that has a magnitude, counted from 1, int64; there are as many."""
    place, left = np.int64(0), np.int64(number)
    while place + BLOCK <= delta.size:
        ties = count_above(delta, place, BLOCK, magnitude - 1) - count_above(delta, place, BLOCK, magnitude)
        if ties >= left:
            break
        left, place = left - ties, place + BLOCK
    while True:
        left -= np.int64(abs(np.int64(delta[place])) == magnitude)
        if left == 0:
            return place
        place += np.int64(1)


@kernel
def reached_by(delta: Int8s, k: Index) -> tuple[np.int64, np.int64]:
    """The largest magnitude that k of delta[n] reach, k <= n, int64, and how many are above it: found bit by bit."""
    magnitude, above = np.int64(0), np.int64(0)
    for bit in range(BITS - 1, -1, -1):
        higher = magnitude | np.int64(1 << bit)
        count = np.int64(count_above(delta, 0, delta.size, higher - 1))
        if count >= k:
            magnitude = higher
        else:
            above = count
    return magnitude, above


@kernel
def top_k(delta: Int8s, tally: Indices, k: Index) -> tuple[np.int64, np.int64]:
    """Keep the k largest magnitudes of delta[n], ties to the lowest index; returns how many are not 0, and the comparisons.

    A comparison is one look at an entry, in each of two passes, or at an entry of the tally; none where k >= n. A core
    counts magnitudes first, but not 0, in tally[128], in the pass that sums them where a rule needs that; the k-th largest
    one is where the counts, from that of 127 on, come to k. Its type, which has an index of every entry, fits k < n, and all
    counts but that of n entries, of which one less will do. Here that magnitude is found by halving, which comes to the same
    and is faster with vectors; the tally is not touched.
    """
    n = np.int64(delta.size)
    if k >= n:
        return np.int64(count_nonzero(delta)), np.int64(0)
    magnitude, above = reached_by(delta, k)
    if magnitude == 0:  # fewer than k are not 0: all of them stay
        return above, n + np.int64(MAGNITUDES - 1)
    end = place_of_tie(delta, magnitude, np.int64(k) - above) + np.int64(1)
    clear_to(delta, 0, end, magnitude - 1)
    clear_to(delta, end, n - end, magnitude)
    return np.int64(k), np.int64(2 * n + MAGNITUDES) - magnitude


@kernel
def random_k(delta: Int8s, draws: Int32s, k: Index, key: Integer) -> tuple[np.int64, np.int64]:
    """Keep k of delta[n] at random, k >= 1 (:mod:`mcuref.kernels.draws`); returns how many are not 0, and the comparisons.

    draws[1] counts the selections of the program. A comparison is one look at an entry; behind the k-th there is none.
    """
    left, count, i, block = np.int64(k), np.int64(0), np.int64(0), np.uint64(0)
    stream = stream_of_selection(draws)
    while left > 0:
        if i & 1 == 0:
            block = random_bits(key, stream, i >> 1)
        if is_drawn(block, i, left, delta.size):
            left -= 1
            count += np.int64(delta[i] != 0)
        else:
            delta[i] = np.int8(0)
        i += 1
    for behind in range(i, delta.size):
        delta[behind] = np.int8(0)
    return count, i
