"""Constants of int8 programs, from the definitions: real factors, which scales decide, as integers to compute with.

Those of the forward pass are found in the precision in which TensorFlow Lite's reference kernels find them.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import floor, frexp, inf
from typing import Any

import numpy as np

from mcuref.quantization.scales import Scale


def thirty_one_bits(real: float) -> tuple[int, int]:
    """(m, s) with m 2^(s - 31) next to a factor, m below 2^31; 0 for what is below 2^-32."""
    fraction, shift = frexp(real)
    multiplier = floor(Fraction(fraction) * 2**31 + Fraction(1, 2))
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (multiplier, shift) if multiplier and shift >= -31 else (0, 0)


def sums_factors(x: float, weights: Iterable[float], z: float) -> tuple[list[int], list[int]]:
    """(multipliers, shifts) from sums of products to values."""
    found = [thirty_one_bits(float(x) * float(w) / float(z)) for w in weights]
    return [m for m, _ in found], [s for _, s in found]


def rescaling_factor(x: float, y: float) -> tuple[int, int]:
    """From values to values: a quotient of float32."""
    return thirty_one_bits(float(np.float32(x) / np.float32(y)))


def mean_factor(x: float, y: float, count: int) -> tuple[int, int]:
    """From a sum of so many values to their mean, the multiplier rounded down with as many bits as it can have."""
    multiplier, shift = thirty_one_bits(float(x) / float(y))
    bits = min(count.bit_length() - 1, 32, 31 + shift)
    return multiplier * 2**bits // count, shift - bits


def addition_factors(a: float, b: float, y: float) -> list[tuple[int, int]]:
    """Of both terms to twice the larger of their scales, then of the sum, which has 20 bits behind the point."""
    twice = 2 * max(float(a), float(b))
    return [thirty_one_bits(float(real)) for real in (a / twice, b / twice, twice / (2.0**20 * float(y)))]


def limits(scale: Scale, limit: float | None) -> tuple[int, int]:
    """What values are clamped to: int8, or what stands for 0 and for the limit of a rectified linear unit."""
    if limit is None:
        return -128, 127
    if limit == inf:
        return scale.zero, 127
    steps = floor(Fraction(float(np.float32(limit) / np.float32(scale.scale))) + Fraction(1, 2))
    return scale.zero, min(127, scale.zero + steps)


def eight_bits(real: Fraction) -> tuple[int, int]:
    """(f, s) with f 2^-s next to a factor, f from 128 to 255."""
    shift = 0
    while real * 2**shift < 128:
        shift += 1
    while real * Fraction(2) ** shift >= 256:
        shift -= 1
    f = round(real * Fraction(2) ** shift)
    return (128, shift - 1) if f == 256 else (f, shift)


def encoded_rate(rate: float, first: float) -> int:
    """m + 512 s: m 2^(-8 - s), m from 129 to 256, next to a share of the first rate; at most 1, and 0 below 2^-31."""
    share, s = Fraction(float(rate)) / Fraction(float(first)), 0
    if share >= 1:
        return 256
    while s < 32 and round(share * 2 ** (8 + s)) < 129:
        s += 1
    return round(share * 2 ** (8 + s)) + 512 * s if s < 32 else 0


def fifteen_bits(value: float | np.floating[Any]) -> int:
    """A constant of a rule with 15 bits behind the point, at most 2^15."""
    return min(round(Fraction(float(value)) * 2**15), 2**30)
