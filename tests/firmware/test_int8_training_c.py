"""Int8 training in C, kernel by kernel: the bits of Python, any way of storing weights, at the ends of all ranges."""

import ctypes

import numpy as np
import pytest

from mcuref.export.cores import CORES
from mcuref.export.sources import SOURCES
from mcuref.firmware.toolchain import compile_all, link, missing
from mcuref.kernels.draws import random_bits
from mcuref.kernels.int8 import loss, narrow, selection, sums, weights
from mcuref.quantization.tables import probabilities
from mcuref.testing.buffers import Guarded

HOST = CORES["host"]
FILES = ("draws", *(f"int8/{name}" for name in ("inputs", "loss", "narrow", "selection", "steps", "sums", "weights")))
SIZES = (1, 2, 3, 7, 8, 15, 16, 17, 33, 255, 256)
SHIFTS = (*range(-7, 42), 47, 61, 62)
MODES = {"r": 8, "r and r2": 16, "draws": 0, "truncated": 0}  # bits behind the point
LOW, HIGH, ONE = -(2**31), 2**31 - 1, 2**15
NONE = np.zeros(0, np.int8)


class Weights(ctypes.Structure):
    """stored_weights of weights.h."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("w", "r", "r2", "draws")]


class Row(ctypes.Structure):
    """weight_row."""

    _fields_ = [(name, ctypes.c_int32) for name in ("first", "stride", "number", "elements")]


class Inputs(ctypes.Structure):
    """row_inputs, whose runs C finds."""

    _fields_ = [
        ("x", ctypes.c_void_p),
        *((name, ctypes.c_int32) for name in ("zero", "count")),
        ("runs", ctypes.c_uint8 * 80),
    ]


class Step(ctypes.Structure):
    """weight_step."""

    _fields_ = [(name, ctypes.c_int32) for name in ("factor", "shift")]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The C kernels as a shared library."""
    if sentence := missing(HOST):
        pytest.skip(sentence)
    folder = tmp_path_factory.mktemp("kernels")
    objects = compile_all(HOST, [SOURCES / "kernels" / f"{name}.c" for name in FILES], folder, ("-fPIC",))
    return ctypes.CDLL(str(link(HOST, objects, folder / "library.so", ("-shared",))))


def pointer(array):
    """To its first element; null if it is empty."""
    return ctypes.c_void_p(array.ctypes.data if array.size else None)


def call(library, name, *arguments, result=ctypes.c_int32):
    """What a kernel in C returns; arrays are given as pointers, numbers as int32 unless they have a type."""
    function = getattr(library, f"mcuref_{name}")
    function.restype = result
    given = [
        pointer(one) if isinstance(one, np.ndarray) else ctypes.c_int32(one) if isinstance(one, int | np.integer) else one
        for one in arguments
    ]
    return function(*given)


def same(name, found, expected):
    for i, (one, other) in enumerate(zip(found, expected)):
        np.testing.assert_array_equal(one, other, err_msg=f"{name}, array {i}")


def int8s(random, n, least=-128):
    """Any of them, or of the ends and 0 alone."""
    pools = np.arange(least, 128), np.array([least, -127, 0, 127]), np.array([0]), np.array([127])
    return random.choice(pools[random.choice(4, p=[0.6, 0.2, 0.1, 0.1])], n).astype(np.int8)


def int32s(random, n):
    """Up to some size, with ends of int32 among them if that is the largest; or powers of 2."""
    if random.random() < 0.2:
        return (random.choice([-1, 1], n) << random.integers(0, 31, n)).astype(np.int32)
    reach = int(random.choice([1, 100, 2**12, 2**20, HIGH]))
    values = random.integers(-reach - 1, reach + 1, n)
    return np.where(random.random(n) < 0.1 * (reach == HIGH), random.choice([LOW, HIGH], n), values).astype(np.int32)


def stored(random, mode, n):
    """[w, r, r2, draws] within their bounds, some at those; what there is none of is empty."""
    bits = MODES[mode]
    whole = random.integers(-127 << bits, (127 << bits) + 1, n)
    whole = np.where(random.random(n) < 0.2, random.choice([-127 << bits, 127 << bits], n), whole)
    w = (whole + (1 << bits >> 1)) >> bits
    rest = whole - (w << bits)
    r = (rest if bits == 8 else rest >> 8).astype(np.int8) if bits else NONE
    r2 = rest.astype(np.uint8).view(np.int8) if bits == 16 else NONE
    return [w.astype(np.int8), r, r2, int32s(random, int(mode == "draws"))]


# -- weights -----------------------------------------------------------------------------------------------------------


def update_both(library, before, row, values, function, shift):
    """Arrays after an update of a row in C, and in Python; values: g, its stride, its zero, factor."""
    g, stride, zero, factor = values
    guarded, expected = [Guarded(array, 99) for array in before], [array.copy() for array in before]
    own = Weights(*(pointer(array.values) for array in guarded))
    last = (ctypes.byref(Inputs(pointer(g), zero)),) if function == "update_row" else (pointer(g), stride)
    call(library, function, ctypes.byref(own), ctypes.byref(row), *last, factor, shift)
    stream = weights.stream_of(expected[1], expected[3])
    weights.update_row(
        *expected[:3], row.first, row.stride, g, 0, stride, zero, row.elements, factor, shift, row.number, stream
    )
    assert not any(array.outside for array in guarded)
    return [array.values for array in guarded], expected


@pytest.mark.parametrize("mode", MODES)
def test_rows_of_weights(library, mode):
    random = np.random.default_rng(0)
    for shift in SHIFTS:
        for n in SIZES:
            first, number = (int(random.integers(0, 9)) for _ in range(2))
            x, zero = int8s(random, n), int(random.choice([-128, -3, 0, 127]))
            factor = int(random.choice([-127, 127, random.integers(-127, 128)])) * int(random.choice([128, 255]))
            before, row = stored(random, mode, first + n + 3), Row(first, 1, number, n)
            same(f"{shift} {n}", *update_both(library, before, row, (x, 1, zero, factor), "update_row", shift))


def test_a_step_of_just_a_half(library):
    x, before, row = np.int8([-128]), [np.int8([3]), np.int8([0]), NONE, np.int32([])], Row(0, 1, 0, 1)
    for factor, moved in ((-128, -1), (128, 0), (-127, 0)):  # of 2^14 or less in 2^15: halves go up, and M is less by that
        found, expected = update_both(library, before, row, (x, 1, 0, factor), "update_row", 15)
        same(factor, found, expected)
        assert found[1][0] == moved


@pytest.mark.parametrize("share", [0, 0.003, 0.02, 0.3, 0.9, 1])
def test_rows_of_inputs_that_are_often_zero(library, share):
    """Runs of any length, long gaps, more runs than are listed; found by the first row, of use for the second."""
    random = np.random.default_rng(9)
    for n in (1, 7, 254, 255, 256, 257, 1000):
        for zero in (-128, 0, 127):
            x = np.where(random.random(n) < share, random.integers(-128, 128, n), zero).astype(np.int8)
            x[-1] = 1
            inputs, before = Inputs(pointer(x), zero), stored(random, "r", 2 * n)
            found, expected = ([array.copy() for array in before] for _ in range(2))
            own = Weights(*map(pointer, found))
            for number, factor in enumerate((32385, -20000)):
                row = Row(number * n, 1, number * n, n)
                call(library, "update_row", ctypes.byref(own), ctypes.byref(row), ctypes.byref(inputs), factor, 13)
                weights.update_row(*expected[:3], number * n, 1, x, 0, 1, zero, n, factor, 13, number * n, -1)
            same(f"{n} {zero}", found, expected)


@pytest.mark.parametrize("mode", MODES)
def test_rows_of_weights_by_sums(library, mode):
    random = np.random.default_rng(1)
    for shift in SHIFTS:
        for n in SIZES:
            first, number, stride = int(random.integers(0, 9)), int(random.integers(0, 999)), int(random.choice([1, 3]))
            g_stride, factor = int(random.choice([1, 2])), int(random.choice([0, 1, 256, random.integers(128, 256)]))
            before, row = stored(random, mode, first + n * stride), Row(first, stride, number, n)
            values = int32s(random, n * g_stride), g_stride, 0, factor
            same(f"{shift} {n}", *update_both(library, before, row, values, "update_row_by_sums", shift))


def test_rows_that_are_added_up(library):
    random = np.random.default_rng(2)
    for shift in range(-15, 70):
        for n in (1, 5, 17):
            stride, zero, factor = (
                int(random.choice([1, 3])),
                int(random.integers(-128, 128)),
                int(random.integers(-32385, 32386)),
            )
            a, x, g = int32s(random, n * stride), int8s(random, n), int32s(random, n)
            found, expected = a.copy(), a.copy()
            call(library, "add_row", found, stride, x, zero, n, factor, shift)
            weights.add_row(expected, 0, stride, x, zero, n, factor, shift)
            call(library, "add_row_of_sums", found, stride, g, n, abs(factor) >> 7, shift)
            weights.add_row(expected, 0, stride, g, 0, n, abs(factor) >> 7, shift)
            np.testing.assert_array_equal(found, expected)


def test_steps_and_biases(library):
    random = np.random.default_rng(3)
    for _ in range(2000):
        rate = np.uint8([random.integers(128, 256), random.integers(0, 256)])
        sample_rate = int(random.integers(0, 60)) << 9 | int(random.integers(129, 257))
        e, x_e, b = int(random.integers(-60, 60)), int(random.integers(-15, 16)), int(random.integers(-(2**30), 2**30 + 1))
        step = call(library, "step_of", rate, sample_rate, e, x_e, result=Step)
        assert (step.factor, step.shift) == weights.step_of(rate, 0, sample_rate, np.int32([e]), x_e)
        shift = int(random.integers(-140, 140))
        v = int(random.choice([0, 1, 2**30, 2**61 - 1, random.integers(0, 2**61) >> random.integers(0, 61)]))
        v *= int(random.choice([-1, 1]))
        for name in ("moved_bias", "added"):
            assert call(library, name, b, ctypes.c_int64(v), shift) == getattr(weights, name)(b, v, shift)


def test_random_numbers(library):
    words = np.zeros(2, np.uint32)
    for counter in ((0, 0, 0), (1, 7, 3), (2**31, 2**32 - 1, 2**30)):
        call(library, "random_bits", words, *map(ctypes.c_uint32, counter), result=None)
        assert int(words[0]) + (int(words[1]) << 32) == int(random_bits(*counter))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("depthwise", [False, True])
def test_sums_of_batches(library, mode, depthwise):
    random = np.random.default_rng(4)
    for rows, elements in ((1, 1), (7, 3), (8, 17), (17, 9)):
        strides = (1, rows) if depthwise else (elements, 1)
        for momentum in (0, 1, 29491, ONE):
            delta = (int8s(random, 3 * rows, -127) * (random.random(3 * rows) < 0.3)).astype(np.int8)
            begun = [int32s(random, rows * elements), int32s(random, rows), random.integers(0, 2, (rows + 7) >> 3, np.uint8)]
            found, expected = ([array.copy() for array in begun] for _ in range(2))
            call(library, "begin_rows_s8", *found, delta, momentum, rows, elements, *strides, delta.size)
            sums.begin_rows_s8(*expected, delta, momentum, elements, *strides)
            same("begin", found, expected)
            w, r, r2, draws = stored(random, mode, rows * elements)
            applied = [w, np.clip(int32s(random, rows), -(2**30), 2**30), expected[2], r, r2, draws]
            for s in (0, 3, 8, 20, 46, 47):
                sample_rate = s << 9 | int(random.integers(129, 257))
                found, expected = ([array.copy() for array in applied] for _ in range(2))
                call(library, "apply_rows_s8", *found, *begun[:2], sample_rate, rows, elements, *strides)
                sums.apply_rows_s8(*expected, *begun[:2], sample_rate, elements, *strides)
                same("apply", found, expected)


# -- errors ------------------------------------------------------------------------------------------------------------


def test_errors_made_narrow(library):
    random = np.random.default_rng(5)
    for n in SIZES * 12:
        x, y, e = int32s(random, n), int8s(random, n), int32s(random, 1) >> 4
        if n == 2:
            x[:] = random.choice([127, -127, 128, -128, 254, 255, -255, 256, LOW, HIGH], 2)
        low, high = int(random.choice([-128, -5])), int(random.choice([10, 127, 128]))
        found, expected = ([y.copy(), np.int32([77])] for _ in range(2))
        call(library, "narrow_s8", *found, x, e, n)
        narrow.narrow_s8(*expected, x, e)
        same("narrow", found, expected)
        found, expected = ([y.copy(), np.int32([77])] for _ in range(2))
        call(library, "relu_backward_s8", *found, x, found[0], e, low, high, n)
        narrow.relu_backward_s8(*expected, x, expected[0], e, low, high)
        same("relu", found, expected)


def agree(library, name, z, operands, arguments, more=()):
    """A loss in C writes and returns what it does in Python; the error takes the place of the outputs."""
    found, expected = ([z.copy(), np.int32([77])] for _ in range(2))
    got = call(library, name, *found, found[0], *operands, *arguments, *more, z.size)
    assert got == getattr(loss, name)(*expected, expected[0], *operands, *map(np.int32, arguments))
    same(name, found, expected)


def test_losses(library):
    random = np.random.default_rng(6)
    for n in (*SIZES * 8, 65_536):
        z = int8s(random, n)
        table = probabilities(float(random.choice([2.0**-9, 0.0625, 0.3, 1.7, 40])), n)
        for label in {0, n - 1, int(z.argmax()), int(z.argmin())}:
            agree(library, "softmax_cross_entropy_s8", z, [table], [label, int(random.integers(0, 16))], [table.size])
        target = np.clip(int32s(random, n), -(2**20), 2**20)
        agree(library, "mean_squared_error_s8", z, [target], [])
        zeros = [int(random.choice([-128, 0, 5, 127])) for _ in range(2)]
        factor = [int(random.choice([2**30, HIGH, 0, 1234567891])), int(random.choice([*range(-31, 31), *range(-9, 2)]))]
        agree(library, "reconstruction_s8", z, [int8s(random, n)], zeros + factor)


def test_quotients_next_to_a_half(library):
    """As they are of sums that are small and odd."""
    for first in range(1, 40):
        for second in range(1, first):
            agree(library, "softmax_cross_entropy_s8", np.int8([1, 0]), [np.int32([first, second])], [0, 0], [2])


def test_sums_of_squares_end_with_int32(library):
    for target in ([46340, 288, 22, 46341], [46340, 297], [46341], [2**20] * 5):
        agree(library, "mean_squared_error_s8", np.zeros(len(target), np.int8), [np.int32(target)], [])


def select(library, delta, e, k):
    """In C, with counts of 16 bits, what is kept of an error is that of Python, and Y."""
    found, expected, tally = Guarded(delta, 99), delta.copy(), Guarded(np.full(128, 77, np.uint16), 99)
    count, _ = selection.top_k(expected, tally.values.copy(), k)
    y = call(library, "sum_and_tally_s8", tally.values, found.values, e, delta.size)
    assert y == selection.sum_of_magnitudes(delta, np.int32([e]))
    assert call(library, "top_k_s8", found.values, tally.values, delta.size, k) == count
    np.testing.assert_array_equal(found.values, expected)
    assert not found.outside and not tally.outside


def test_selections(library):
    random = np.random.default_rng(7)
    for n in SIZES * 4:
        few = random.choice(np.int8([0, 1, -1, 2]), n)
        for delta in (int8s(random, n, -127), few):
            e = int(random.integers(-40, 40))
            assert call(library, "sum_of_magnitudes", delta, e, n) == selection.sum_of_magnitudes(delta, np.int32([e]))
            assert call(library, "count_nonzero", delta, n) == selection.count_nonzero(delta)
            for k in {1, 2, n // 3 + 1, n - 1, n, n + 5, 65_535} - {0}:
                select(library, delta, e, k)


@pytest.mark.parametrize("first, last", [(-5, -5), (0, -5), (-5, 0), (-5, 6), (127, 5), (0, 0)])
def test_selections_of_65536_entries_of_one_magnitude(library, first, last):
    delta = np.full(65_536, -5 if first or last else 0, np.int8)
    delta[0], delta[-1] = first, last
    for k in (1, 2, 65_534, 65_535, 65_536):
        select(library, delta, -3, k)


def test_rules(library):
    random = np.random.default_rng(8)
    for i in range(2000):
        low, high = sorted(
            int(
                selection.packed(
                    int(random.integers(1, 2**24)) >> int(random.integers(0, 24)), int(random.integers(-20, 20))
                )
            )
            for _ in range(2)
        )
        maxima = [np.int32([random.choice([0, low, high])]) for _ in range(2)]
        decay, y = int(random.choice([0, ONE, random.integers(0, ONE)])), int(random.choice([0, low, high]))
        maxima[1][:] = maxima[0]
        assert call(library, "raise_maximum_s8", maxima[0], y, decay) == selection.raise_maximum(maxima[1], y, decay)
        assert maxima[0] == maxima[1]
        if low == 0:
            continue
        alpha = call(library, "ratio_q15", low, high)
        assert alpha == selection.ratio_q15(low, high)
        reach = ONE if i % 2 else 2**29
        a, b, c, d = (int(random.integers(-reach * (i % 4 == 0), reach)) for _ in range(4))
        ratio = call(library, "back_propagation_ratio_s8", alpha, a, b, c, result=ctypes.c_int64)
        assert ratio == selection.back_propagation_ratio(alpha, a, b, c)
        for n in (1, 7, 256, 65_536):
            for floor in (False, True):
                k = call(library, "kept_entries_s8", ctypes.c_int64(ratio), n, floor)
                assert k == selection.kept_entries(ratio, n, floor)
        found = call(library, "decision_s8", alpha, a, b, c, d, result=ctypes.c_int64)
        assert found == selection.decision(alpha, a, b, c, d)
