"""Losses of int8 programs, against the oracles and against real numbers; in place, too."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.int8.loss import mean_squared_error_s8, reconstruction_s8, softmax_cross_entropy_s8
from mcuref.quantization.tables import probabilities
from mcuref.testing import oracles_int8_training as oracles

from .problems import EDGES, SIZES, ZEROS, drawn, one_factor, run_all, seeds

SCALES = (2.0**-9, 0.0625, 0.125, 0.3, 1.7, 40.0)


def agree(kernel, z, operands, arguments, expected, loss):
    """Error, exponent and what is returned are those; also where the error takes the place of the outputs."""
    values, e = expected
    got, (delta, exponent) = run_all(kernel, [z.shape, np.int32([77])], [z, *operands], arguments)
    assert (delta.tolist(), exponent.tolist(), int(got)) == (values.tolist(), [e], loss)
    place, exponent = z.copy(), np.int32([77])
    got = kernel(place, exponent, place, *operands, *map(np.int32, arguments))
    assert (place.tolist(), exponent.tolist(), int(got)) == (values.tolist(), [e], loss)


def softmax(z, table, label, grown=0):
    expected, p = oracles.softmax_cross_entropy(z, table, label, grown)
    agree(softmax_cross_entropy_s8, z, [table], (label, grown), expected, p)
    return expected, p


@pytest.mark.parametrize("n", [*SIZES, 255])
@pytest.mark.parametrize("scale", SCALES)
def test_softmax(n, scale):
    table = probabilities(scale, n)
    for pool in (None, EDGES, np.int8([7])):
        z = drawn(n, n, pool)
        for grown, label in enumerate({0, n // 2, n - 1, int(z.argmax()), int(z.argmin())}):
            softmax(z, table, label)
            softmax(z, table, label, 3 * grown + 1)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-128, 127), min_size=1, max_size=40), st.floats(2.0**-10, 100), st.integers(0, 15), st.data())
def test_drawn_softmaxes_are_near_the_real_ones(z, scale, grown, data):
    label, table = data.draw(st.integers(0, len(z) - 1)), probabilities(scale, len(z))
    (values, e), p = softmax(np.int8(z), table, label, grown)
    real = np.exp((np.float64(z) - max(z)) * scale * 2.0**grown)
    real /= real.sum()
    # an entry of the table errs by half of its last bit, those beyond its end by what e^-(255 scale) is, if the largest
    # difference is beyond; a sum, which is at least table[0], by n of that; the division by 2^-30
    beyond = math.exp(-255 * scale) if (max(z) - min(z)) * 2**grown > 255 else 0
    error = (0.5 / int(table[0]) + beyond) * (1 + len(z)) + 2.0**-30
    assert abs(p / 2**30 - real[label]) <= error
    real[label] -= 1
    # to int8 it is rounded by half a step, or clamped to 127 by less than one
    assert np.abs(values * 2.0**e - real).max() <= error + 2.0**e


@pytest.mark.parametrize("z, label, p, delta, exponent", [
    ([9], 0, 2**30, [0], -30),  # one output is sure
    ([5, 5], 1, 2**29, [64, -64], -7),
    ([5, 5, 5, 5], 2, 2**28, [32, 32, -96, 32], -7),
    ([127, -128], 1, 0, [64, -64], -6),  # the label is beyond the table
    ([-128, -128, 127], 2, 2**30, [0, 0, 0], -30),
])  # fmt: skip
def test_softmax_by_hand(z, label, p, delta, exponent):
    (values, e), got = softmax(np.int8(z), probabilities(0.125, len(z)), label)
    assert (values.tolist(), e, got) == (delta, exponent, p)


@pytest.mark.parametrize("n", [256, 65_535, 65_536])
def test_as_many_equal_outputs_as_32_bits_have_place_for(n):
    table = probabilities(0.125, n)
    assert int(table[0]) * n <= 2**30 < 2 * int(table[0]) * n
    softmax(np.full(n, 7, np.int8), table, n - 1)
    mixed = drawn(n, n)
    softmax(mixed, table, int(mixed.argmax()))


@pytest.mark.parametrize("scale", [*SCALES, 1e-30, 1e30])
@pytest.mark.parametrize("n", [1, 2, 3, 10, 16, 17, 65_536])
def test_tables_of_probabilities(scale, n):
    table, one = probabilities(scale, n), 2**30 // next(2**k for k in range(17) if 2**k >= n)
    real = [one * math.exp(-scale * d) for d in range(256)]
    assert table.dtype == np.int32 and table[0] == one and 1 <= table.size <= 256 and table[-1] > 0
    entries = np.append(table, np.zeros(256 - table.size))
    assert np.abs(entries - real).max() <= 0.5 + 2.0**30 * 2.0**-50  # math.exp errs by a few of 2^-53


def test_a_table_ends_where_there_is_nothing():
    assert probabilities(0.125, 10).size == 150 and probabilities(2.0**-9, 10).size == 256
    assert probabilities(0.125, 10)[-1] == 1


@pytest.mark.parametrize("n", [*SIZES, 255, 256])
def test_squares(n):
    random = np.random.default_rng(n)
    for reach in (0, 1, 100, 128, 2**12, 2**20):
        z, target = drawn(n, n), random.integers(-reach, reach + 1, n).astype(np.int32)
        agree(mean_squared_error_s8, z, [target], (), *oracles.mean_squared_error(z, target))


def test_squares_at_the_bound():
    z, target = np.int8([127, -128, 0]), np.int32([-(2**20), 2**20, 0])
    expected, loss = oracles.mean_squared_error(z, target)
    assert loss == 2**31 - 1 and expected.exponent == 14
    agree(mean_squared_error_s8, z, [target], (), expected, loss)
    near = np.int32([46340, 88, 0])  # 46340^2 + 88^2 is 2^31 - 304
    agree(mean_squared_error_s8, np.int8([0, 0, 0]), [near], (), *oracles.mean_squared_error([0, 0, 0], near))


def test_an_error_of_a_target_that_is_met():
    agree(mean_squared_error_s8, np.int8([3, -128]), [np.int32([3, -128])], (), oracles.Error(np.int8([0, 0]), 0), 0)


@settings(max_examples=100, deadline=None)
@given(seeds, st.sampled_from(SIZES), st.sampled_from(ZEROS), st.sampled_from(ZEROS), one_factor)
def test_reconstructions(seed, n, target_zero, z_zero, factor):
    z, target = drawn(n, seed), drawn(n, seed + 1)
    wanted = oracles.rescaled_target(target, target_zero, z_zero, *factor)
    expected = oracles.mean_squared_error(z, wanted)
    agree(reconstruction_s8, z, [target], (target_zero, z_zero, *factor), *expected)


def test_a_reconstruction_in_one_scale_is_a_difference():
    z, target = np.int8([5, -100, 127]), np.int8([7, 100, -128])
    arguments = 0, 0, 1 << 30, 1
    expected = oracles.mean_squared_error(z, target)
    agree(reconstruction_s8, z, [target], arguments, *expected)
    assert expected[1] == 4 + 200**2 + 255**2
