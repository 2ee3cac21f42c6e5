"""Dense layers and convolutions of int8 in C, kernel by kernel beside Python's: every size, zeros, factors of any size."""

import ctypes

import numpy as np
import pytest

from mcuref.export.cores import CORES
from mcuref.export.sources import SOURCES
from mcuref.firmware.toolchain import compile_all, link, missing
from mcuref.kernels.int8 import conv, dense
from mcuref.kernels.int8.exponents import LARGEST
from mcuref.operators.int8 import OPERATORS
from mcuref.testing.buffers import Guarded

from ..windows import GEOMETRIES, geometry, label
from .problems import EDGES, EXPONENTS, ZEROS, biases, exponents_at, factors

HOST = CORES["host"]
OPERATOR = {operator.name: operator for operator in OPERATORS}
FILES = ("draws", *(f"int8/{name}" for name in ("rows", "patches", "weights", "inputs", "steps", "dense", "conv")))
CHANNELS = (1, 2, 3, 4, 5, 8, 15, 16, 17)
SMALL = [g for g in GEOMETRIES if g[3] * g[4] * g[5] * g[6] * g[7] * g[2] < 20_000]
WIDE = [geometry((4, 6, c), 18 - c, (2, 3), padding="same") for c in CHANNELS]
SCALES = [pair for pair in EXPONENTS if max(map(abs, pair)) <= LARGEST] + [(LARGEST, -LARGEST), (-LARGEST, LARGEST)]
SHIFTS = (-7, -1, 0, 1, 8, 9, 10, 13, 16, 17, 22, 23, 24, 31, 40, 62, 63)
KINDS: dict[str, tuple[str, ...]] = {"plain": (), "DSP": ("-DMCUREF_DSP_EMULATED",)}
MODES = ("r", "r2", "draws", "truncated")


@pytest.fixture(scope="module", params=KINDS)
def library(request, tmp_path_factory):
    """The kernels as a shared library: plain, and with what the DSP extension does in its place."""
    sentence = missing(HOST)
    if sentence:
        pytest.skip(sentence)
    folder = tmp_path_factory.mktemp(request.param)
    sources = [SOURCES / "kernels" / f"{name}.c" for name in FILES]
    objects = compile_all(HOST, sources, folder, ("-fPIC", *KINDS[request.param]))
    return ctypes.CDLL(str(link(HOST, objects, folder / "library.so", ("-shared",))))


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p) if array.size else None


def agree(library, kernel, arrays, numbers, g=None):
    """Call Python's kernel and C's on copies of the arrays, by operand; all they write but scratch is the same."""
    operator = OPERATOR[kernel.__name__]
    operands = [operand for operand in (*operator.outputs, *operator.inputs) if operand.name != "count"]
    behind = [g if name == "g" else numbers[name] for name in operator.arguments]
    sizes = [numbers[name] for name in operator.sizes]
    python, c = ([Guarded(arrays[operand.name].reshape(-1), 99) for operand in operands] for _ in range(2))
    kernel(*(a.values for a in python), *(np.int32(n) if np.isscalar(n) else n for n in behind))
    library[f"mcuref_{kernel.__name__}"](
        *(pointer(a.values) for a in c),
        *(pointer(n) if isinstance(n, np.ndarray) else ctypes.c_int32(n) for n in (*behind, *sizes)),
    )
    for operand, expected, got in zip(operands, python, c):
        assert not got.outside
        if operand.name not in ("patch", "sums"):
            np.testing.assert_array_equal(got.values, expected.values, operand.name)


def any_int8(random, *shape):
    """int8 of that shape, any or only those at the ends and around 0."""
    return random.choice(EDGES, shape) if random.random() < 0.3 else random.integers(-128, 128, shape).astype(np.int8)


def with_zeros(random, values, zero):
    """The same with runs of a zero in it."""
    run = random.choice([2, 4, 9, 20, 300])
    return np.where(np.repeat(random.random(values.size // run + 1) < 0.4, run)[: values.size], np.int8(zero), values)


def forward(library, kernel, x, w, shape, seed, zeros, exponents, shared=False, g=None, **sizes):
    random = np.random.default_rng(seed)
    outputs = sizes.get("O", shape[-1])
    multiplier, shift = factors(1 if shared else outputs, seed)
    arrays = {
        "z": np.zeros(shape, np.int8), "patch": np.zeros(w.size // outputs, np.int8), "x": x, "w": w,
        "b": biases(outputs, seed), "multiplier": multiplier, "shift": shift,
        "exponents": exponents_at((3, 1), exponents) if any(exponents) else np.int8([]),
    }  # fmt: skip
    low, high = ((-128, 127), (zeros[1], 127), (-7, 40))[random.integers(3)]
    numbers = {"x_zero": zeros[0], "z_zero": zeros[1], "low": low, "high": high, "x_slot": 3, "z_slot": 1}
    agree(library, kernel, arrays, numbers | sizes | {"M": multiplier.size}, g)


@pytest.mark.parametrize("inputs", [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 33, 255, 256, 2000])
def test_dense_forward(library, inputs):
    for outputs in (1, 2, 3, 4, 5, 7, 9, 16):
        for i, zero in enumerate(ZEROS):
            seed = 1000 * inputs + 10 * outputs + i
            random = np.random.default_rng(seed)
            x, w = with_zeros(random, any_int8(random, inputs), zero), any_int8(random, outputs * inputs)
            sizes = {"O": outputs, "I": inputs}
            for exponents in SCALES[i::3]:
                forward(
                    library, dense.dense_forward_s8, x, w, (outputs,), seed, (zero, -1 - zero), exponents, i % 2 > 0, **sizes
                )


@pytest.mark.parametrize("x, x_zero", [(-128, 127), (127, -128)])
@pytest.mark.parametrize("inputs", [65_793, 66_000])
def test_sums_that_lose_upper_bits(library, inputs, x, x_zero):
    x, w = np.full(inputs, x, np.int8), np.repeat(np.int8([-128, 127, -128, 127, -128]), inputs)
    forward(library, dense.dense_forward_s8, x, w, (5,), 1, (x_zero, 3), (0, 0), O=5, I=inputs)


@pytest.mark.parametrize("g", [*SMALL, *WIDE], ids=label)
def test_conv_forward(library, g):
    g = np.int32(g)
    for seed, zero in enumerate(ZEROS):
        random = np.random.default_rng(seed)
        x = with_zeros(random, any_int8(random, int(np.prod(g[:3]))), zero)
        w = any_int8(random, int(g[5] * g[6] * g[7] * g[2]))
        forward(library, conv.conv_forward_s8, x, w, tuple(g[3:6]), seed, (zero, -1 - zero), SCALES[seed], g=g)


def error(random, size):
    """int8 of which few, some or all are not 0."""
    delta = np.maximum(any_int8(random, size), -127)
    return np.where(random.random(size) < random.choice([0.05, 0.5, 1]), delta, np.int8(0))


def send_back(library, kernel, outputs, entries, elements, inputs, seed, g=None, **sizes):
    random = np.random.default_rng(seed)
    shares = outputs if seed % 2 or g is not None else 1
    w, share = np.maximum(any_int8(random, outputs * elements), -127), random.integers(1, 129, shares).astype(np.uint8)
    arrays = {"dx": np.full(inputs, 77, np.int32), "delta": error(random, entries), "w": w, "share": share}
    agree(library, kernel, arrays, {"halvings": seed % 5, "M": shares, **sizes}, g)


@pytest.mark.parametrize("inputs", [1, 2, 3, 4, 7, 8, 15, 17, 33, 255])
def test_dense_backward_input(library, inputs):
    for outputs in (1, 2, 3, 4, 5, 6, 7, 8, 9, 40):
        for seed in range(6):
            send_back(library, dense.dense_backward_input_s8, outputs, outputs, inputs, inputs, seed, O=outputs, I=inputs)


@pytest.mark.parametrize("g", [*SMALL, *WIDE], ids=label)
def test_conv_backward_input(library, g):
    for seed in range(5):
        h, w, c, ho, wo, outputs, kh, kw, *_ = map(int, g)
        send_back(
            library, conv.conv_backward_input_s8, outputs, ho * wo * outputs, kh * kw * c, h * w * c, seed, np.int32(g)
        )


def train(library, kernel, outputs, entries, elements, inputs, seed, shift, mode="", g=None, **sizes):
    """An update with that way of storing weights, or, without one, a gradient."""
    random = np.random.default_rng(seed)
    zero, rates = ZEROS[seed % 5], outputs if seed % 2 or g is not None else 1
    weights, none = outputs * elements, np.int8([])
    w = np.maximum(any_int8(random, weights), -127)
    r, r2 = (any_int8(random, weights) if mode in names else none for names in (("r", "r2"), ("r2",)))
    for rest in (r, r2):  # weights are within +-127 with what is left over
        rest[(np.abs(w) == 127)[: rest.size]] = 0
    exponents = exponents_at((2,), (seed % 7 - 3,)) if seed % 3 else none
    e = int(exponents[2]) if seed % 3 else 0
    rate = np.stack(
        [random.integers(128, 256, rates), 128 + np.clip(shift + e + random.integers(-1, 2, rates), -128, 127)], 1
    )
    arrays = {
        "w": w, "b": random.integers(-5000, 5000, outputs).astype(np.int32),
        "r": r, "r2": r2, "draws": np.int32([[7], [-1], [2**31 - 1]][seed % 3] if mode == "draws" else []),
        "sums": np.zeros(elements, np.int32), "a": random.integers(-(2**31), 2**31, weights).astype(np.int32),
        "a_bias": random.integers(-(2**31), 2**31, outputs).astype(np.int32), "delta": error(random, entries),
        "x": with_zeros(random, any_int8(random, inputs), zero), "rate": rate.astype(np.uint8),
        "exponent": np.int32([seed % 4 - 2]), "exponents": exponents,
    }  # fmt: skip
    arrays["a"] //= random.choice([1, 1 << 12])
    numbers = {
        "sample_rate": int(seed % 3) << 9 | int((256, 129, 200)[seed % 3]), "x_zero": zero, "x_slot": 2,
        "bias_multiplier": int(random.integers(1 << 30)), "bias_shift": int(random.integers(0, 40)), "M": rates, **sizes,
    }  # fmt: skip
    agree(library, kernel, arrays, numbers, g)


@pytest.mark.parametrize("shift", SHIFTS)
def test_dense_updates_and_gradients(library, shift):
    for i, inputs in enumerate((1, 2, 3, 4, 5, 8, 15, 17, 33, 255, 2000)):
        for outputs in (1, 5):
            for mode in MODES:
                seed = 100 * inputs + outputs + i
                args = (outputs, outputs, inputs, inputs, seed, shift)
                train(library, dense.dense_update_s8, *args, mode, O=outputs, I=inputs)
            train(library, dense.dense_gradient_s8, *args, O=outputs, I=inputs)


@pytest.mark.parametrize("shift", range(-7, 24))
@pytest.mark.parametrize("x_zero", [-128, 127])
def test_the_largest_steps_of_all(library, shift, x_zero):
    """127 255 255 / 2^shift, in both directions, from weights at both ends: below 2^8 such steps are not of 16 bits."""
    inputs, delta = 21, np.int8([127, -127])
    arrays = {
        "w": np.resize(np.int8([-127, 127, 0, 1, -1]), 2 * inputs), "b": np.int32([0, 0]),
        "r": np.zeros(2 * inputs, np.int8), "r2": np.int8([]),
        "draws": np.int32([]), "delta": delta, "x": np.full(inputs, -1 - x_zero, np.int8),
        "rate": np.uint8([255, 128 + shift]), "exponent": np.int32([0]), "exponents": np.int8([]),
    }  # fmt: skip
    numbers = {"sample_rate": 256, "x_zero": x_zero, "x_slot": 0, "bias_multiplier": 1 << 20, "bias_shift": 9}
    agree(library, dense.dense_update_s8, arrays, numbers | {"O": 2, "I": inputs, "M": 1})


@pytest.mark.parametrize("g", [*SMALL, *WIDE], ids=label)
def test_conv_updates_and_gradients(library, g):
    h, w, c, ho, wo, outputs, kh, kw, *_ = map(int, g)
    for i, shift in enumerate(SHIFTS):
        args = (outputs, ho * wo * outputs, kh * kw * c, h * w * c, i, shift)
        train(library, conv.conv_update_s8, *args, MODES[0 if i % 2 else i // 2 % 4], np.int32(g))
        if i % 3 == 0:
            train(library, conv.conv_gradient_s8, *args, "", np.int32(g))
