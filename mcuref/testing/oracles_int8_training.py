"""What int8 operations of training without weights mean: plain Python integers and fractions, from the definitions.

Conventions are those of :mod:`mcuref.testing.oracles_int8`. An error q of exponent E stands for q 2^E; a value of exponent e
for scale 2^e (q - zero). What a rule computes is given as the exact rational number; kernels say how near they come.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from mcuref.testing.oracles_int8 import Int8s, Integers, _whole, _windows, nearest_up, scaled_twice

Int32s = np.ndarray[Any, np.dtype[np.int32]]
PROBABILITY = 30  # bits behind the point
ONE = 2**15  # of the constants of rules


class Error(NamedTuple):
    """An error: int8 values and their exponent."""

    values: Int8s
    exponent: int


def rounded(x: int, bits: int) -> int:
    """x / 2^bits, to the nearest, halves up; x 2^-bits where bits < 0."""
    return nearest_up(x, 2**bits) if bits >= 0 else x * 2**-bits


def shifted_bias(b: int, e: int) -> int:
    """b / 2^e, to the nearest, halves up, within +-2^30; b as it is with e = 0."""
    return min(max(rounded(b, e), -(2**30)), 2**30) if e else b


def measure(y: Integers, zero: int) -> tuple[int, int, int]:
    """How many values are at an end of int8 that is not zero, how far they reach below zero, how far above."""
    y = _whole(y)
    ends = sum(q in (-128, 127) and q != zero for q in y)
    return ends, max([0, *(zero - q for q in y)]), max([0, *(q - zero for q in y)])


def adapted(seen: Iterable[Sequence[int]], e: int, most: int, below: int, above: int) -> int:
    """The exponent after 64 samples of which that was seen, each as :func:`measure` has it."""
    ends, lows, highs = zip(*seen)
    if sum(ends) > most:
        return min(e + 1, 15)
    reached = max(lows) <= below and max(highs) <= above and max(*lows, *highs) > 0
    return max(e - 1, -15) if reached else e


def narrow(x: Integers, exponent: int, fraction: int = 14) -> tuple[Error, int]:
    """(x 2^exponent as an error of ``fraction`` bits behind the point, how many values were clamped).

    Values are divided by 2^s, the least with which every magnitude is below 2^7 before it is rounded.
    """
    x, bits = _whole(x), 0
    while any(abs(value) >= 2 ** (7 + bits) for value in x):
        bits += 1
    values = [rounded(value, bits) for value in x]
    clamped = [min(max(value, -127), 127) for value in values]
    clamps = sum(a != b for a, b in zip(values, clamped))
    return Error(np.array(clamped, np.int8), exponent + bits - fraction), clamps


def relu_masked(dy: Integers, y: Integers, low: int, high: int) -> list[int]:
    """dy where low < y < high, else 0."""
    return [d if low < q < high else 0 for d, q in zip(_whole(dy), _whole(y))]


def softmax_cross_entropy(z: Integers, table: Integers, label: int, grown: int = 0) -> tuple[Error, int]:
    """(softmax - onehot as an error, the probability of the label with 30 bits behind the point).

    Probabilities are e_i / sum e to the nearest 2^-30, where half of the sum is rounded down before it is added; e_i is the
    entry of the table for 2^grown times the difference to the largest.
    """
    z, table = _whole(z), _whole(table)
    largest = max(z)
    differences = [(largest - q) * 2**grown for q in z]
    e = [table[d] if d < len(table) else 0 for d in differences]
    total = sum(e)
    p = [(2**PROBABILITY * value + total // 2) // total for value in e]
    d = [value - 2**PROBABILITY * (i == label) for i, value in enumerate(p)]
    return narrow(d, -PROBABILITY, 0)[0], p[label]


def mean_squared_error(z: Integers, target: Integers) -> tuple[Error, int]:
    """(z - target as an error, the sum of squares, at most 2^31 - 1)."""
    differences = [a - b for a, b in zip(_whole(z), _whole(target))]
    return narrow(differences, 0, 0)[0], min(sum(d * d for d in differences), 2**31 - 1)


def rescaled_target(target: Integers, target_zero: int, z_zero: int, multiplier: int, shift: int) -> list[int]:
    """Targets in the scale of z: scaled with two roundings, not clamped."""
    return [scaled_twice(q - target_zero, multiplier, shift) + z_zero for q in _whole(target)]


def error_sum(delta: Integers, exponent: int) -> Fraction:
    """Y = sum |delta| 2^E."""
    return sum(map(abs, _whole(delta))) * Fraction(2) ** exponent


def back_propagation_ratio(y: Fraction, y_max: Fraction, s_min: int, s_range: int, damping: int) -> Fraction:
    """S = (S_min + (S_max - S_min) Y / Y_max) zeta^l; constants of 15 bits."""
    return (Fraction(s_min, ONE) + Fraction(s_range, ONE) * y / y_max) * Fraction(damping, ONE)


def decision(y: Fraction, y_max: Fraction, d_min: int, d_range: int, beta: int, beta_range: int) -> Fraction:
    """D = (D_min + (D_max - D_min) Y / Y_max) (beta + beta_range Y / Y_max); constants of 15 bits."""
    alpha = y / y_max
    return (Fraction(d_min, ONE) + Fraction(d_range, ONE) * alpha) * (
        Fraction(beta, ONE) + Fraction(beta_range, ONE) * alpha
    )


def top_k(delta: Integers, k: int) -> Int8s:
    """The k largest magnitudes, of equal ones those of the lowest index; 0 for the others."""
    delta = _whole(delta)
    kept = set(sorted(range(len(delta)), key=lambda i: (-abs(delta[i]), i))[:k])
    return np.array([value if i in kept else 0 for i, value in enumerate(delta)], np.int8)


def first_largest(x: Integers, geometry: Iterable[int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """taps[Ho, Wo, C]: ky kw + kx of the largest value of each window, of equal ones the first."""
    g, x, taps = [int(number) for number in geometry], _whole(x), []
    for under in _windows(g):
        for c in range(g[2]):
            ky, kx, _ = max(under, key=lambda tap: x[tap[2] * g[2] + c])
            taps.append(ky * g[7] + kx)
    return np.array(taps, np.uint8)


def max_pool_backward(dy: Integers, taps: Integers, geometry: Iterable[int]) -> Int32s:
    """dx[H, W, C] = sum of the dy whose largest value was there."""
    g, dy, taps = [int(number) for number in geometry], _whole(dy), _whole(taps)
    dx = [0] * (g[0] * g[1] * g[2])
    for position, under in enumerate(_windows(g)):
        for c in range(g[2]):
            output = position * g[2] + c
            (place,) = [p for ky, kx, p in under if ky * g[7] + kx == taps[output]]
            dx[place * g[2] + c] += dy[output]
    return np.array(dx, np.int32)


def average_pool_apart_backward(dy: Integers, geometry: Iterable[int]) -> Int8s:
    """dx[H, W, C] = dy of the window that holds the place, of which there is one, or 0 where none does."""
    g, dy = [int(number) for number in geometry], _whole(dy)
    dx = [0] * (g[0] * g[1] * g[2])
    for position, under in enumerate(_windows(g)):
        for _, _, place in under:
            dx[place * g[2] : (place + 1) * g[2]] = dy[position * g[2] : (position + 1) * g[2]]
    return np.array(dx, np.int8)


def average_pool_backward(dy: Integers, geometry: Iterable[int]) -> Int32s:
    """dx[H, W, C] = sum of dy m over the windows that hold the place; m = 2^14 / values inside, to the nearest."""
    g, dy = [int(number) for number in geometry], _whole(dy)
    dx = [0] * (g[0] * g[1] * g[2])
    for position, under in enumerate(_windows(g)):
        for _, _, place in under:
            for c in range(g[2]):
                dx[place * g[2] + c] += dy[position * g[2] + c] * nearest_up(2**14, len(under))
    return np.array(dx, np.int32)


def add_backward(
    a: Integers, b: Integers, exponents: Sequence[int], multipliers: Sequence[int], shifts: Sequence[int]
) -> tuple[Int32s, int]:
    """(dx, its exponent): a and b times their multipliers, each to the nearest of the larger exponent, halves up.

    An exponent is E + shift; one of a side that is 0 throughout does not count unless both are.
    """
    sides, of = [_whole(a), _whole(b)], [e + shift for e, shift in zip(exponents, shifts)]
    common = max([e for e, values in zip(of, sides) if any(values)] or of)
    terms = [
        [rounded(q * multiplier, common - e) if q else 0 for q in values]
        for values, multiplier, e in zip(sides, multipliers, of)
    ]
    return np.array([left + right for left, right in zip(*terms)], np.int32), common


def tanh_backward(dy: Integers, y: Integers) -> Int32s:
    """dx = dy (1 - (y / 128)^2) 2^14."""
    return np.array([d * (2**14 - q * q) for d, q in zip(_whole(dy), _whole(y))], np.int32)


def sigmoid_backward(dy: Integers, y: Integers) -> Int32s:
    """dx = dy p (1 - p) 2^16 with p = (y + 128) / 256."""
    return np.array([d * (q + 128) * (128 - q) for d, q in zip(_whole(dy), _whole(y))], np.int32)
