"""Losses, int8, n outputs: each writes the error as int8 with an exponent E, and returns what it says of the loss."""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s, Integer
from mcuref.kernels.int8.fixed import scaled_twice
from mcuref.kernels.int8.narrow import bits_to_drop, narrowed
from mcuref.kernels.jit import kernel

FRACTION = 30  # bits behind the point of a probability
ONE = 1 << FRACTION
MOST = 2**31 - 1  # of a sum of squares


@kernel
def exponential(table: Int32s, difference: Integer) -> np.int64:
    """table[difference], int64; 0 beyond its end."""
    return np.int64(table[difference]) if difference < table.size else np.int64(0)


@kernel
def probability(e: Integer, total: Integer) -> np.int64:
    """e / total with 30 bits behind the point, int64, to the nearest, halves up; 0 <= e <= total, 0 < total <= 2^30.

    A core without a division of 64 bits comes to it bit by bit: twice the rest of 31 bits, less the total where it reaches.
    """
    return (np.int64(ONE) * np.int64(e) + (np.int64(total) >> np.int64(1))) // np.int64(total)


@kernel
def softmax_cross_entropy_s8(
    delta: Int8s, exponent: Int32s, z: Int8s, table: Int32s, label: Index, grown: Index
) -> np.int32:
    """delta[n], exponent[1] = softmax(z[n]) - onehot(label), narrowed; returns softmax(z)[label], both of 30 bits.

    table[t] : table[0] exp(-scale d) of each difference d to the largest; 0 beyond it. grown, 0 to 15, is the exponent of z,
    which stands for scale 2^grown. delta may be z.

    e_i = table[2^grown (max z - z_i)], S their sum, p_i = e_i / S. With n table[0] <= 2^30 all of it is below 2^31. So many
    bits, because the error of a sample that is told with confidence is small: with 15 of them it would often be 0.
    """
    largest = np.int64(z[0])
    for i in range(z.size):
        largest = max(largest, np.int64(z[i]))
    total, other = np.int64(0), np.int64(0)  # other: the largest but the label's
    for i in range(z.size):
        e = exponential(table, (largest - np.int64(z[i])) << np.int64(grown))
        total += e
        if i != label:
            other = max(other, e)
    right = probability(exponential(table, (largest - np.int64(z[label])) << np.int64(grown)), total)
    bits = bits_to_drop(max(probability(other, total), np.int64(ONE) - right))
    for i in range(z.size):
        p = probability(exponential(table, (largest - np.int64(z[i])) << np.int64(grown)), total)
        delta[i] = narrowed(p - np.int64(ONE) if i == label else p, bits)
    exponent[0] = np.int32(bits - FRACTION)
    return np.int32(right)


@kernel
def mean_squared_error_s8(delta: Int8s, exponent: Int32s, z: Int8s, target: Int32s) -> np.int32:
    """delta[n], exponent[1] = z[n] - target[n], narrowed; returns the sum of its squares, 2^31 - 1 if it is larger.

    Targets are in the scale of z, within +-2^20. delta may be z.
    """
    largest, total = np.int64(0), np.int64(0)
    for i in range(z.size):
        difference = np.int64(z[i]) - np.int64(target[i])
        largest = max(largest, abs(difference))
        total = min(total + difference * difference, np.int64(MOST))
    bits = bits_to_drop(largest)
    for i in range(z.size):
        delta[i] = narrowed(np.int64(z[i]) - np.int64(target[i]), bits)
    exponent[0] = np.int32(bits)
    return np.int32(total)


@kernel
def reconstruction_s8(
    delta: Int8s,
    exponent: Int32s,
    z: Int8s,
    target: Int8s,
    target_zero: np.int32,
    z_zero: np.int32,
    multiplier: np.int32,
    shift: np.int32,
) -> np.int32:
    """The same with a target[n] of int8 in a scale of its own: (target - target_zero), scaled with two roundings, + z_zero.

    It is not clamped. delta may be z. A difference is within +-2^32, so that a square and the sum before fit int64.
    """
    largest, total = np.int64(0), np.int64(0)
    for i in range(z.size):
        wanted = scaled_twice(np.int64(target[i]) - np.int64(target_zero), multiplier, shift) + np.int64(z_zero)
        difference = np.int64(z[i]) - wanted
        largest = max(largest, abs(difference))
        total = min(total + difference * difference, np.int64(MOST))
    bits = bits_to_drop(largest)
    for i in range(z.size):
        wanted = scaled_twice(np.int64(target[i]) - np.int64(target_zero), multiplier, shift) + np.int64(z_zero)
        delta[i] = narrowed(np.int64(z[i]) - wanted, bits)
    exponent[0] = np.int32(bits)
    return np.int32(total)
