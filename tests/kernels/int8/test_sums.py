"""Sums of gradients of int8 layers, for batches and momentum, against the oracle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.int8.sums import apply_rows_s8, begin_rows_s8
from mcuref.testing import oracles_int8_weights as oracles

from ..windows import GEOMETRIES, geometries, geometry, label
from .problems import seeds
from .training import MODES, SHIFTS, Layer, assert_weights, call, problem, weights

LAYERS = [Layer("dense", (19, 9)), Layer("conv", geometry((5, 5, 3), 4, (3, 3), padding="same")),
          Layer("depthwise", geometry((5, 5, 3), 6, (3, 3), padding="same"))]  # fmt: skip
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.kind)


def sums(layer, seed, largest=2**31 - 1):
    """(a, a_bias) before, up to that size."""
    random = np.random.default_rng(seed)
    size = layer.outputs * layer.elements
    return [random.integers(-largest, largest + 1, n).astype(np.int32) for n in (size, layer.outputs)]


def bits(rows, count):
    """uint8[ceil(count / 8)] in which those bits are set."""
    packed = np.zeros((count + 7) // 8, np.uint8)
    for row in rows:
        packed[row // 8] |= 1 << row % 8
    return packed


def add(case, seed, largest=2**20):
    a, a_bias = sums(case.layer, seed, largest)
    read = [case.delta, case.x, *case.read]
    arguments = [*case.numbers, *case.layer.behind]
    found = call(case.layer.kernel("gradient"), [a, a_bias, *case.layer.scratch], read, arguments)
    gradient = case.layer.gradient(case.delta, case.x, case.x_zero)
    for got, expected in zip(found, oracles.summed(a, a_bias, gradient, case.layer.places, case.step)):
        np.testing.assert_array_equal(got, expected)
    return found


def begin(layer, delta, touched, seed, momentum):
    a, a_bias = sums(layer, seed)
    written, places = [a, a_bias, bits(touched, layer.outputs)], layer.places
    strides = places(1, 0) - places(0, 0), places(0, 1) - places(0, 0)
    found = call(begin_rows_s8, written, [delta], [momentum, layer.elements, *strides])
    *expected, rows = oracles.begun(a, a_bias, touched, delta, places, momentum)
    for got, wanted in zip(found, [*expected, bits(rows, layer.outputs)]):
        np.testing.assert_array_equal(got, wanted)
    return found


def apply(layer, mode, touched, seed, rate):
    w, b, r, r2, draws = weights(layer, mode, seed)
    a, a_bias = sums(layer, seed, 2 ** (seed % 31))
    places = layer.places

    def kernel(*operands):
        nonlocal rows
        rows = apply_rows_s8(*operands)

    rows, strides = None, (places(1, 0) - places(0, 0), places(0, 1) - places(0, 0))
    written = [w, b, bits(touched, layer.outputs), r, r2, draws]
    found = call(kernel, written, [a, a_bias], [rate, layer.elements, *strides])
    assert rows == len(touched) and not found[2].any()
    expected = oracles.applied(oracles.as_weights(w, b, r, r2, draws), a, a_bias, touched, places, rate)
    assert_weights([found[0], found[1], *found[3:]], expected)
    return found


@every_layer
def test_gradients_of_every_shift(layer):
    for shift in SHIFTS:
        for seed, exponents in enumerate(((0, 0), (-9, 2), (6, -3))):
            add(problem(layer, seed + shift + 50, shift, exponents, one_rate=layer.kind == "dense" and seed == 1), seed)


@pytest.mark.parametrize("outputs", [1, 2, 7, 8, 17])
@pytest.mark.parametrize("inputs", [1, 2, 3, 7, 15, 16, 17, 33, 64, 65, 255, 256])
def test_gradients_of_dense_layers_of_every_size(inputs, outputs):
    for seed, shift in enumerate((6, 12)):
        add(problem(Layer("dense", (inputs, outputs)), seed, shift), seed)


@pytest.mark.parametrize("g", [g for g in GEOMETRIES if g[3] * g[4] * g[5] * g[6] * g[7] * g[2] < 60_000], ids=label)
def test_gradients_of_every_geometry(g):
    add(problem(Layer("conv", g), 1, 11), 1)
    add(problem(Layer("depthwise", (*g[:5], g[2] * 2, *g[6:])), 1, 11), 1)


@every_layer
@pytest.mark.parametrize("sign", [-1, 1])
def test_sums_stop_at_the_ends_of_int32(layer, sign):
    case = problem(layer, 1, -7, zeros=0)
    step = case.step._replace(bias_multiplier=(1 << 30) - 1, bias_shift=-40)
    case = case._replace(delta=np.full_like(case.delta, 127 * sign), x=np.full_like(case.x, 127), x_zero=0, step=step)
    ends = {2**31 - 1} if sign > 0 else {-(2**31)}
    assert [set(part) for part in add(case, 1, 2**31 - 1)[:2]] == [ends, ends]


@every_layer
@pytest.mark.parametrize("momentum", [0, 1, 29491, 32767])
def test_rows_begin_once_and_decay(layer, momentum):
    for seed, touched in enumerate((set(), {0}, {1, 3}, set(range(layer.outputs)))):
        delta = problem(layer, seed, zeros=0.8).delta
        begin(layer, delta, touched, seed, momentum)
        a, a_bias, _ = begin(layer, np.zeros_like(delta), touched, seed, momentum)
        np.testing.assert_array_equal(a, sums(layer, seed)[0])
        np.testing.assert_array_equal(a_bias, sums(layer, seed)[1])


@every_layer
@pytest.mark.parametrize("mode", MODES)
def test_touched_rows_are_applied(layer, mode):
    for seed, rate in enumerate((256, 129, 1 << 9 | 200, 9 << 9 | 256, 46 << 9 | 256, 47 << 9 | 256, 90 << 9 | 200)):
        for touched in (set(), {0}, {1, 3}, set(range(layer.outputs))):
            apply(layer, mode, touched, 5 * seed + 3, rate)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(MODES), geometries(), st.sampled_from(["conv", "depthwise"]), seeds, st.integers(0, 32767))
def test_drawn_ones(mode, g, kind, seed, momentum):
    layer = Layer(kind, g if kind == "conv" else (*g[:5], g[2] * 2, *g[6:]))
    case = problem(layer, seed, seed % 40)
    add(case, seed)
    touched = {row for row in range(layer.outputs) if (seed >> row % 30) & 1}
    begin(layer, case.delta, touched, seed, momentum)
    apply(layer, mode, touched, seed, seed % 20 << 9 | 129 + seed % 128)
