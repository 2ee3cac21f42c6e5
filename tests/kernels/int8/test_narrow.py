"""Errors made narrow, against the oracles: every size, the ends of int32, ties, zeros."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.int8.narrow import bit_length, narrow_s8, relu_backward_s8
from mcuref.testing import oracles_int8_training as oracles

from .problems import EDGES, SIZES, drawn, run_all, seeds

LOW, HIGH = -(2**31), 2**31 - 1
POOLS = (None, np.int32([0]), np.int32([0, 1, -1]), np.int32([LOW, HIGH, 0, 5]), np.int32([127, -127, 128, -128, 255, 256]))


def values(n, seed, pool=None):
    """int32 values of that pool, or of any magnitude."""
    random = np.random.default_rng(seed)
    if pool is not None:
        return random.choice(pool, n)
    return (random.integers(LOW, HIGH, n) >> random.integers(0, 32)).astype(np.int32)


def agree(kernel, inputs, exponent, passing, arguments=()):
    """The kernel's error and number of clamped values are the oracle's of ``passing``."""
    before = [np.full(len(passing), 77, np.int8), np.int32([77])]
    clamped, (got, e) = run_all(kernel, before, [*inputs, np.int32([exponent])], arguments)
    expected, clamps = oracles.narrow(passing, exponent)
    assert (got.tolist(), e.tolist(), clamped) == (expected.values.tolist(), [expected.exponent], clamps)


@pytest.mark.parametrize("bits", range(32))
def test_how_many_bits_a_number_has(bits):
    assert [int(bit_length(2**bits + more)) for more in (-1, 0, 1)] == [(2**bits + more).bit_length() for more in (-1, 0, 1)]


@pytest.mark.parametrize("n", [*SIZES, 255, 256, 1000])
def test_narrow(n):
    for seed, pool in enumerate(POOLS * 3):
        x = values(n, 100 * n + seed, pool)
        agree(narrow_s8, [x], seed - 7, x)


@pytest.mark.parametrize("x, y, e, clamped", [
    ([127, -127, 1], [127, -127, 1], -14, 0), ([128, 1, 2, -3], [64, 1, 1, -1], -13, 0), ([255, -255], [127, -127], -13, 1),
    ([0, 0], [0, 0], -14, 0), ([HIGH, LOW], [64, -64], 11, 0), ([HIGH], [127], 10, 1), ([-HIGH], [-127], 10, 1),
    ([LOW], [-64], 11, 0), ([LOW + 1, 2**24], [-127, 1], 10, 1), ([253, -253], [127, -126], -13, 0),
])  # fmt: skip
def test_narrow_by_hand(x, y, e, clamped):
    count, (got, exponent) = run_all(narrow_s8, [len(x) and (len(x),), np.int32([77])], [np.int32(x), np.int32([0])], ())
    assert (got.tolist(), exponent.tolist(), count) == (y, [e], clamped)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(LOW, HIGH), min_size=1, max_size=40), st.integers(0, 31), st.integers(-500, 500))
def test_drawn_errors_are_within_half_a_step_or_clamped(x, down, exponent):
    x = np.int32(x) >> down
    agree(narrow_s8, [x], exponent, x)


@pytest.mark.parametrize("n", [65_535, 65_536, 65_537])
def test_many_values(n):
    x = values(n, n)
    agree(narrow_s8, [x], 3, x)


LIMITS = ((-128, 127), (-128, 128), (0, 60), (-129, 300), (5, 6))


@pytest.mark.parametrize("n", [*SIZES, 255, 256])
def test_back_through_a_rectifier(n):
    for seed, pool in enumerate(POOLS * 2):
        dy, y = values(n, seed, pool), drawn(n, seed, EDGES if seed % 2 else None)
        for limits in LIMITS:
            agree(relu_backward_s8, [dy, y], -20, oracles.relu_masked(dy, y, *limits), limits)


@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 200), st.integers(-129, 128), st.integers(0, 257))
def test_drawn_rectifiers(seed, n, low, width):
    dy, y = values(n, seed), drawn(n, seed + 1)
    agree(relu_backward_s8, [dy, y], 5, oracles.relu_masked(dy, y, low, low + width), (low, low + width))


def test_an_error_may_take_the_place_of_what_it_is_compared_with():
    dy, y = values(100, 1), drawn(100, 2)
    expected, _ = oracles.narrow(oracles.relu_masked(dy, y, -50, 90), 3)
    relu_backward_s8(y, np.int32([0]), dy, y, np.int32([3]), -50, 90)
    np.testing.assert_array_equal(y, expected.values)


def test_only_what_passes_decides_how_far_is_shifted():
    _, (dx, e) = run_all(
        relu_backward_s8, [(3,), np.int32([0])], [np.int32([HIGH, 100, LOW]), np.int8([0, 5, 9]), np.int32([0])], (0, 9)
    )
    assert (dx.tolist(), e.tolist()) == ([0, 100, 0], [-14])
