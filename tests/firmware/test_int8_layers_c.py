"""Kernels of int8 in C beside their twins in Python, called alike: the same bits at odd sizes, at the ends, and for ties.

Here are those of what lies between layers that sum, and of depthwise convolutions.
"""

import ctypes

import numpy as np
import pytest

from mcuref.export import sources
from mcuref.export.cores import CORES
from mcuref.firmware.toolchain import compile_all, link
from mcuref.kernels.int8.add import add_backward_s8, add_forward_s8
from mcuref.kernels.int8.depthwise import (
    depthwise_backward_input_s8,
    depthwise_forward_s8,
    depthwise_gradient_s8,
    depthwise_update_s8,
)
from mcuref.kernels.int8.exponents import adapt_s8, measure_s8
from mcuref.kernels.int8.load import copy_s8, load_s8
from mcuref.kernels.int8.lookup import lookup_s8, sigmoid_backward_s8, tanh_backward_s8
from mcuref.kernels.int8.pooling import (
    average_pool_apart_backward_s8,
    average_pool_backward_s8,
    average_pool_forward_s8,
    max_pool_apart_backward_s8,
    max_pool_backward_s8,
    max_pool_forward_s8,
    mean_forward_s8,
)
from mcuref.kernels.int8.relu import relu_masked_s8, rescale_s8
from mcuref.kernels.int8.softmax import softmax_forward_s8
from mcuref.kernels.mixed.dequantise import dequantise_s8_f32
from mcuref.quantization.tables import exponentials
from mcuref.testing.buffers import Guarded, call_c
from tests.kernels.int8.problems import EDGES, FACTORS, NO_TAPS, NONE, ZEROS, as_stored, biases, drawn, exponents_at, factors
from tests.kernels.int8.training import MODES, SHIFTS, Layer, problem, weights
from tests.kernels.windows import GEOMETRIES, depthwise, geometry, label

SIZES = (1, 2, 3, 7, 15, 17, 33, 255, 256)
LIMITS = ((-128, 127), (-128, -100), (0, 60), (127, 127))
APART = [g for g in map(depthwise, GEOMETRIES) if g[8] >= g[6] and g[9] >= g[7]]
REACHED = ((0, 0), (1, 0), (0, 1), (-2, 3), (5, -4), (15, -15), (-15, 15))  # exponents of what is read and written


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The C kernels of int8 as a shared library."""
    folder, host = tmp_path_factory.mktemp("int8"), CORES["host"]
    files = [path for name in ("int8", "mixed") for path in sorted((sources.SOURCES / "kernels" / name).glob("*.c"))]
    objects = compile_all(host, [*files, sources.SOURCES / "kernels" / "draws.c"], folder, ("-fPIC",))
    return ctypes.CDLL(str(link(host, objects, folder / "int8.so", ("-shared",))))


@pytest.fixture
def agree(need, library):
    """agree(kernel, outputs, inputs, arguments, sizes): a kernel and its twin in C leave the same bits, and none beside.

    ``sizes`` is what only C is told, ``name`` what it calls the kernel; ``onto`` is the input that its first output lies on.
    Arrays without elements are null there.
    """
    need("host")

    def check(kernel, outputs, inputs, arguments=(), sizes=(), name=None, onto=None):
        expected, inputs = [array.copy() for array in outputs], [array.reshape(-1) for array in inputs]
        arguments = [value if isinstance(value, np.float32) else as_stored(value) for value in arguments]
        kernel(*expected, *inputs, *arguments)
        written, read = [Guarded(array, 99) for array in outputs], [Guarded(array, 99) for array in inputs]
        if onto is not None:
            written[0] = read[onto]
        pointers = [array.values if array.values.size else None for array in (*written, *read)]
        types = [ctypes.c_void_p for pointer in pointers if pointer is None]
        types += [ctypes.c_float if isinstance(v, np.float32) else ctypes.c_int32 for v in arguments if np.ndim(v) == 0]
        types += [ctypes.c_int32 for _ in sizes]
        call_c(library[f"mcuref_{name or kernel.__name__}"], None, types, *pointers, *arguments, *sizes)
        for array, values in zip(written, expected):
            np.testing.assert_array_equal(array.values, values)
            assert not array.outside
        assert not any(array.outside or (array.changed and i != onto) for i, array in enumerate(read))

    return check


def blank(n, kind=np.int32):
    """What a kernel has to overwrite."""
    return np.full(int(np.prod(n)), 77, kind)


def errors(shape, seed):
    """int8 within +-127, many of them 0, as selections leave them."""
    random = np.random.default_rng(seed)
    return np.where(random.random(shape) < 0.6, 0, random.integers(-127, 128, shape)).astype(np.int8)


@pytest.mark.parametrize("kind, low, high", [("u8", 0, 255), ("i8", -128, 127), ("i16", -32768, 32767)])
def test_samples_are_loaded(agree, kind, low, high):
    random, type_ = np.random.default_rng(low & 255), {"u8": np.uint8, "i8": np.int8, "i16": np.int16}[kind]
    for channels in (1, 2, 3, 40):
        for scale in (1, 1 << 8, 1 << 16, (1 << 31) - 1):  # the last ones lose upper bits
            samples = random.integers(low, high + 1, 17 * channels).astype(type_)
            samples[:2] = low, high
            multiplier, offset = random.integers(-scale, scale, (2, channels)).astype(np.int32)
            shift = random.integers(0, 32, channels).astype(np.int8)
            arrays, sizes = [samples, multiplier, offset, shift], (samples.size, channels)
            agree(load_s8, [blank(samples.size, np.int8)], arrays, (), sizes, f"load_{kind}_s8")


def test_samples_are_copied(agree):
    for n in SIZES:
        agree(copy_s8, [blank(n, np.int8)], [drawn(n, n)], (), (n,))


def test_values_are_brought_into_another_scale(agree):
    for i, (multiplier, shift) in enumerate(FACTORS):
        for x_zero in ZEROS:
            x, zero = np.arange(-128, 128, dtype=np.int8), ZEROS[i % 5]
            arguments = x_zero, zero, multiplier, shift, *LIMITS[i % 4]
            agree(rescale_s8, [blank(256, np.int8)], [x, NONE], (*arguments, 0, 0), (256,))
            exponents = exponents_at((2, 3), REACHED[i % 7])
            agree(rescale_s8, [x], [x, exponents], (*arguments, 2, 3), (256,), onto=0)


def test_errors_pass_a_rectified_linear_unit(agree):
    for n in SIZES:
        for low, high in ((-128, 127), (-5, 60), (0, 128), (127, 128)):
            agree(relu_masked_s8, [blank(n, np.int8)], [errors(n, n), drawn(n, n, EDGES)], (low, high), (n,))
            dy = errors(n, n)
            agree(relu_masked_s8, [dy], [dy, drawn(n, n)], (low, high), (n,), onto=0)


def test_functions_by_table_and_back(agree):
    for n in SIZES:
        x, table = drawn(n, n), drawn(256, n + 1)
        agree(lookup_s8, [blank(n, np.int8)], [x, table], (), (n,))
        agree(lookup_s8, [x], [x, table], (), (n,), onto=0)
        for kernel in (tanh_backward_s8, sigmoid_backward_s8):
            agree(kernel, [blank(n)], [drawn(n, n, EDGES), x], (), (n,))


def test_softmax(agree):
    for n in (*SIZES, 4095):
        for scale in (2.0**-12, 0.0625, 0.3, 1.7, 8.0):
            for x in (drawn(n, n), drawn(n, n) // 64, np.full(n, 5, np.int8)):
                agree(softmax_forward_s8, [blank(n, np.int8)], [x.astype(np.int8), exponentials(scale)], (), (n,))
    agree(softmax_forward_s8, [x], [x, exponentials(scale)], (), (n,), onto=0)
    for seed in range(1000):  # last bits of a reciprocal seldom show
        agree(softmax_forward_s8, [blank(5, np.int8)], [drawn(5, seed) // np.int8(9), exponentials(0.0625)], (), (5,))


def test_activations_are_added(agree):
    halves, sums = (
        [(m, s) for m, s in FACTORS if s < 0 or m == 1 << 30 and s == 0] + [(1 << 30, 0)],
        (*FACTORS, (1 << 30, -18)),
    )
    for i in range(40):
        n, limits, zeros = SIZES[i % 9], LIMITS[i % 3], [ZEROS[(i * step) % 5] for step in (1, 2, 3)]
        a, b, y = halves[i % len(halves)], halves[i * 3 % len(halves)], sums[i % len(sums)]
        arguments = zeros[0], *a, zeros[1], *b, zeros[2], *y, *limits
        values, others = drawn(n, i), drawn(n, i + 1, EDGES)
        agree(add_forward_s8, [blank(n, np.int8)], [values, others, NONE], (*arguments, 0, 0, 0), (n,))
        exponents = exponents_at((1, 2, 3), (*REACHED[i % 7], i % 5 - 2))
        agree(add_forward_s8, [values], [values, others, exponents], (*arguments, 1, 2, 3), (n,), onto=0)


def test_the_last_bits_of_terms_that_are_added(agree):
    """Terms that nearly cancel, and a sum that is the output as it is."""
    for seed in range(20):
        random = np.random.default_rng(seed)
        multiplier, zero = int(random.integers(1 << 30, (1 << 31) - 1000)), int(random.choice([-127, 0, 3]))
        a, b, y = (multiplier, -(seed % 3)), (multiplier + seed * 50, -(seed % 3)), (1 << 30, 1)
        values = np.arange(-127, 128, dtype=np.int8)
        agree(
            add_forward_s8,
            [blank(255, np.int8)],
            [values, values[::-1].copy(), NONE],
            (zero, *a, -zero, *b, 0, *y, -128, 127, 0, 0, 0),
            (255,),
        )


def test_errors_meet(agree):
    for i in range(60):
        n, random = SIZES[i % 9], np.random.default_rng(i)
        a, b = (errors(n, 2 * i + side) * (i % 7 != 3 * side) for side in (0, 1))  # some are 0 throughout
        exponents = [random.integers(-60, 60, 1).astype(np.int32) // (1 + i % 3 * (i % 30)) for _ in "ab"]
        factor = random.choice([1, 16384, 23170, 32767]), int(random.integers(-9, 9))
        agree(add_backward_s8, [blank(n), blank(1)], [a, b, *exponents], (*factor, 32767 - i, i % 5), (n,))


@pytest.mark.parametrize("g", [*map(depthwise, GEOMETRIES), geometry((19, 20, 2), 2, (19, 20))], ids=label)
def test_pooling_and_back(agree, g):
    """The largest value of a window and which it was, means; errors back to them."""
    for seed, limits in enumerate(LIMITS):
        for pool in (None, EDGES, np.int8([-128])):
            x, dy, places, outputs = drawn(g[:3], seed, pool), errors(g[3:6], seed), np.prod(g[:3]), blank(g[3:6], np.int8)
            agree(max_pool_forward_s8, [outputs, NO_TAPS], [x], (*limits, g))
            agree(average_pool_forward_s8, [outputs], [x], (*limits, g))
            if g[6] * g[7] <= 256:
                taps = np.zeros(dy.size, np.uint8)
                agree(max_pool_forward_s8, [outputs, taps], [x], (*limits, g))
                max_pool_forward_s8(outputs, taps, x.reshape(-1), *map(as_stored, (*limits, g)))
                agree(max_pool_backward_s8, [blank(places)], [dy, taps], (g,))
                if g in APART:
                    agree(max_pool_apart_backward_s8, [blank(places, np.int8)], [dy, taps], (g,))
            agree(average_pool_backward_s8, [blank(places)], [dy], (g,))
            if g in APART:
                agree(average_pool_apart_backward_s8, [blank(places, np.int8)], [dy], (g,))


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 9, 49, 255, 256, 359, 360, 361, 1000])
def test_averages_of_so_many_values(agree, number):
    """All sums there are of a few values, and those next to halves of many."""
    random, windows = np.random.default_rng(number), 1500
    totals = random.integers(-128 * number, 127 * number + 1, windows)
    x = np.empty((windows, number), np.int8)
    for row, total in zip(x, totals):
        row[:] = total // number
        row[: total % number] += 1
    agree(
        average_pool_forward_s8,
        [blank(windows, np.int8)],
        [x],
        (-128, 127, (windows, number, 1, windows, 1, 1, 1, number, 1, 1, 0, 0)),
    )


def test_mean_of_all_places(agree):
    for i, (multiplier, shift) in enumerate(FACTORS):
        for h, w, c in ((1, 1, 1), (7, 7, 3), (1, 33, 17), (8, 8, 64)):
            g, x = (h, w, c, 1, 1, c, h, w, 1, 1, 0, 0), drawn((h, w, c), i)
            arguments = ZEROS[i % 5], ZEROS[(i + 2) % 5], multiplier // (h * w), shift, *LIMITS[i % 3], g
            agree(mean_forward_s8, [blank(c, np.int8)], [x, NONE, NONE], arguments)
            exponents, slots = exponents_at((1, 2), REACHED[i % 7]), np.int8([1, 2])
            agree(mean_forward_s8, [blank(c, np.int8)], [x, exponents, slots], arguments)


def test_what_is_seen_of_values_and_exponents(agree):
    for i in range(100):
        random, n, zero = np.random.default_rng(i), SIZES[i % 9], ZEROS[i % 5]
        agree(measure_s8, [blank(3)], [drawn(n, i, None if i % 3 else EDGES)], (zero,), (n,))
        seen, state = (random.integers(0, 256, (2, 4)) // random.integers(1, 200)).astype(np.int32)
        state[0] = random.choice([0, 61, 62, 63])
        exponents = np.int8([0, *random.choice([-15, -14, 0, 14, 15], 3)])
        most = state[1] + seen[0] + random.integers(-1, 2)
        agree(adapt_s8, [exponents, state], [seen[:3]], (2, most, *random.integers(0, 200, 2).tolist()))


def copied(g, copies):
    """A depthwise window with so many outputs a channel."""
    return (*g[:5], copies * g[2], *g[6:])


COPIED = [copied(g, copies) for g, copies in zip(GEOMETRIES, (1, 2, 1, 3, 1, 1, 8) * 4)]


@pytest.mark.parametrize("g", COPIED, ids=label)
def test_depthwise_convolution_and_back(agree, g):
    random = np.random.default_rng(g[0])
    for i, limits in enumerate(LIMITS[:3]):
        x, w, b, scaling = drawn(g[:3], i), drawn((*g[6:8], g[5]), i + 1), biases(g[5], i), factors(g[5], i)
        arguments = ZEROS[i], ZEROS[i + 2], *limits
        agree(depthwise_forward_s8, [blank(g[3:6], np.int8)], [x, w, b, *scaling, NONE], (*arguments, 0, 0, g))
        exponents = exponents_at((2, 4), REACHED[(i + g[0]) % 7])
        agree(depthwise_forward_s8, [blank(g[3:6], np.int8)], [x, w, b, *scaling, exponents], (*arguments, 2, 4, g))
        share = random.integers(1, 129, g[5]).astype(np.uint8)
        agree(depthwise_backward_input_s8, [blank(g[:3])], [errors(g[3:6], i), w, share], (i * 3, g))


@pytest.mark.parametrize("mode", MODES)
def test_depthwise_weights_are_trained(agree, mode):
    """At every shift, with errors of which many are 0, or all."""
    for i, g in enumerate(COPIED):
        layer, blanks = Layer("depthwise", g), blank(g[6] * g[7])
        for shift in SHIFTS[i % 3 :: 3]:
            case = problem(layer, i, shift, ((0, 0), (-9, 2), (6, -3))[i % 3], (0.3, 0.9, 1)[(i + shift) % 3])
            read, more = [case.delta, case.x, *case.read], (*case.numbers, g)
            written = [*weights(layer, mode, i), blanks]
            agree(depthwise_update_s8, written, read, ((256, 129, 1 << 9 | 200)[i % 3], *more))
            sums = [
                np.random.default_rng(i).integers(-(2**31), 2**31, n).astype(np.int32) for n in (g[5] * g[6] * g[7], g[5])
            ]
            agree(depthwise_gradient_s8, [*sums, blanks], read, more)


def test_values_become_float32(agree):
    for scale in np.float32([0.1, 2.0**-9, 3e38, 1e-45]):
        for zero in ZEROS:
            x = np.arange(-128, 128, dtype=np.int8)
            agree(dequantise_s8_f32, [blank(256, np.float32)], [x], (scale, zero), (256,))
