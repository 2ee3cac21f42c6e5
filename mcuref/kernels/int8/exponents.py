"""Exponents of values whose scale follows what is seen, and shifts to the nearest."""

import numpy as np

from mcuref.kernels.arrays import Index, Int8s, Integer
from mcuref.kernels.jit import kernel

BIAS_LIMIT = 1 << 30


@kernel
def exponent(exponents: Int8s, slot: Index) -> np.int64:
    """exponents[slot], int64; 0 where there are no exponents."""
    return np.int64(exponents[slot]) if exponents.size > 0 else np.int64(0)


@kernel
def rsh(v: Integer, s: Integer) -> np.int64:
    """v / 2^s, int64, to the nearest, halves up; s above 62 counts as 62. With s <= 0 it is v 2^-s."""
    value, bits = np.int64(v), min(np.int64(s), np.int64(62))
    if bits <= 0:
        return value << -bits
    return (value + (np.int64(1) << (bits - np.int64(1)))) >> bits


@kernel
def shifted_bias(b: Integer, e: Integer) -> np.int64:
    """A bias where the input has an exponent e: b / 2^e, to the nearest, within +-2^30; b itself where e is 0."""
    if e == 0:
        return np.int64(b)
    return min(max(rsh(b, e), -np.int64(BIAS_LIMIT)), np.int64(BIAS_LIMIT))
