"""Updates of int8 weights with a float32 master against the oracle: every layer, geometry and shift."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.mixed import master as kernels
from mcuref.kernels.mixed.rows import apply_rows_master
from mcuref.testing import oracles_mixed as oracles

from ..int8.problems import seeds
from ..int8.test_sums import bits, sums
from ..int8.training import SHIFTS, Layer, call, problem
from ..windows import GEOMETRIES, geometries, geometry, label

RATES = (256, 129, 200, 1 << 9 | 256, 5 << 9 | 131, 60 << 9 | 129)
EXPONENTS = ((0, 0), (-9, 2), (6, -3))  # of errors and of inputs
SMALL = [g for g in GEOMETRIES if g[3] * g[4] * g[5] * g[6] * g[7] * g[2] < 60_000]
LAYERS = [Layer("conv", geometry((5, 5, 3), 4, (3, 3), padding="same")), Layer("dense", (19, 5)),
          Layer("depthwise", geometry((5, 5, 3), 6, (3, 3), padding="same"))]  # fmt: skip
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.kind)


def weights(layer, seed):
    """[w, b, master], masters up to 130 steps, some of them at halves."""
    random = np.random.default_rng(seed)
    size = layer.outputs * layer.elements
    master = np.where(random.random(size) < 0.3, random.integers(-260, 261, size) / 2, random.normal(0, 60, size))
    master = np.clip(master, -130, 130).astype(np.float32)
    b = random.integers(-(2**30), 2**30 + 1, layer.outputs).astype(np.int32)
    return [np.rint(np.clip(master, -127, 127)).astype(np.int8), b, master]


def assert_same(found, expected):
    (w, b, master), (expected_master, expected_w, expected_b) = found[:3], expected
    np.testing.assert_array_equal(master.view(np.int32), expected_master.view(np.int32))
    np.testing.assert_array_equal(w, expected_w)
    np.testing.assert_array_equal(b, expected_b)


def agree(case, seed=0, sample_rate=256):
    layer, (w, b, master) = case.layer, weights(case.layer, seed)
    kernel = getattr(kernels, f"{layer.kind}_update_master")
    arguments = [sample_rate, *case.numbers, *layer.behind]
    found = call(kernel, [w, b, master, *layer.scratch], [case.delta, case.x, *case.read], arguments)
    gradient = layer.gradient(case.delta, case.x, case.x_zero)
    assert_same(found, oracles.updated_master(w, b, master, gradient, layer.places, case.step, sample_rate))
    return (w, b, master), found


@pytest.mark.parametrize("outputs", [1, 2, 7, 17])
@pytest.mark.parametrize("inputs", [1, 2, 7, 8, 9, 16, 33, 64, 255])
def test_dense_layers_of_every_size(inputs, outputs):
    for seed, (rate, exponents) in enumerate(zip(RATES, EXPONENTS)):
        agree(problem(Layer("dense", (inputs, outputs)), seed, 12 + seed, exponents), seed, rate)


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("g", SMALL, ids=label)
def test_every_geometry(g, copies):
    agree(problem(Layer("conv", g), copies, 13), copies)
    agree(problem(Layer("depthwise", (*g[:5], g[2] * copies, *g[6:])), copies, 11), copies)


@every_layer
def test_every_shift_and_rate(layer):
    for shift in SHIFTS:
        for seed, exponents in enumerate(EXPONENTS):
            agree(problem(layer, shift + 100 + seed, shift, exponents, one_rate=layer.kind == "dense" and seed == 1), seed)
    for rate in RATES:
        agree(problem(layer, rate, 10), rate, rate)


@every_layer
def test_outputs_without_errors_are_not_touched(layer):
    case = problem(layer, 3, 9, zeros=0)
    entries = np.arange(layer.entries) % layer.outputs != 1
    before, found = agree(case._replace(delta=case.delta * entries.astype(np.int8)))
    own = [layer.places(1, i) for i in range(layer.elements)]
    for old, new, at in zip(before, found, (own, [1], own)):
        assert (old[at] == new[at]).all() and (old != new).any()


@every_layer
def test_a_weight_stops_at_127_and_its_master_does_not(layer):
    case = problem(layer, 1, -7, zeros=0)
    case = case._replace(delta=np.full_like(case.delta, -127), x=np.full_like(case.x, 127), x_zero=0)
    _, (w, _, master, *_) = agree(case)
    assert set(w) == {127} and master.min() > 127


def test_steps_too_small_for_a_weight_add_up_in_its_master():
    """A tenth of a step, ten times, is a step; without anything kept beside weights it is none."""
    layer = Layer("dense", (1, 1))
    case = problem(layer, 0, 0, zeros=0)
    step = case.step._replace(rate=np.uint8([205, 128 + 3]), exponent=0, x_exponent=0)  # 205 / 2^11
    case = case._replace(delta=np.int8([-1]), x=np.int8([1]), x_zero=0, step=step)
    w, b, master = np.int8([0]), np.int32([0]), np.float32([0])
    seen = []
    for _ in range(10):
        w, b, master = call(
            kernels.dense_update_master, [w, b, master], [case.delta, case.x, *case.read], [256, *case.numbers]
        )
        seen.append(int(w[0]))
    assert seen == [0] * 4 + [1] * 6 and master[0] == np.float32(2050 / 2048)


@every_layer
def test_touched_rows_are_applied(layer):
    places = layer.places
    strides = places(1, 0) - places(0, 0), places(0, 1) - places(0, 0)
    for seed, rate in enumerate((256, 129, 1 << 9 | 200, 9 << 9 | 256, 46 << 9 | 256, 47 << 9 | 256, 90 << 9 | 200)):
        for touched in (set(), {0}, {1, 3}, set(range(layer.outputs))):
            w, b, master = weights(layer, seed)
            a, a_bias = sums(layer, seed, 2 ** (4 * seed + 5))
            counted = []
            written = [w, b, bits(touched, layer.outputs), master]

            def kernel(*operands, counted=counted):
                counted.append(apply_rows_master(*operands))

            found = call(kernel, written, [a, a_bias], [rate, layer.elements, *strides])
            assert counted == [len(touched)] and not found[2].any()
            expected = oracles.applied_master(w, b, master, a, a_bias, touched, places, rate)
            assert_same([found[0], found[1], found[3]], expected)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.integers(1, 20), seeds, st.integers(-30, 75), st.integers(-9, 9))
def test_drawn_dense_layers(inputs, outputs, seed, shift, x_exponent):
    layer = Layer("dense", (inputs, outputs))
    case = problem(layer, seed, shift, (seed % 40 - 20, x_exponent), one_rate=seed % 2 == 0, spread=seed % 127 + 1)
    agree(case, seed, seed % 4 << 9 | 129 + seed % 128)


@settings(max_examples=60, deadline=None)
@given(geometries(), st.integers(1, 3), seeds, st.integers(-10, 40))
def test_drawn_convolutions(g, copies, seed, shift):
    agree(problem(Layer("conv", g), seed, shift), seed)
    agree(problem(Layer("depthwise", (*g[:5], g[2] * copies, *g[6:])), seed, shift), seed)
