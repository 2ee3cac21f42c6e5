"""Exponents of values, int8, that follow what is seen: a value q of exponent e stands for scale 2^e (q - zero).

Where there are no exponents, all are 0; what is in place 0 stays 0.
"""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Int32s, Integer
from mcuref.kernels.jit import kernel

WINDOW = 64  # samples of which one exponent is made
LARGEST = 15  # exponents are from -15 to 15
BIAS_LIMIT = 1 << 30  # how far from 0 a shifted bias may be
LONGEST = 62  # by which int64 is shifted to the right, at most


@kernel
def exponent(exponents: Int8s, slot: Index) -> np.int64:
    """The exponent in that place of exponents[E], int64; 0 where there are none."""
    if exponents.size == 0:
        return np.int64(0)
    return np.int64(exponents[slot])


@kernel
def rsh(x: Integer, bits: Integer) -> np.int64:
    """x / 2^bits, int64, to the nearest, halves up; |x| < 2^61. Where bits < 0, x 2^-bits, which has to fit."""
    if bits <= 0:
        return np.int64(x) << -np.int64(bits)
    shift = min(np.int64(bits), np.int64(LONGEST))
    return (np.int64(x) + (np.int64(1) << (shift - np.int64(1)))) >> shift


@kernel
def shifted_bias(b: Integer, e: Integer) -> np.int64:
    """A bias b, int32, for an input of exponent e: b / 2^e, int64, halves up, within +-2^30; with e = 0 it is b as it is."""
    if e == 0:
        return np.int64(b)
    return min(max(rsh(b, e), -np.int64(BIAS_LIMIT)), np.int64(BIAS_LIMIT))


@kernel
def moved_shift(shift: Integer, by: Integer) -> np.int64:
    """The shift of a multiplier whose product grows by 2^by, int64: within -31..30, which is all that scaling takes."""
    return min(max(np.int64(shift) + np.int64(by), np.int64(-31)), np.int64(30))


@kernel
def measure_s8(seen: Int32s, y: Int8s, zero: np.int32) -> np.int64:
    """seen[3] of y[n]: how many are at an end of int8 that is not zero, how far they reach below zero, and how far above.

    Returns the first of them.
    """
    start = np.int8(zero)
    least, most, ends = start, start, np.int32(0)
    for i in range(y.size):
        least, most = min(least, y[i]), max(most, y[i])
        ends = np.int32(ends + np.int32((y[i] != start) & ((y[i] == 127) | (y[i] == -128))))
    seen[0], seen[1], seen[2] = ends, np.int32(zero - np.int32(least)), np.int32(np.int32(most) - zero)
    return np.int64(ends)


@kernel
def adapt_s8(
    exponents: Int8s, state: Int32s, seen: Int32s, slot: Index, most: Integer, below: Integer, above: Integer
) -> None:
    """state[4] = samples so far, and what was seen[3] of them: the sum of the first, the largest of the others.

    With the 64th the state begins anew, and the exponent in that place grows by 1 if more than ``most`` values were at an
    end, else falls by 1 if they reached no farther than ``below`` and ``above``; not if all of them stood for 0. It stays
    within -15..15.
    """
    state[0] = np.int32(state[0] + np.int32(1))
    state[1] = np.int32(state[1] + seen[0])
    state[2], state[3] = max(state[2], seen[1]), max(state[3], seen[2])
    if state[0] < WINDOW:
        return
    e = np.int64(exponents[slot])
    if state[1] > most:
        e = min(e + 1, np.int64(LARGEST))
    elif state[2] <= below and state[3] <= above and max(state[2], state[3]) > 0:
        e = max(e - 1, np.int64(-LARGEST))
    exponents[slot] = np.int8(e)
    for i in range(state.size):
        state[i] = np.int32(0)
