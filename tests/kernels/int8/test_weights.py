"""Updates of int8 weights against the oracle: every layer, mode, size and shift, and what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.draws import random_bits
from mcuref.kernels.int8.weights import noise_of, truncated
from mcuref.testing import oracles_int8_weights as oracles
from mcuref.testing.oracles_random import philox

from ..windows import GEOMETRIES, geometries, geometry, label
from .problems import seeds
from .training import MODES, SHIFTS, Layer, Problem, assert_weights, expected_update, problem, update, weights

RATES = (256, 129, 200, 1 << 9 | 256, 5 << 9 | 131)
EXPONENTS = ((0, 0), (-9, 2), (6, -3))  # of errors and of inputs
SMALL = [g for g in GEOMETRIES if g[3] * g[4] * g[5] * g[6] * g[7] * g[2] < 60_000]
MANY_CHANNELS = geometry((4, 4, 60), 40, (3, 3), padding="same")  # of which sums do not fit the stack at once
LAYERS = [Layer("conv", geometry((5, 5, 3), 4, (3, 3), padding="same")), Layer("dense", (19, 5)),
          Layer("depthwise", geometry((5, 5, 3), 6, (3, 3), padding="same"))]  # fmt: skip
every_mode = pytest.mark.parametrize("mode", MODES)
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.kind)


def agree(case, mode, seed=0, sample_rate=256):
    arrays = weights(case.layer, mode, seed)
    found, expected = update(case, arrays, sample_rate), expected_update(case, arrays, sample_rate)
    assert_weights(found, expected)
    return arrays, found


@every_mode
@pytest.mark.parametrize("outputs", [1, 2, 3, 7, 8, 17])
@pytest.mark.parametrize("inputs", [1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256])
def test_dense_layers_of_every_size(inputs, outputs, mode):
    for seed, (rate, exponents) in enumerate(zip(RATES, EXPONENTS)):
        agree(problem(Layer("dense", (inputs, outputs)), seed, 12 + seed, exponents), mode, seed, rate)


@every_mode
@pytest.mark.parametrize("g", SMALL, ids=label)
def test_convolutions_of_every_geometry(g, mode):
    for seed, shift in enumerate((9, 14)):
        agree(problem(Layer("conv", g), seed, shift), mode, seed)


@every_mode
@pytest.mark.parametrize("g", [*SMALL, MANY_CHANNELS], ids=label)
def test_convolutions_with_few_errors(g, mode):
    for seed, zeros in enumerate((0.85, 0.95)):
        agree(problem(Layer("conv", g), seed, 9, zeros=zeros), mode, seed)
        agree(problem(Layer("depthwise", (*g[:5], g[2], *g[6:])), seed, 9, zeros=zeros), mode, seed)


@every_mode
@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize("g", SMALL, ids=label)
def test_depthwise_convolutions_of_every_geometry(g, copies, mode):
    g = (*g[:5], g[2] * copies, *g[6:])
    agree(problem(Layer("depthwise", g), copies, 11), mode)


@every_mode
@every_layer
def test_every_shift(layer, mode):
    for shift in SHIFTS:
        for exponents in EXPONENTS:
            for seed, one_rate in enumerate((False, layer.kind == "dense")):
                agree(problem(layer, shift + 100 + seed, shift, exponents, one_rate=one_rate), mode, seed)


@every_mode
@every_layer
def test_every_rate(layer, mode):
    for rate in (*RATES, 40 << 9 | 256, 60 << 9 | 129):
        agree(problem(layer, rate, 10), mode, rate, rate)


@every_mode
@every_layer
def test_without_errors_nothing_changes_and_nothing_is_drawn(layer, mode):
    arrays, found = agree(problem(layer, 0, zeros=1), mode)
    for before, after in zip(arrays, found):
        np.testing.assert_array_equal(before, after)


@every_mode
@every_layer
def test_outputs_without_errors_are_not_touched(layer, mode):
    case = problem(layer, 3, 4, zeros=0)
    entries = np.arange(layer.entries) % layer.outputs != 1
    arrays, found = agree(case._replace(delta=case.delta * entries.astype(np.int8)), mode)
    for i in range(layer.elements):
        at = layer.places(1, i)
        assert arrays[0][at] == found[0][at]
    assert arrays[1][1] == found[1][1] and (arrays[1] != found[1]).any() and (arrays[0] != found[0]).any()


@every_mode
@every_layer
def test_weights_and_biases_stop_at_their_bounds(layer, mode):
    for sign in (-1, 1):
        case = problem(layer, 1, -7, zeros=0)
        step = case.step._replace(bias_multiplier=(1 << 30) - 1, bias_shift=-40)
        case = case._replace(delta=np.full_like(case.delta, -127 * sign), x=np.full_like(case.x, 127), x_zero=0, step=step)
        _, (w, b, r, r2, _) = agree(case, mode)
        assert set(w) == {127 * sign} and set(b) == {sign << 30}
        assert set(r) <= {0} and set(r2) <= {0}


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_largest_sums_of_a_convolution(kind, sign):
    positions = 66_311  # the most of which sums of 127 255 fit int32
    assert positions * 127 * 255 < 2**31 <= (positions + 1) * 127 * 255
    layer = Layer(kind, geometry((1, positions, 1), 1, (1, 1)))
    case = problem(layer, 0, 31, zeros=0)
    case = case._replace(
        delta=np.full(positions, 127 * sign, np.int8), x=np.full(positions, 127, np.int8), x_zero=-128,
        step=case.step._replace(rate=np.uint8([255, 31 + 128])),
    )  # fmt: skip
    arrays = [np.int8([0]), np.int32([0]), np.int8([0]), np.int8([]), np.int32([])]
    found = update(case, arrays, 256)
    assert_weights(found, expected_update(case, arrays, 256))
    assert found[0][0] == -sign  # 255 of 2^8


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(MODES), st.integers(1, 70), st.integers(1, 20), seeds, st.integers(-30, 75), st.integers(-9, 9))
def test_drawn_dense_layers(mode, inputs, outputs, seed, shift, x_exponent):
    layer = Layer("dense", (inputs, outputs))
    case = problem(layer, seed, shift, (seed % 40 - 20, x_exponent), one_rate=seed % 2 == 0, spread=seed % 127 + 1)
    agree(case, mode, seed, seed % 4 << 9 | 129 + seed % 128)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(MODES), geometries(), st.integers(1, 3), seeds, st.integers(-10, 40))
def test_drawn_convolutions(mode, g, copies, seed, shift):
    agree(problem(Layer("conv", g), seed, shift), mode, seed)
    agree(problem(Layer("depthwise", (*g[:5], g[2] * copies, *g[6:])), seed, shift), mode, seed)


# -- what the modes are for ----------------------------------------------------------------------------------------------


def test_the_generator_has_the_known_answer():
    assert philox(0, 0) == (0xFF1DAE59, 0x6CD10DF2)  # of the Random123 library
    for stream, index in ((0, 0), (1, 0), (2**32 - 1, 12345), (7, 2**31)):
        low, high = philox(stream, index)
        assert int(random_bits(0, np.int64(stream), np.int64(index))) == low + (high << 32)


def test_noise_is_a_pure_function_of_counter_and_number_and_fills_its_range():
    for shift in (1, 5, 16, 17, 40, 62):
        bits = [np.uint64(random_bits(0, np.int64(9), np.int64(i >> 2))) for i in range(64)]
        drawn = [int(noise_of(word, np.int64(i), np.int64(shift))) for i, word in enumerate(bits)]
        assert drawn == [oracles.draw(9, i, shift) for i in range(64)]
        assert min(drawn) >= 0 and max(drawn) < 2**shift and len(set(drawn)) > min(1, shift)


def one_weight_a_row(v, shift, outputs):
    """A dense layer each of whose steps is v / 2^shift, with v even and below 254."""
    layer = Layer("dense", (1, outputs))
    rate = np.tile(np.uint8([128, shift + 7 + 128]), outputs)
    return Problem(layer, np.full(outputs, v, np.int8), np.int8([1]), 0, oracles.Step(rate, 0, 0, 128, 0))


@pytest.mark.parametrize("v", [1, 37, -37, 101])
def test_stochastic_steps_are_right_on_average(v):
    n, rounds = 500, 20
    case, total = one_weight_a_row(v, 7, n), 0
    for counter in range(rounds):
        arrays = [np.zeros(n, np.int8), np.zeros(n, np.int32), np.int8([]), np.int8([]), np.int32([counter])]
        w, *_, draws = update(case, arrays, 256)
        total += int(-w.sum(dtype=np.int64))
        assert draws.tolist() == [counter + 1] and set(w) <= {0, -1, 1}
    # each step is 0 or sign(v) with a variance below 1/4: six standard deviations of the mean
    assert abs(total / (n * rounds) - v / 128) < 6 * 0.5 / np.sqrt(n * rounds)
    assert total != 0


def test_stochastic_steps_differ_between_counters_and_between_weights_only():
    n, found = 64, []
    case = one_weight_a_row(64, 7, n)
    for counter in (5, 6, 5):
        arrays = [np.zeros(n, np.int8), np.zeros(n, np.int32), np.int8([]), np.int8([]), np.int32([counter])]
        found.append(update(case, arrays, 256)[0].tolist())
    assert found[0] == found[2] != found[1] and len(set(found[0])) == 2


def test_residuals_keep_what_a_weight_alone_loses():
    n = 1
    case = one_weight_a_row(1, 0, n)  # a step of 1 / 256, or of 1 / 65536, of a weight
    for size, residuals in ((256, [np.zeros(n, np.int8), np.int8([])]), (65536, [np.zeros(n, np.int8)] * 2)):
        arrays = [np.zeros(n, np.int8), np.zeros(n, np.int32), *residuals, np.int32([])]
        for step in range(1, size // 2 + 2):
            arrays = update(case, arrays, 256)
            if step in (size // 2, size // 2 + 1):
                assert arrays[0][0] == (0 if step == size // 2 else -1)  # halves go up
    whole = one_weight_a_row(127, 7, n)
    arrays = [np.zeros(n, np.int8), np.zeros(n, np.int32), np.int8([]), np.int8([]), np.int32([])]
    assert update(whole, arrays, 256)[0][0] == 0


@pytest.mark.parametrize("w, change, becomes", [
    (5, 0.3, 4), (5, -0.3, 5), (-5, 0.3, -5), (-5, -0.3, -4), (0, 0.3, 0), (0, -0.3, 0), (5, 1e-7, 5), (-5, -1e-7, -5),
    (127, -0.9, 127),
])  # fmt: skip
def test_truncated_weights_shrink(w, change, becomes):
    """As measured of TinyEngine's kernels, which convert a float32 to int8; what float32 does not hold changes nothing."""
    assert truncated(w, round(change * 2**30), 30) == becomes
