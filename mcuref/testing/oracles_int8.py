"""What each int8 operation means: plain Python integers, from the definitions, one loop after the other.

Letters, shapes and geometries are those of :mod:`mcuref.testing.oracles`. An int8 value q stands for scale (q - zero). A
multiplier m, a whole number below 2^31, with its shift s stands for m 2^(s - 31). Arguments may be arrays or sequences of
any integer type; nothing is changed in place. Sums and what is shifted are taken modulo 2^32, as registers of 32 bits do.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

Integers = np.ndarray[Any, np.dtype[Any]] | Sequence[int]
Int8s = np.ndarray[Any, np.dtype[np.int8]]
ONE = 2**31 - 1  # the largest fraction with 31 bits behind the point


def int32(value: int) -> int:
    """What a register of 32 bits holds of it."""
    return (value + 2**31) % 2**32 - 2**31


def nearest(numerator: int, denominator: int) -> int:
    """The nearest whole number to a fraction; of two the one away from 0."""
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def nearest_up(numerator: int, denominator: int) -> int:
    """The nearest whole number to a fraction; of two the larger one."""
    return (2 * numerator + denominator) // (2 * denominator)


def scaled_once(x: int, multiplier: int, shift: int) -> int:
    """x m 2^(s - 31), to the nearest, halves away from 0."""
    return nearest(x * multiplier, 2 ** (31 - shift))


def scaled_twice(x: int, multiplier: int, shift: int) -> int:
    """x 2^s m 2^-31 to the nearest, halves up; or, where s < 0, x m 2^-31 likewise and that / 2^-s, halves away from 0."""
    product = nearest_up(int32(x * 2 ** max(shift, 0)) * multiplier, 2**31)
    return nearest(product, 2 ** max(-shift, 0))


def rsh(v: int, s: int) -> int:
    """v / 2^s to the nearest, halves up; v 2^-s where s <= 0. Beyond 62 s counts as 62."""
    return nearest_up(v, 2 ** min(s, 62)) if s > 0 else v * 2**-s


def biased(b: int, e: int) -> int:
    """A bias where the input's exponent is e: b / 2^e to the nearest, halves up, within +-2^30; b itself where e is 0."""
    return min(max(rsh(b, e), -(2**30)), 2**30) if e else b


def grown(shift: int, more: int) -> int:
    """The sum, or the end of -31..30 that it is beyond."""
    return min(max(shift + more, -31), 30)


def load(samples: Integers, multiplier: Integers, offset: Integers, shift: Integers) -> Int8s:
    """x[n] = floor((sample multiplier + offset) / 2^shift), clamped; multiplier[c], offset[c], shift[c] in turn."""
    c = len(multiplier)
    sums = [int32(value * int(multiplier[i % c]) + int(offset[i % c])) for i, value in enumerate(_whole(samples))]
    return _clamped((value // 2 ** int(shift[i % c]) for i, value in enumerate(sums)), -128, 127)


def dense_forward(
    x: Integers,
    w: Integers,
    b: Integers,
    multiplier: Integers,
    shift: Integers,
    x_zero: int,
    z_zero: int,
    low: int = -128,
    high: int = 127,
    x_exponent: int = 0,
    z_exponent: int = 0,
) -> Int8s:
    """z[O] = (sum over i of w[o, i] (x[i] - x_zero) + b[o]), scaled once, + z_zero, clamped; 1 or O multipliers."""
    x, w = _whole(x), _whole(w)
    b = [biased(int(bias), x_exponent) for bias in b]
    sums = [b[o] + sum(w[o * len(x) + i] * (x[i] - x_zero) for i in range(len(x))) for o in range(len(b))]
    shift = [grown(int(s), x_exponent - z_exponent) for s in shift]
    factors = [(int(multiplier[o % len(multiplier)]), shift[o % len(multiplier)]) for o in range(len(b))]
    return _clamped((scaled_once(int32(total), *factor) + z_zero for total, factor in zip(sums, factors)), low, high)


def conv_forward(
    x: Integers,
    w: Integers,
    b: Integers,
    multiplier: Integers,
    shift: Integers,
    x_zero: int,
    z_zero: int,
    geometry: Iterable[int],
    low: int = -128,
    high: int = 127,
    x_exponent: int = 0,
    z_exponent: int = 0,
) -> Int8s:
    """z[Ho, Wo, O] = (sum over ky, kx, c of w[o, ky, kx, c] (x under it - x_zero) + b[o]), scaled twice, + z_zero, clamped.

    Outside the input there is x_zero. Weights are [O, kh, kw, C].
    """
    g = [int(number) for number in geometry]
    (_, _, channels, _, _, outputs, kh, kw), x, w, z = g[:8], _whole(x), _whole(w), []
    for under in _windows(g):
        for o in range(outputs):
            total = biased(int(b[o]), x_exponent)
            for ky, kx, place in under:
                for c in range(channels):
                    weight = w[((o * kh + ky) * kw + kx) * channels + c]
                    total += weight * (x[place * channels + c] - x_zero)
            factor = int(multiplier[o]), grown(int(shift[o]), x_exponent - z_exponent)
            z.append(scaled_twice(int32(total), *factor) + z_zero)
    return _clamped(z, low, high)


def depthwise_forward(
    x: Integers,
    w: Integers,
    b: Integers,
    multiplier: Integers,
    shift: Integers,
    x_zero: int,
    z_zero: int,
    geometry: Iterable[int],
    low: int = -128,
    high: int = 127,
    x_exponent: int = 0,
    z_exponent: int = 0,
) -> Int8s:
    """z[Ho, Wo, O] = (sum over ky, kx of w[ky, kx, o] (x under it - x_zero) + b[o]), scaled twice, + z_zero, clamped.

    Outputs come in as many groups as there are channels, one after the other; each sees its own. Weights are [kh, kw, O].
    """
    g = [int(number) for number in geometry]
    (_, _, channels, _, _, outputs, _, kw), x, w, z = g[:8], _whole(x), _whole(w), []
    for under in _windows(g):
        for c in range(channels):
            for o in range(c * outputs // channels, (c + 1) * outputs // channels):
                terms = [w[(ky * kw + kx) * outputs + o] * (x[p * channels + c] - x_zero) for ky, kx, p in under]
                total = int32(sum(terms) + biased(int(b[o]), x_exponent))
                factor = int(multiplier[o]), grown(int(shift[o]), x_exponent - z_exponent)
                z.append(scaled_twice(total, *factor) + z_zero)
    return _clamped(z, low, high)


def rescale(x: Integers, x_zero: int, y_zero: int, multiplier: int, shift: int, low: int = -128, high: int = 127) -> Int8s:
    """y = (x - x_zero), scaled twice, + y_zero, clamped, flat."""
    return _clamped((scaled_twice(q - x_zero, multiplier, shift) + y_zero for q in _whole(x)), low, high)


def max_pool_forward(x: Integers, geometry: Iterable[int], low: int = -128, high: int = 127) -> Int8s:
    """y[Ho, Wo, C] = largest x of each window, clamped."""
    return _clamped(map(max, _pools(x, geometry)), low, high)


def average_pool_forward(x: Integers, geometry: Iterable[int], low: int = -128, high: int = 127) -> Int8s:
    """y[Ho, Wo, C] = mean of the values of each window that lie inside the input, halves away from 0, clamped."""
    return _clamped((nearest(sum(values), len(values)) for values in _pools(x, geometry)), low, high)


def mean_forward(
    x: Integers, channels: int, x_zero: int, y_zero: int, multiplier: int, shift: int, low: int = -128, high: int = 127
) -> Int8s:
    """y[C] = sum over all positions of (x - x_zero), scaled twice, + y_zero, clamped."""
    x = _whole(x)
    sums = [sum(q - x_zero for q in x[c::channels]) for c in range(channels)]
    return _clamped((scaled_twice(int32(total), multiplier, shift) + y_zero for total in sums), low, high)


def add_forward(
    a: Integers,
    b: Integers,
    zeros: tuple[int, int, int],
    multipliers: tuple[int, int, int],
    shifts: tuple[int, int, int],
    low: int = -128,
    high: int = 127,
) -> Int8s:
    """y = (2^20 (a - its zero), scaled twice, + 2^20 (b - its zero), scaled twice), scaled twice, + y's zero, clamped.

    Zeros, multipliers and shifts are a's, b's and y's.
    """
    y = []
    for values in zip(_whole(a), _whole(b)):
        terms = [scaled_twice((q - zeros[i]) * 2**20, multipliers[i], shifts[i]) for i, q in enumerate(values)]
        y.append(scaled_twice(sum(terms), multipliers[2], shifts[2]) + zeros[2])
    return _clamped(y, low, high)


def lookup(x: Integers, table: Integers) -> Int8s:
    """y = table[x + 128], flat."""
    return np.array([int(table[q + 128]) for q in _whole(x)], np.int8)


def softmax_forward(x: Integers, table: Integers) -> Int8s:
    """y[n] = 256 softmax(x) - 128 in fixed point; table[d] is the exponential of a difference d, of 31 bits.

    The sum has 19 bits behind the point. It is 2^k (1 + f) with a fraction f; a line through (1 + f) / 2 and three steps of
    Newton's give 1 / (1 + f), with 29 bits behind the point on the way. Products are to the nearest, halves up, what is
    divided by a power of two has its halves away from 0.
    """
    x = _whole(x)
    exponentials = [int(table[max(x) - q]) for q in x]
    total = int32(sum(nearest(e, 2**12) for e in exponentials))
    k = total.bit_length() - 1
    half = nearest_up((total * 2 ** (31 - k) - 2**31) + ONE, 2)

    def product(a, b):
        return nearest_up(a * b, 2**31)

    inverse = nearest(48 * 2**29, 17) + product(half, nearest(-32 * 2**29, 17))
    for _ in range(3):
        inverse += 4 * product(inverse, 2**29 - product(half, inverse))
    inverse = min(2 * inverse, ONE)
    return _clamped((nearest(product(inverse, e), 2 ** (k - 19 + 23)) - 128 for e in exponentials), -128, 127)


def _whole(values: Integers) -> list[int]:
    return [int(value) for value in np.ravel(values)]


def _clamped(values: Iterable[int], low: int, high: int) -> Int8s:
    return np.array([min(max(value, low), high) for value in values], np.int8)


def _windows(g: Sequence[int]) -> Iterator[list[tuple[int, int, int]]]:
    """For each output position the (ky, kx, position of the input) of its window that lie inside the input."""
    h, w, _, ho, wo, _, kh, kw, sh, sw, top, left = g
    for oy, ox in np.ndindex(ho, wo):
        places = [(ky, kx, oy * sh - top + ky, ox * sw - left + kx) for ky in range(kh) for kx in range(kw)]
        yield [(ky, kx, y * w + x) for ky, kx, y, x in places if 0 <= y < h and 0 <= x < w]


def _pools(x: Integers, geometry: Iterable[int]) -> Iterator[list[int]]:
    """The values that each output of a pooling is made of."""
    g, x = [int(number) for number in geometry], _whole(x)
    for under in _windows(g):
        for c in range(g[2]):
            yield [x[place * g[2] + c] for _, _, place in under]
