"""Real factors as integers: a multiplier m below 2^31 and a shift s stand for m 2^(s - 31).

What a factor is of which scales, and in which precision it is found, is as in TensorFlow Lite's reference kernels: these are
what outputs have to equal, to the last bit.
"""

from math import frexp, inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import InputError
from mcuref.quantization.scales import Scale


def quantised(real: float) -> tuple[int, int]:
    """(multiplier, shift) of a factor from 0 to below 2^30: the nearest there is, 0 for one below about 2^-32."""
    if not 0 <= real < 2.0**30:
        raise InputError(f"factor {real!r} of quantised values is not from 0 to below 2^30")
    fraction, shift = frexp(real)
    # a fraction has 53 bits: this is its first 31, rounded to the nearest, halves up, without a rounding in between
    multiplier = (int(fraction * 2.0**53) + (1 << 21)) >> 22
    if multiplier == 1 << 31:
        multiplier, shift = 1 << 30, shift + 1
    return (multiplier, shift) if multiplier and shift >= -31 else (0, 0)


def of_sums(x: float, weights: NDArray[np.float32], z: float) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """(multipliers, shifts) by which sums of x's values times weights become z's, by their scales: one a weight's scale."""
    factors = [quantised(float(x) * float(w) / float(z)) for w in np.ravel(weights)]
    return np.array([m for m, _ in factors], np.int32), np.array([s for _, s in factors], np.int8)


def of_rescaling(x: float, y: float) -> tuple[int, int]:
    """(multiplier, shift) by which a rectified linear unit makes x's values y's, from their scales; a float32 quotient."""
    return quantised(float(np.float32(x) / np.float32(y)))


def divided(multiplier: int, shift: int, count: int) -> tuple[int, int]:
    """(multiplier, shift) of that factor divided by ``count``, rounded down: of sums of so many values, for their mean."""
    bits = min(count.bit_length() - 1, 32, 31 + shift)  # what a division by the count would lose of the multiplier
    return (multiplier << bits) // count, shift - bits


def of_addition(a: float, b: float, y: float) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """(multiplier, shift) of each term, and of their sum, from the scales: a, b and y."""
    twice, place = 2 * max(float(a), float(b)), 2.0**20  # terms are shifted 20 bits to the left
    sums = twice / (place * float(y))
    if sums >= 1:
        raise InputError(f"scale {y!r} of a sum is not above {twice / place!r}, as terms of scales {a!r} and {b!r} need it")
    return quantised(float(a) / twice), quantised(float(b) / twice), quantised(sums)


def ends(scale: Scale, limit: float | None = None) -> tuple[int, int]:
    """(low, high): what int8 values are clamped to, all of int8, or from 0 to the real limit of a rectified linear unit."""
    low, high = -128, 127
    if limit is not None:
        low = max(low, scale.zero)
        if limit < inf:
            high = min(high, scale.zero + int(nearest(np.float32(limit) / np.float32(scale.scale))))
    return low, high


def nearest(x: Any) -> NDArray[Any]:
    """x rounded to a whole number, in its type, halves away from 0; exact where x + 1/2 would be rounded."""
    whole = np.trunc(x)
    return whole + np.where(np.abs(x - whole) >= np.float32(0.5), np.copysign(np.float32(1), x), np.float32(0))
