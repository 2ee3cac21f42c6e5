"""What training does to int8 weights, and to errors behind them: plain Python integers, from the definitions.

Letters, shapes and geometries are those of :mod:`mcuref.testing.oracles`, arguments those of
:mod:`mcuref.testing.oracles_int8`. A gradient is {output: (its sums, in the order of its weights, and that of its errors)}
of the outputs of which an error is not 0. Weights are numbered output by output; ``places`` says where they lie.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from mcuref.testing.oracles_int8 import Integers, _whole, _windows, nearest_up, rsh
from mcuref.testing.oracles_random import philox

Gradient = dict[int, tuple[list[int], int]]
Places = Callable[[int, int], int]  # (output, number of its weight): index into the weights


class Step(NamedTuple):
    """What an error is multiplied by.

    Attributes
    ----------
    rate : of each output or of all a factor, and a shift plus 128, one after the other.
    exponent, x_exponent : int, of the errors and of the layer's input.
    bias_multiplier, bias_shift : int.
    """

    rate: Integers
    exponent: int
    x_exponent: int
    bias_multiplier: int
    bias_shift: int

    def of(self, output: int, sample_rate: int) -> tuple[int, int]:
        """(factor, shift); sample_rate is s 512 + m and stands for m / 2^(8 + s)."""
        s, m = divmod(sample_rate, 512)
        factor, shift = _whole(self.rate)[2 * output :][:2] if len(self.rate) > 2 else _whole(self.rate)
        return nearest_up(factor * m, 256), max(shift - 128 + s - self.exponent - self.x_exponent, -7)


class Weights(NamedTuple):
    """w, with r and r2 or without, biases, and the counter of draws or None; as lists."""

    w: list[int]
    b: list[int]
    r: list[int]
    r2: list[int]
    draws: int | None


def scaled_errors(delta: Integers, share: Integers, halvings: int) -> list[int]:
    """v = delta share / 2^halvings of each entry, to the nearest, halves up; share is of each output or of all."""
    share = _whole(share)
    return [rsh(q * share[e % len(share)], halvings) for e, q in enumerate(_whole(delta))]


def dense_backward_input(delta: Integers, w: Integers, share: Integers, halvings: int) -> list[int]:
    """dx[i] = sum over j of w[j, i] v[j]."""
    v, w = scaled_errors(delta, share, halvings), _whole(w)
    inputs = len(w) // len(v)
    return [sum(w[j * inputs + i] * v[j] for j in range(len(v))) for i in range(inputs)]


def conv_backward_input(delta: Integers, w: Integers, share: Integers, halvings: int, geometry: Iterable[int]) -> list[int]:
    """dx[y, x, c] = sum over all outputs that see it, of w[o, ky, kx, c] v[position, o]."""
    g, w, v = [int(number) for number in geometry], _whole(w), scaled_errors(delta, share, halvings)
    (_, _, channels, _, _, outputs, kh, kw), dx = g[:8], [0] * (g[0] * g[1] * g[2])
    for position, under in enumerate(_windows(g)):
        for ky, kx, place in under:
            for o in range(outputs):
                for c in range(channels):
                    weight = w[((o * kh + ky) * kw + kx) * channels + c]
                    dx[place * channels + c] += weight * v[position * outputs + o]
    return dx


def depthwise_backward_input(
    delta: Integers, w: Integers, share: Integers, halvings: int, geometry: Iterable[int]
) -> list[int]:
    """dx[y, x, c] = sum over the outputs of c that see it, of w[ky, kx, o] v[position, o]."""
    g, w, v = [int(number) for number in geometry], _whole(w), scaled_errors(delta, share, halvings)
    channels, outputs, kw, dx = g[2], g[5], g[7], [0] * (g[0] * g[1] * g[2])
    for position, under in enumerate(_windows(g)):
        for ky, kx, place in under:
            for o in range(outputs):
                c = o // (outputs // channels)
                dx[place * channels + c] += w[(ky * kw + kx) * outputs + o] * v[position * outputs + o]
    return dx


def dense_gradient(delta: Integers, x: Integers, x_zero: int) -> Gradient:
    """delta[j] (x[i] - x_zero)."""
    return {j: ([q * (value - x_zero) for value in _whole(x)], q) for j, q in enumerate(_whole(delta)) if q}


def conv_gradient(delta: Integers, x: Integers, x_zero: int, geometry: Iterable[int]) -> Gradient:
    """Sums over positions of delta[position, o] (x under it - x_zero), by ky, kx, c."""
    g, delta, x = [int(number) for number in geometry], _whole(delta), _whole(x)
    channels, outputs, kh, kw = g[2], g[5], g[6], g[7]
    found: Gradient = {}
    for o in range(outputs):
        sums = [0] * (kh * kw * channels)
        for position, under in enumerate(_windows(g)):
            for ky, kx, place in under:
                for c in range(channels):
                    value = x[place * channels + c] - x_zero
                    sums[(ky * kw + kx) * channels + c] += delta[position * outputs + o] * value
        if any(delta[o::outputs]):
            found[o] = sums, sum(delta[o::outputs])
    return found


def depthwise_gradient(delta: Integers, x: Integers, x_zero: int, geometry: Iterable[int]) -> Gradient:
    """Sums over positions of delta[position, o] (x under it - x_zero), by ky, kx; o sees channel o // (O / C)."""
    g, delta, x = [int(number) for number in geometry], _whole(delta), _whole(x)
    channels, outputs, kh, kw = g[2], g[5], g[6], g[7]
    found: Gradient = {}
    for o in range(outputs):
        sums, c = [0] * (kh * kw), o // (outputs // channels)
        for position, under in enumerate(_windows(g)):
            for ky, kx, place in under:
                sums[ky * kw + kx] += delta[position * outputs + o] * (x[place * channels + c] - x_zero)
        if any(delta[o::outputs]):
            found[o] = sums, sum(delta[o::outputs])
    return found


def bias_gradient(delta: Integers, outputs: int) -> Gradient:
    """Sums over positions of delta[position, o], and no weights."""
    delta = _whole(delta)
    return {o: ([], sum(delta[o::outputs])) for o in range(outputs) if any(delta[o::outputs])}


def updated(weights: Weights, gradient: Gradient, places: Places, step: Step, sample_rate: int) -> Weights:
    """The weights after an update."""
    rows = {}
    for output, (sums, errors) in gradient.items():
        factor, shift = step.of(output, sample_rate)
        if shift <= 62:
            bias = errors * factor * step.bias_multiplier, shift + step.x_exponent + step.bias_shift
            rows[output] = ([value * factor for value in sums], shift, *bias)
    return _moved(weights, rows, places)


def summed(a: Integers, a_bias: Integers, gradient: Gradient, places: Places, step: Step) -> tuple[list[int], list[int]]:
    """Sums of gradients and of those of biases, with one more; without a learning rate, 8 bits finer; they saturate."""
    a, a_bias = _whole(a), _whole(a_bias)
    for output, (sums, errors) in gradient.items():
        factor, shift = step.of(output, 256)
        if shift > 62:
            continue
        for i, value in enumerate(sums):
            at = places(output, i)
            a[at] = _within(a[at] + rsh(value * factor, shift - 8), -(2**31), 2**31 - 1)
        bias = rsh(errors * factor * step.bias_multiplier, shift - 8 + step.x_exponent + step.bias_shift)
        a_bias[output] = _within(a_bias[output] + bias, -(2**31), 2**31 - 1)
    return a, a_bias


def begun(
    a: Integers, a_bias: Integers, touched: set[int], delta: Integers, places: Places, momentum: int
) -> tuple[list[int], list[int], set[int]]:
    """Sums where a sample begins, and the outputs that are touched: those touched first decay by momentum / 2^15."""
    a, rows, elements = _whole(a), len(a_bias), len(a) // len(a_bias)
    now = {e % rows for e, q in enumerate(_whole(delta)) if q}
    for row in now - touched:
        for i in range(elements):
            a[places(row, i)] = rsh(a[places(row, i)] * momentum, 15)
    bias = [rsh(value * momentum, 15) if row in now - touched else value for row, value in enumerate(_whole(a_bias))]
    return a, bias, touched | now


def applied(weights: Weights, a: Integers, a_bias: Integers, touched: set[int], places: Places, sample_rate: int) -> Weights:
    """The weights after the sums of touched outputs are applied: a m / 2^(16 + s)."""
    (s, m), a, a_bias, elements = divmod(sample_rate, 512), _whole(a), _whole(a_bias), len(a) // len(a_bias)
    rows = {
        row: ([a[places(row, i)] * m for i in range(elements)], 16 + s, a_bias[row] * m, 16 + s)
        for row in touched
        if 16 + s <= 62
    }
    return _moved(weights, rows, places)


def draw(counter: int, number: int, shift: int) -> int:
    """Random bits of a weight, as a whole number below 2^shift: 16 of those that the counter decides, or the upper ones."""
    low, high = philox(counter, number // 4)
    sixteen = (low + high * 2**32) // 2 ** (16 * (number % 4)) % 2**16
    return sixteen * 2**shift // 2**16


def _moved(weights, rows, places):
    """Weights from which rows {output: (numerators, shift, numerator of the bias, its shift)} are taken away."""
    w, b, r, r2, draws = Weights(*(list(part) if isinstance(part, list) else part for part in weights))
    stochastic = draws is not None and not r
    for output, (numerators, shift, bias, bias_shift) in rows.items():
        for i, v in enumerate(numerators):
            at = places(output, i)
            if r2:
                whole = w[at] * 2**16 + r[at] * 2**8 + r2[at] % 256 - rsh(v, shift)
                whole = _within(whole, -127 * 2**16, 127 * 2**16)
                w[at] = nearest_up(whole, 2**16)
                r[at], low = divmod(whole - w[at] * 2**16, 256)
                r2[at] = low if low < 128 else low - 256
            elif r:
                whole = _within(w[at] * 2**8 + r[at] - rsh(v, shift), -127 * 2**8, 127 * 2**8)
                w[at] = nearest_up(whole, 2**8)
                r[at] = whole - w[at] * 2**8
            else:
                noise = draw(draws, output * len(numerators) + i, shift) if stochastic and shift > 0 else 0
                w[at] = _within(_without_residual(w[at], v, shift, noise if stochastic else None), -127, 127)
        b[output] = _within(b[output] - rsh(bias, bias_shift), -(2**30), 2**30)
    if stochastic and rows:
        draws = (draws + 1 + 2**31) % 2**32 - 2**31
    return Weights(w, b, r, r2, draws)


def _without_residual(w: int, v: int, shift: int, noise: int | None) -> int:
    """w - v / 2^shift; noise decides whether the change is rounded up; without noise, it is rounded to 20 bits behind the
    point, and what comes of it is truncated toward 0.
    """
    if shift <= 0:
        return w - v * 2**-shift
    if noise is not None:
        return w - (v + noise) // 2**shift
    whole = w * 2**20 - rsh(v, shift - 20)
    return abs(whole) // 2**20 * (1 if whole >= 0 else -1)


def _within(value: int, low: int, high: int) -> int:
    return min(max(value, low), high)


def row_places(row_stride: int, stride: int) -> Places:
    """Where the weights of an output lie: output row_stride + i stride."""
    return lambda output, i: output * row_stride + i * stride


def as_weights(w: Integers, b: Integers, r: Integers = (), r2: Integers = (), draws: Sequence[int] = ()) -> Weights:
    """Weights of arrays; those that are not there are empty."""
    return Weights(_whole(w), _whole(b), _whole(r), _whole(r2), int(draws[0]) if len(draws) else None)
