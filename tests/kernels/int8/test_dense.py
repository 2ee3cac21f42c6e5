"""Dense layers of int8 values against the oracle: sizes round every vector, factors of any size, sums that wrap."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.int8.dense import dense_forward_s8
from mcuref.testing import oracles_int8 as oracles

from .problems import (
    EDGES,
    EXPONENTS,
    SIZES,
    ZEROS,
    biases,
    clamps,
    drawn,
    exponents_at,
    factors,
    one_factor,
    run,
    seeds,
    two_exponents,
    zeros,
)


def agree(x, w, b, factor, x_zero, z_zero, low=-128, high=127, exponents=(0, 0)):
    x_slot, z_slot = slots = (3, 1)
    for values in (exponents_at(slots, exponents), *([np.int8([])] if exponents == (0, 0) else [])):
        got = run(dense_forward_s8, [b.shape], [x, w, b, *factor, values], (x_zero, z_zero, low, high, x_slot, z_slot))
        expected = oracles.dense_forward(x, w, b, *factor, x_zero, z_zero, low, high, *exponents)
        np.testing.assert_array_equal(got, expected)
    return got


@pytest.mark.parametrize("outputs", [1, 7, 8, 9, 15, 16, 17])
@pytest.mark.parametrize("inputs", [*SIZES, 255, 256])
def test_every_size_and_zero(outputs, inputs):
    seed = 100 * outputs + inputs
    x, w, b = drawn(inputs, seed), drawn((outputs, inputs), seed + 1), biases(outputs, seed)
    for i, (x_zero, z_zero) in enumerate(zip(ZEROS, ZEROS[::-1])):
        agree(x, w, b, factors(outputs, seed + i), x_zero, z_zero)
    agree(x, w, b, factors(1, seed), 5, -7)  # one factor for all
    for exponents in EXPONENTS:
        agree(x, w, b, factors(outputs, seed), 5, -7, exponents=exponents)


@pytest.mark.parametrize("w", [-128, 127])
@pytest.mark.parametrize("x, x_zero", [(-128, 127), (127, -128)])
def test_the_largest_sums_at_both_ends(x, x_zero, w):
    x, w, b = np.full(66_000, x, np.int8), np.full((9, 66_000), w, np.int8), np.zeros(9, np.int32)
    factor = np.full(9, 1 << 30, np.int32), np.full(9, -20, np.int8)
    for inputs in (3, 65_793, 66_000):  # of 255 128 each; the last of them does not fit int32
        got = agree(x[:inputs], w[:, :inputs], b, factor, x_zero, 3)
    assert len(set(got)) == 1


def test_all_biases_take_part():
    x, w = np.int8([1]), np.zeros((17, 1), np.int8)
    got = agree(x, w, np.arange(-8, 9, dtype=np.int32), (np.full(1, 1 << 30, np.int32), np.int8([1])), 0, 1)
    assert got.tolist() == list(range(-7, 10))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 70), seeds, one_factor, zeros, zeros, clamps, st.booleans(), two_exponents)
def test_drawn_ones(outputs, inputs, seed, factor, x_zero, z_zero, limits, edges, exponents):
    x, w = (drawn(shape, seed, EDGES if edges else None) for shape in (inputs, (outputs, inputs)))
    agree(x, w, biases(outputs, seed), factors(outputs, seed), x_zero, z_zero, *limits, exponents)
    one = np.int32(factor[:1]), np.int8(factor[1:])
    agree(x, w, biases(outputs, seed), one, x_zero, z_zero, *limits, exponents)
