"""The way back value by value, and values with exponents, against the oracles; in place, too."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.int8.add import add_backward_s8, add_forward_s8
from mcuref.kernels.int8.lookup import sigmoid_backward_s8, tanh_backward_s8
from mcuref.kernels.int8.relu import relu_masked_s8, rescale_s8
from mcuref.quantization import multipliers
from mcuref.testing import oracles_int8 as forward
from mcuref.testing import oracles_int8_training as oracles

from .problems import EDGES, SIZES, as_stored, clamps, drawn, one_factor, run, run_all, seeds, zeros

ALL = np.arange(-128, 128).astype(np.int8)
LIMITS = ((-128, 127), (-128, 128), (0, 60), (-129, 300), (5, 6), (7, 7))
exponents = st.tuples(*[st.integers(-15, 15)] * 3)
below_one = st.tuples(st.integers(1 << 30, (1 << 31) - 1), st.integers(-31, 0))


def moved(shift, by):
    return min(max(shift + by, -31), 30)


# -- rectifiers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [*SIZES, 255, 256, 1000])
def test_what_a_rectifier_lets_pass(n):
    for seed, limits in enumerate(LIMITS):
        dy, y = drawn(n, seed), drawn(n, seed + 1, EDGES if seed % 2 else None)
        expected = oracles.relu_masked(dy, y, *limits)
        assert run(relu_masked_s8, [n], [dy, y], limits).tolist() == expected
        place = dy.copy()
        relu_masked_s8(place, place, y, *map(np.int32, limits))
        assert place.tolist() == expected


@settings(max_examples=100, deadline=None)
@given(zeros, zeros, one_factor, clamps, exponents)
def test_every_value_in_another_scale_with_exponents(x_zero, y_zero, factor, limits, e):
    behind = x_zero, y_zero, *factor, *limits, 2, 1
    expected = forward.rescale(ALL, x_zero, y_zero, factor[0], moved(factor[1], e[2] - e[1]), *limits)
    np.testing.assert_array_equal(run(rescale_s8, [256], [ALL, np.int8([0, *e[1:]])], behind), expected)


def test_a_scale_is_twice_as_large_with_every_exponent():
    # x stands for 4 x, y for y / 2: y is 8 x, and clamped
    y = run(rescale_s8, [4], [np.int8([1, -2, 15, 16]), np.int8([0, 2, -1])], (0, 0, 1 << 30, 1, -128, 127, 1, 2))
    assert y.tolist() == [8, -16, 120, 127]


# -- addition -------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(seeds, st.tuples(zeros, zeros, zeros), st.tuples(below_one, below_one, below_one), clamps, exponents)
def test_additions_with_exponents(seed, offsets, factor, limits, e):
    a, b, table = np.append(EDGES, drawn(33, seed)), np.append(EDGES[::-1], drawn(33, seed + 1)), np.int8([0, *e])
    common = max(e[:2])
    shifts = [moved(factor[i][1], by) for i, by in enumerate((e[0] - common, e[1] - common, common - e[2]))]
    expected = forward.add_forward(a, b, offsets, [m for m, _ in factor], shifts, *limits)
    arguments = [value for i in range(3) for value in (offsets[i], *factor[i])]
    behind = *arguments, *limits, 1, 2, 3
    np.testing.assert_array_equal(run(add_forward_s8, [a.shape], [a, b, table], behind), expected)
    place = a.copy()
    add_forward_s8(place, place, b, table, *map(as_stored, behind))
    np.testing.assert_array_equal(place, expected)


@settings(max_examples=100, deadline=None)
@given(seeds, st.tuples(*[st.integers(-4, 4)] * 3), st.lists(st.sampled_from([0.5, 1.0, 1.3, 0.07]), min_size=3, max_size=3))
def test_an_addition_with_exponents_is_that_of_real_numbers(seed, e, scales):
    a, b = drawn(40, seed), drawn(40, seed + 1)
    factors = multipliers.of_addition(*scales)
    arguments = [value for factor in factors for value in (0, *factor)]
    y = run(add_forward_s8, [40], [a, b, np.int8(e)], (*arguments, -128, 127, 0, 1, 2))
    unit = [Fraction(scale) * Fraction(2) ** by for scale, by in zip(scales, e)]
    for value, left, right in zip(y.tolist(), a.tolist(), b.tolist()):
        real = (left * unit[0] + right * unit[1]) / unit[2]
        # half a step, and of terms with 20 bits behind the point a few of their last
        error = Fraction(1, 2) + Fraction(8, 2**20) * (1 + (max(unit[:2]) / unit[2]))
        assert abs(value - min(max(real, -128), 127)) <= error


def add_back(a, b, e, multipliers, shifts):
    """(dx, its exponent), held to the oracle and to the bound."""
    before = [np.full(a.size, 77, np.int32), np.int32([77])]
    inputs = [a, b, np.int32([e[0]]), np.int32([e[1]])]
    arguments = multipliers[0], shifts[0], multipliers[1], shifts[1]
    _, (dx, exponent) = run_all(add_backward_s8, before, inputs, arguments)
    expected, common = oracles.add_backward(a, b, e, multipliers, shifts)
    np.testing.assert_array_equal(dx, expected)
    assert exponent.tolist() == [common]
    return dx, common


@pytest.mark.parametrize("n", [*SIZES, 255, 256])
def test_errors_that_meet(n):
    for seed, e in enumerate([(0, 0), (-15, 3), (40, -40), (1000, -1000), (-3, -2)]):
        for pools in ((None, None), (EDGES, np.int8([0])), (np.int8([0]), EDGES), (np.int8([0]), np.int8([0]))):
            a, b = (drawn(n, seed + i, pool) for i, pool in enumerate(pools))
            add_back(a, b, e, (20000, 32767), (-14, 3))


@settings(max_examples=100, deadline=None)
@given(seeds, st.tuples(*[st.integers(-60, 60)] * 2), st.tuples(*[st.integers(0, 2**15 - 1)] * 2), st.integers(-20, 20))
def test_drawn_errors_that_meet_are_within_a_step_of_the_real_sum(seed, e, multipliers, shift):
    a, b = drawn(33, seed), drawn(33, seed + 1)
    dx, common = add_back(a, b, e, multipliers, (shift, -5))
    for got, left, right in zip(dx.tolist(), a.tolist(), b.tolist()):
        real = left * multipliers[0] * Fraction(2) ** (e[0] + shift) + right * multipliers[1] * Fraction(2) ** (e[1] - 5)
        assert abs(got - real / Fraction(2) ** common) <= 1


def test_errors_that_meet_at_the_bound():
    dx, _ = add_back(np.int8([127, -127]), np.int8([127, -127]), (0, 0), (2**15 - 1,) * 2, (0, 0))
    assert dx.tolist() == [2 * 127 * 32767, -2 * 127 * 32767] and dx[0] < 2**23


def test_a_side_that_is_0_does_not_decide_the_exponent():
    assert add_back(np.int8([0, 0]), np.int8([3, -5]), (50, -7), (1, 2), (0, 0))[1] == -7
    assert add_back(np.int8([3, -5]), np.int8([0, 0]), (-9, 7), (1, 2), (0, 0))[1] == -9
    assert add_back(np.int8([0, 0]), np.int8([0, 0]), (50, -7), (1, 2), (0, 0))[1] == 50


# -- tables ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel, oracle, steepest", [
    (tanh_backward_s8, oracles.tanh_backward, 0),
    (sigmoid_backward_s8, oracles.sigmoid_backward, 0),
], ids=["tanh", "sigmoid"])  # fmt: skip
def test_back_through_tables(kernel, oracle, steepest):
    dy, y = (values.reshape(-1) for values in np.meshgrid(ALL[1:], ALL))
    dx = run(kernel, [np.full(dy.size, 77, np.int32)], [dy, y], ())
    np.testing.assert_array_equal(dx, oracle(dy, y))
    assert dx.max() == -dx.min() == 127 * 2**14 == dx[(dy == 127) & (y == steepest)][0]
    for n in SIZES:
        np.testing.assert_array_equal(run(kernel, [np.zeros(n, np.int32)], [dy[:n], y[-n:]], ()), oracle(dy[:n], y[-n:]))


def test_slopes_of_tables_by_hand():
    assert run(tanh_backward_s8, [np.int32([0])], [np.int8([2]), np.int8([64])], ()) == 2 * 2**14 * 3 // 4
    assert run(sigmoid_backward_s8, [np.int32([0])], [np.int8([2]), np.int8([-64])], ()) == 2 * 2**16 * 3 // 16
