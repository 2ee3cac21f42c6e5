"""Cases of what trains int8 programs without weights: what ours and the oracles come to; made from a number alone.

Draws are of the NumPy generator that all its versions have the same. Everything is integers.
"""

from collections.abc import Callable
from typing import NamedTuple
from zlib import crc32

import numpy as np

from mcuref.kernels.int8 import add, exponents, lookup, loss, narrow, pooling, relu, selection
from mcuref.layers.window import Window
from mcuref.quantization.tables import probabilities
from mcuref.testing import oracles_int8 as forward
from mcuref.testing import oracles_int8_training as oracles

from .cases import any_int8, numbers, window
from .problems import run_all

SIZES = (1, 2, 3, 7, 15, 17, 33, 255, 256, 1000)


class TrainingCase(NamedTuple):
    """A call.

    Attributes
    ----------
    problem : list of arrays, all that it is of.
    ours : int64 array: what the kernel returns, if that is a number, then all that it writes.
    reference : function of nothing: the same, from the oracle.
    """

    problem: list[np.ndarray]
    ours: np.ndarray
    reference: Callable[[], np.ndarray]


def joined(*parts):
    return np.concatenate([np.ravel(part) for part in parts]).astype(np.int64)


def called(kernel, outputs, inputs, arguments, reference):
    """The case of a kernel that writes into copies of ``outputs``."""
    returned, written = run_all(kernel, outputs, inputs, arguments)
    ours = joined(*([] if returned is None else [returned]), *written)
    return TrainingCase([*outputs, *inputs, *map(np.int64, arguments)], ours, lambda: joined(*reference()))


def with_exponent(expected, *first):
    error, count = expected
    return *first, count, error.values, error.exponent


def size(random):
    return int(random.choice(SIZES))


def error(random, *shape):
    """int8, -127 to 127, of any reach."""
    return (random.randint(-127, 128, shape) // random.randint(1, 128)).astype(np.int8)


def wide_error(random, n):
    """int32 of any reach."""
    return (random.randint(-(2**31), 2**31, n, dtype=np.int64) >> random.randint(0, 32)).astype(np.int32)


def blank(n=1, dtype=np.int32):
    return np.full(n, 77, dtype)


def measure(random):
    y, zero = any_int8(random, size(random)), int(random.choice([-128, 0, 5, 127]))
    seen = oracles.measure(y, zero)
    return called(exponents.measure_s8, [blank(3)], [y], (zero,), lambda: (seen[0], seen))


def adapt(random):
    seen = random.randint(0, [3, 128, 256], (64, 3)) // random.randint(1, 40)
    before = np.array([0, *random.randint(-15, 16, 3)], np.int8)
    arguments = (2, *map(int, random.randint(0, [60, 140, 256])))
    state = np.array([63, *seen[:63, 0].sum(keepdims=True), *seen[:63, 1:].max(0)], np.int32)
    after = before.copy()
    after[2] = oracles.adapted(seen.tolist(), int(before[2]), *arguments[1:])
    return called(exponents.adapt_s8, [before, state], [seen[63].astype(np.int32)], arguments, lambda: (after, [0] * 4))


def softmax_cross_entropy(random):
    z = any_int8(random, size(random)) // random.choice([1, 16])
    table = probabilities(float(random.choice([2.0**-9, 0.0625, 0.125, 0.3, 1.7])), z.size)
    arguments = int(random.randint(z.size)), int(random.choice([0, 0, 1, 3, 15]))
    expected = oracles.softmax_cross_entropy(z, table, *arguments)
    outputs = [blank(z.size, np.int8), blank()]
    return called(
        loss.softmax_cross_entropy_s8, outputs, [z.astype(np.int8), table], arguments, lambda: with_exponent(expected)
    )


def mean_squared_error(random):
    z = any_int8(random, size(random))
    reach = 2 ** int(random.randint(0, 21))
    target = random.randint(-reach, reach + 1, z.size).astype(np.int32)
    outputs = [blank(z.size, np.int8), blank()]
    return called(
        loss.mean_squared_error_s8, outputs, [z, target], (), lambda: with_exponent(oracles.mean_squared_error(z, target))
    )


def reconstruction(random):
    z = any_int8(random, size(random))
    target = any_int8(random, z.size)
    arguments = tuple(map(int, random.randint([-128, -128, 1 << 30, -8], [128, 128, (1 << 31) - 1, 3], dtype=np.int64)))
    wanted = oracles.rescaled_target(target, *arguments)
    outputs = [blank(z.size, np.int8), blank()]
    return called(
        loss.reconstruction_s8, outputs, [z, target], arguments, lambda: with_exponent(oracles.mean_squared_error(z, wanted))
    )


def top_k(random):
    delta = error(random, size(random))
    k = int(random.randint(1, delta.size + 2))
    left, tally = delta.copy(), np.zeros(128, np.uint16)
    count, _ = selection.top_k(left, tally, np.int64(k))
    expected = oracles.top_k(delta, k)
    return TrainingCase([delta, np.int64(k)], joined(count, left), lambda: joined(np.count_nonzero(expected), expected))


def rule(random):
    """Y, Y_max, then alpha, S, k to the nearest and truncated, and D."""
    delta, e, e_max = error(random, size(random)), int(random.randint(-20, 10)), int(random.randint(-8, 8))
    delta[0] = 1
    mantissa, decay, n = int(random.randint(2**23, 2**24)), int(random.choice([32768, 32000, 5])), size(random)
    s, d, beta = (sorted(map(int, random.randint(0, 2**15 + 1, 2))) for _ in range(3))
    damping = int(random.randint(0, 2**15 + 1))
    y, state = selection.sum_of_magnitudes(delta, np.int32([e])), np.int32([selection.packed(np.int64(mantissa), e_max)])
    y_max = selection.raise_maximum(state, y, np.int32(decay))
    alpha = selection.ratio_q15(y, y_max)
    ratio = selection.back_propagation_ratio(alpha, *numbers(s[0], s[1] - s[0], damping))
    entries = [selection.kept_entries(ratio, n, floor) for floor in (False, True)]
    decision = selection.decision(alpha, *numbers(d[0], d[1] - d[0], beta[0], beta[1] - beta[0]))

    def packed(value, e):
        more = value.bit_length() - 24
        return (e + more + 64) * 2**24 + (value >> more if more > 0 else value << -more)

    def expected():
        total = packed(sum(map(abs, delta.tolist())), e)
        largest = max(total, packed(mantissa * decay, e_max - 15))
        real = [value % 2**24 * 2 ** (value >> 24) for value in (total, largest)]
        a = forward.nearest_up(real[0] * 2**15, real[1])
        of_15 = [forward.nearest_up(a * (high - low), 2**15) + low for low, high in (s, d, beta)]
        share = forward.nearest_up(of_15[0] * damping, 2**15)
        kept = [min(max(k, 1), n) for k in (forward.nearest_up(share * n, 2**15), share * n >> 15)]
        return joined(total, largest, a, share, kept, forward.nearest_up(of_15[1] * of_15[2], 2**15))

    problem = [delta, *map(np.int64, (e, e_max, mantissa, decay, n, s, d, beta, damping))]
    return TrainingCase(problem, joined(y, y_max, alpha, ratio, entries, decision), expected)


def narrowing(random):
    x, e = wide_error(random, size(random)), int(random.randint(-50, 50))
    outputs = [blank(x.size, np.int8), blank()]
    return called(narrow.narrow_s8, outputs, [x, np.int32([e])], (), lambda: with_exponent(oracles.narrow(x, e)))


def rectified_error(random):
    dy, e = wide_error(random, size(random)), int(random.randint(-50, 50))
    y, limits = any_int8(random, dy.size), (int(random.randint(-129, 20)), int(random.randint(20, 200)))
    outputs = [blank(dy.size, np.int8), blank()]
    return called(
        narrow.relu_backward_s8, outputs, [dy, y, np.int32([e])], limits,
        lambda: with_exponent(oracles.narrow(oracles.relu_masked(dy, y, *limits), e)),
    )  # fmt: skip


def masked_error(random):
    dy = error(random, size(random))
    y, limits = any_int8(random, dy.size), (int(random.randint(-129, 20)), int(random.randint(20, 200)))
    expected = oracles.relu_masked(dy, y, *limits)
    return called(relu.relu_masked_s8, [blank(dy.size, np.int8)], [dy, y], limits, lambda: (expected,))


def largest_and_back(random):
    g, _ = window(random, pooled=True)
    g = tuple(map(int, g))
    x, dy = any_int8(random, *g[:3]), error(random, *g[3:6])
    outputs = [blank(dy.size, np.int8), blank(dy.size, np.uint8)]
    pooled = called(pooling.max_pool_forward_s8, outputs, [x], (-128, 100, g), lambda: ())
    taps = pooled.ours[dy.size :].astype(np.uint8)
    _, (dx,) = run_all(pooling.max_pool_backward_s8, [blank(x.size)], [dy, taps], (g,))

    def expected():
        where = oracles.first_largest(x, g)
        return joined(forward.max_pool_forward(x, g, -128, 100), where, oracles.max_pool_backward(dy, where, g))

    return TrainingCase([*pooled.problem, dy], joined(pooled.ours, dx), expected)


def average_back(random):
    g, _ = window(random, pooled=True)
    g = tuple(map(int, g))
    dy = error(random, *g[3:6])
    outputs = [blank(g[0] * g[1] * g[2])]
    return called(pooling.average_pool_backward_s8, outputs, [dy], (g,), lambda: (oracles.average_pool_backward(dy, g),))


def apart(random):
    """Errors of windows that do not overlap."""
    c, kernel = int(random.choice([1, 3, 8, 17])), tuple(map(int, random.randint(1, 4, 2)))
    g = tuple(map(int, Window(kernel, kernel, "valid").geometry((7, 9, c), c)))
    x, dy = any_int8(random, *g[:3]), error(random, *g[3:6])
    taps = oracles.first_largest(x, g)
    outputs = [blank(x.size, np.int8)]
    chosen = called(pooling.max_pool_apart_backward_s8, outputs, [dy, taps], (g,), lambda: ())
    shared = called(pooling.average_pool_apart_backward_s8, outputs, [dy], (g,), lambda: ())
    return TrainingCase(
        chosen.problem, joined(chosen.ours, shared.ours),
        lambda: joined(oracles.max_pool_backward(dy, taps, g), oracles.average_pool_apart_backward(dy, g)),
    )  # fmt: skip


def sums_back(random):
    a, b = (error(random, n) for n in [size(random)] * 2)
    e = [int(random.randint(-20, 20)) for _ in range(2)]
    factors, shifts = random.randint(1, 2**15, 2), random.randint(-9, 9, 2)
    inputs = [a, b, np.int32(e[:1]), np.int32(e[1:])]
    arguments = [int(value) for pair in zip(factors, shifts) for value in pair]
    return called(
        add.add_backward_s8, [blank(a.size), blank()], inputs, arguments,
        lambda: oracles.add_backward(a, b, e, factors.tolist(), shifts.tolist()),
    )  # fmt: skip


def exponents_of_values(random):
    """A sum and another scale of values with exponents."""
    a, b, e = any_int8(random, 33), any_int8(random, 33), random.randint(-5, 6, 3)
    factors = [(int(random.randint(1 << 30, (1 << 31) - 1)), int(shift)) for shift in (0, -1, -18)]
    offsets, table = [int(random.randint(-128, 128)) for _ in range(3)], np.int8([0, *e])
    arguments = [value for zero, factor in zip(offsets, factors) for value in (zero, *factor)]
    summed = called(add.add_forward_s8, [blank(33, np.int8)], [a, b, table], (*arguments, -128, 120, 1, 2, 3), lambda: ())
    behind = (offsets[0], offsets[1], *factors[1], -100, 127, 3, 1)
    scaled = called(relu.rescale_s8, [blank(33, np.int8)], [a, table], behind, lambda: ())

    def expected():
        common = max(e[:2])
        shifts = [shift + by for (_, shift), by in zip(factors, (e[0] - common, e[1] - common, common - e[2]))]
        y = forward.add_forward(a, b, offsets, [m for m, _ in factors], list(map(int, shifts)), -128, 120)
        moved = factors[1][1] + int(e[2] - e[0])
        return joined(y, forward.rescale(a, *offsets[:2], factors[1][0], moved, -100, 127))

    return TrainingCase([*summed.problem, *scaled.problem], joined(summed.ours, scaled.ours), expected)


def mean_of_values(random):
    """A mean of values with exponents."""
    h, w, c = (int(random.choice([1, 2, 3, 7, 8])) for _ in range(3))
    x, e = any_int8(random, h, w, c), random.randint(-5, 6, 2)
    factor = int(random.randint(1 << 30, (1 << 31) - 1)), int(random.randint(-8, 1))
    arguments = (3, -7, *factor, -128, 127, (h, w, c, 1, 1, c, h, w, 1, 1, 0, 0))
    inputs = [x, np.int8([0, *e]), np.int8([1, 2])]
    shift = factor[1] + int(e[0] - e[1])
    return called(
        pooling.mean_forward_s8, [blank(c, np.int8)], inputs, arguments,
        lambda: (forward.mean_forward(x, c, 3, -7, factor[0], shift),),
    )  # fmt: skip


def tables_back(random):
    dy, y = error(random, 256), np.arange(-128, 128).astype(np.int8)
    tanh, sigmoid = (
        called(kernel, [blank(256)], [dy, y], (), lambda: ())
        for kernel in (lookup.tanh_backward_s8, lookup.sigmoid_backward_s8)
    )
    return TrainingCase(
        tanh.problem, joined(tanh.ours, sigmoid.ours),
        lambda: joined(oracles.tanh_backward(dy, y), oracles.sigmoid_backward(dy, y)),
    )  # fmt: skip


KINDS = {
    make.__name__: make
    for make in (
        measure, adapt, softmax_cross_entropy, mean_squared_error, reconstruction, top_k, rule, narrowing, rectified_error,
        masked_error, largest_and_back, average_back, apart, sums_back, exponents_of_values, mean_of_values, tables_back,
    )
}  # fmt: skip


def case(kind: str, number: int) -> TrainingCase:
    """The case of that kind and number."""
    return KINDS[kind](np.random.RandomState([crc32(kind.encode()), number]))
