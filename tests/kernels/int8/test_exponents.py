"""Exponents that follow what is seen of values, and shifts by them, against the oracles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.int8.exponents import adapt_s8, exponent, measure_s8, moved_shift, rsh, shifted_bias
from mcuref.testing import oracles_int8_training as oracles

from .problems import EDGES, NONE, SIZES, ZEROS, drawn, run_all, seeds

EXPONENTS = np.int8([0, -15, 3, 15])


@pytest.mark.parametrize("slot, e", list(enumerate(EXPONENTS)))
def test_the_exponent_of_a_place_and_0_where_there_are_none(slot, e):
    assert exponent(EXPONENTS, slot) == e and exponent(NONE, slot) == 0


@pytest.mark.parametrize("x, bits, shifted", [
    (5, 1, 3), (-5, 1, -2), (-6, 2, -1), (6, 2, 2), (7, 0, 7), (-7, -3, -56), (2**40, 62, 0), (-(2**60), 61, 0),
    (-(2**60) - 1, 61, -1), (2**61 - 1, 62, 0), (1 - 2**61, 99, 0), (3, 63, 0), (-3, 1000, 0),
])  # fmt: skip
def test_a_shift_rounds_halves_up(x, bits, shifted):
    assert rsh(np.int64(x), np.int64(bits)) == shifted == oracles.rounded(x, bits)


@settings(max_examples=200, deadline=None)
@given(st.integers(1 - 2**61, 2**61 - 1), st.integers(0, 100))
def test_shifts(x, bits):
    assert rsh(np.int64(x), np.int64(bits)) == oracles.rounded(x, bits)


@pytest.mark.parametrize("b", [0, 1, -1, 4000, -4001, 2**30, -(2**30) - 1, 2**31 - 1, -(2**31)])
def test_biases_of_every_exponent(b):
    got = [int(shifted_bias(np.int32(b), np.int64(e))) for e in range(-15, 16)]
    assert got == [oracles.shifted_bias(b, e) for e in range(-15, 16)]
    assert got[15] == b  # without an exponent it is what it was


def test_a_shift_that_is_moved_stays_within_what_scaling_takes():
    moved = {
        (shift, by): int(moved_shift(np.int32(shift), np.int64(by))) for shift in range(-31, 31) for by in range(-30, 31)
    }
    assert all(value == sorted((-31, shift + by, 30))[1] for (shift, by), value in moved.items())


def measured(y, zero):
    """What the kernel sees, which it returns the first of."""
    count, (seen,) = run_all(measure_s8, [np.full(3, 77, np.int32)], [y], (zero,))
    assert count == seen[0]
    return tuple(seen.tolist())


@pytest.mark.parametrize("zero", ZEROS)
def test_what_is_seen_of_values(zero):
    for n in (*SIZES, 255, 256, 1000):
        for pool in (None, EDGES, np.int8([zero])):
            y = drawn(n, n, pool)
            assert measured(y, zero) == oracles.measure(y, zero)


def test_an_end_that_stands_for_0_is_no_end():
    assert measured(np.int8([-128, 127, 3]), -128) == (1, 0, 255)
    assert measured(np.int8([-128, 127, 3]), 0) == (2, 128, 127)
    assert measured(np.int8([-128, 127, 3]), 127) == (1, 255, 0)


@pytest.mark.parametrize("n", [65_536, 65_537])
def test_all_values_at_an_end(n):
    assert measured(np.full(n, 127, np.int8), -128) == (n, 0, 255)


def adapted(seen, e, most, below, above):
    """The exponent after those samples, and the state."""
    exponents, state = np.int8([0, 99, e, 99]), np.zeros(4, np.int32)
    for each in seen:
        _, (exponents, state) = run_all(adapt_s8, [exponents, state], [np.int32(each)], (2, most, below, above))
    assert exponents.tolist() == [0, 99, exponents[2], 99]
    return int(exponents[2]), state.tolist()


@pytest.mark.parametrize("seen, after", [
    ((1, 0, 255), 4),  # 64 at an end, more than 63
    ((0, 0, 99), 2), ((0, 20, 100), 2), ((0, 21, 100), 3), ((0, 20, 101), 3), ((0, 0, 0), 3), ((0, 1, 0), 2),
])  # fmt: skip
def test_an_exponent_after_64_samples(seen, after):
    assert adapted([seen] * 64, 3, 63, 20, 100) == (after, [0, 0, 0, 0])
    assert adapted([seen] * 63, 3, 63, 20, 100) == (3, [63, 63 * seen[0], *seen[1:]])


def test_as_many_ends_as_may_be_are_no_reason_and_one_far_value_is():
    quiet = [(0, 0, 40)] * 63
    assert adapted([*quiet, (8, 0, 40)], 0, 8, 20, 100)[0] == -1
    assert adapted([(9, 0, 40), *quiet], 0, 8, 20, 100)[0] == 1
    assert adapted([(0, 0, 101), *quiet], 0, 8, 20, 100)[0] == 0


@pytest.mark.parametrize(
    "e, seen, after", [(15, (9, 0, 255), 15), (14, (9, 0, 255), 15), (-15, (0, 0, 1), -15), (-14, (0, 0, 1), -15)]
)
def test_exponents_have_ends(e, seen, after):
    assert adapted([seen] * 64, e, 8, 20, 100)[0] == after


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(-15, 15), st.integers(0, 100), st.integers(0, 140), st.integers(0, 255))
def test_drawn_windows_of_samples(seed, e, most, below, above):
    random = np.random.default_rng(seed)
    seen = random.integers(0, [3, 128, 256], (64, 3)) // random.integers(1, 40)
    assert adapted(seen, e, most, below, above) == (oracles.adapted(seen.tolist(), e, most, below, above), [0, 0, 0, 0])
