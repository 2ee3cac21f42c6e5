"""Pooling of int8 values against the oracles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.int8.pooling import (
    average_pool_apart_backward_s8,
    average_pool_backward_s8,
    average_pool_forward_s8,
    max_pool_apart_backward_s8,
    max_pool_backward_s8,
    max_pool_forward_s8,
    mean_forward_s8,
)
from mcuref.layers.window import Window
from mcuref.testing import oracles_int8 as oracles
from mcuref.testing import oracles_int8_training as training

from ..windows import every_channelwise_geometry, geometries
from .problems import EDGES, FACTORS, NO_TAPS, NONE, ZEROS, clamps, drawn, one_factor, run, run_all, seeds, zeros

KINDS = (
    (max_pool_forward_s8, [NO_TAPS], oracles.max_pool_forward),
    (average_pool_forward_s8, [], oracles.average_pool_forward),
)


def agree(g, x, limits):
    for kernel, taps, oracle in KINDS:
        got = run(kernel, [g[3:6], *taps], [x], (*limits, tuple(map(int, g))))
        np.testing.assert_array_equal(got, oracle(x, g, *limits))


@every_channelwise_geometry
def test_every_geometry(g):
    for seed, limits in enumerate([(-128, 127), (-128, -100), (0, 60), (127, 127)]):
        agree(g, drawn(g[:3], seed), limits)
        agree(g, drawn(g[:3], seed, EDGES), limits)


@settings(max_examples=60, deadline=None)
@given(geometries(channelwise=True), seeds, clamps)
def test_drawn_windows(g, seed, limits):
    agree(g, drawn(g[:3], seed), limits)


@pytest.mark.parametrize("values, mean", [([1, 2], 2), ([-1, -2], -2), ([1, 0, 0], 0), ([-1, -1, 0], -1), ([127] * 9, 127)])
def test_halves_of_an_average_go_away_from_0(values, mean):
    g = (1, len(values), 1, 1, 1, 1, 1, len(values), 1, 1, 0, 0)
    assert run(average_pool_forward_s8, [1], [np.int8(values)], (-128, 127, g)).tolist() == [mean]


def agree_on_the_way_back(g, seed, limits=(-128, 127), pool=None):
    """Largest values with their taps, and errors back to where they were; averages likewise."""
    x, dy, numbers = drawn(g[:3], seed, pool), np.maximum(drawn(g[3:6], seed + 1), np.int8(-127)), tuple(map(int, g))
    _, (y, taps) = run_all(max_pool_forward_s8, [g[3:6], np.full(dy.size, 77, np.uint8)], [x], (*limits, numbers))
    np.testing.assert_array_equal(y, oracles.max_pool_forward(x, g, *limits))
    np.testing.assert_array_equal(taps, training.first_largest(x, g))
    before = np.full(x.size, 77, np.int32)
    got = run(max_pool_backward_s8, [before], [dy, taps], (numbers,))
    np.testing.assert_array_equal(got, training.max_pool_backward(dy, taps, g))
    got = run(average_pool_backward_s8, [before], [dy], (numbers,))
    np.testing.assert_array_equal(got, training.average_pool_backward(dy, g))


@every_channelwise_geometry
def test_the_way_back_of_every_geometry(g):
    for seed, limits in enumerate([(-128, 127), (-128, -100), (0, 60)]):
        agree_on_the_way_back(g, seed, limits)
        agree_on_the_way_back(g, seed, limits, EDGES)
    agree_on_the_way_back(g, 0, pool=np.int8([-128]))


def agree_apart(g, seed):
    """Errors of windows that do not overlap, each back to where it came from."""
    x, dy, numbers = drawn(g[:3], seed), drawn(g[3:6], seed + 1), tuple(map(int, g))
    taps, before = training.first_largest(x, g), np.full(x.size, 77, np.int8)
    got = run(max_pool_apart_backward_s8, [before], [dy, taps], (numbers,))
    np.testing.assert_array_equal(got, training.max_pool_backward(dy, taps, g))
    got = run(average_pool_apart_backward_s8, [before], [dy], (numbers,))
    np.testing.assert_array_equal(got, training.average_pool_apart_backward(dy, g))


@pytest.mark.parametrize("channels", [1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64])
@pytest.mark.parametrize("kernel, stride", [((2, 2), (2, 2)), ((1, 3), (2, 3)), ((2, 1), (3, 2)), ((6, 7), (6, 7))])
def test_windows_that_do_not_overlap(channels, kernel, stride):
    for padding in ("valid", "same"):
        agree_apart(Window(kernel, stride, padding).geometry((6, 7, channels), channels), channels)


@pytest.mark.parametrize("channels", [1, 2, 3, 7, 8, 15, 16, 17, 24, 31, 33, 64])
def test_every_number_of_channels(channels):
    g = Window((2, 3), (1, 2), "same").geometry((4, 5, channels), channels)
    agree(g, drawn(g[:3], channels), (-128, 127))
    agree_on_the_way_back(g, channels)


@pytest.mark.parametrize("values", [2, 3, 5, 129, 255, 4096, 65_535, 65_536, 65_537, 1_000_003, 2**23 - 1])
def test_averages_of_many_values_next_to_halves(values):
    g = (1, values, 1, 1, 1, 1, 1, values, 1, 1, 0, 0)
    for mean in (0, 1, 2, 63, 126):
        for less in (1, 0):
            total = mean * values + values - values // 2 - less  # what the next mean begins with, or one less
            x = np.full(values, total // values, np.int8)
            x[: total % values] += np.int8(1)
            assert x.sum(dtype=np.int64) == total and oracles.nearest(total, values) == mean + 1 - less
            for sign in (1, -1):
                limits = (-128, 127, g)
                got = run(average_pool_forward_s8, [1], [(sign * x).astype(np.int8)], limits)
                assert got.tolist() == [min(max(sign * (mean + 1 - less), -128), 127)]


@settings(max_examples=60, deadline=None)
@given(geometries(channelwise=True), seeds, clamps, st.booleans())
def test_drawn_ways_back(g, seed, limits, edges):
    agree_on_the_way_back(g, seed, limits, EDGES if edges else None)


def test_of_equal_values_the_first_is_the_largest_before_it_is_clamped():
    g = (1, 4, 1, 1, 1, 1, 1, 4, 1, 1, 0, 0)
    _, (y, taps) = run_all(max_pool_forward_s8, [1, np.uint8([77])], [np.int8([5, 9, 9, 7])], (-128, 6, g))
    assert (y.tolist(), taps.tolist()) == ([6], [1])


@pytest.mark.parametrize("windows, error", [(1, 127), (1, -127), (1032, 127), (1032, -127)])
def test_sums_of_averages_at_the_bound(windows, error):
    """One value of the input, which that many windows of one value inside see, each above and below another padding."""
    g = (1, 1, 1, windows, 1, 1, windows, 1, 1, 1, windows - 1, 0)
    dx = run(average_pool_backward_s8, [np.int32([77])], [np.full(windows, error, np.int8)], (g,))
    assert dx.tolist() == [error * 2**14 * windows]
    assert 127 * 2**14 * 1032 < 2**31 <= 127 * 2**14 * 1033


@pytest.mark.parametrize("values", [1, 3, 7, 64, 1000, 2**14, 2**15 - 1, 2**15, 2**15 + 1])
def test_an_error_of_an_average_has_14_bits_behind_the_point(values):
    g = (1, values, 1, 1, 1, 1, 1, values, 1, 1, 0, 0)
    dx = run(average_pool_backward_s8, [np.full(values, 77, np.int32)], [np.int8([-127])], (g,))
    assert dx.tolist() == [-127 * oracles.nearest_up(2**14, values)] * values


def test_the_largest_errors_of_many_windows_meet():
    g = (3, 3, 2, 5, 5, 2, 3, 3, 1, 1, 2, 2)
    x = np.full(18, -128, np.int8)
    x[8:10] = 127  # the middle, which all nine windows that see it choose
    _, (_, taps) = run_all(max_pool_forward_s8, [g[3:6], np.zeros(50, np.uint8)], [x], (-128, 127, g))
    dx = run(max_pool_backward_s8, [np.zeros(18, np.int32)], [np.full(50, 127, np.int8), taps], (g,))
    assert dx[8:10].tolist() == [9 * 127] * 2 and dx.sum() == 50 * 127


@settings(max_examples=50, deadline=None)
@given(st.tuples(*[st.integers(1, 5)] * 3), seeds, zeros, zeros, one_factor, st.tuples(*[st.integers(-15, 15)] * 2))
def test_means_with_exponents(shape, seed, x_zero, y_zero, factor, e):
    x, (h, w, c) = drawn(shape, seed), shape
    arguments = (x_zero, y_zero, *factor, -128, 127, (h, w, c, 1, 1, c, h, w, 1, 1, 0, 0))
    got = run(mean_forward_s8, [c], [x, np.int8([0, *e]), np.int8([1, 2])], arguments)
    shift = min(max(factor[1] + e[0] - e[1], -31), 30)
    np.testing.assert_array_equal(got, oracles.mean_forward(x, c, x_zero, y_zero, factor[0], shift))


def test_a_mean_is_twice_as_large_with_every_exponent():
    g = (
        1,
        2,
        1,
        1,
        1,
        1,
        1,
        2,
        1,
        1,
        0,
        0,
    )  # the multiplier 2^30 with shift 0 halves a sum of two; x is of 4 scales, y of 1/2
    arguments = (0, 0, 1 << 30, 0, -128, 127, g)
    assert run(mean_forward_s8, [1], [np.int8([3, 7]), np.int8([0, 2, -1]), np.int8([1, 2])], arguments) == [40]


def agree_on_means(shape, seed, x_zero, y_zero, factor, limits=(-128, 127), pool=None):
    x, (h, w, c) = drawn(shape, seed, pool), shape
    got = run(
        mean_forward_s8, [c], [x, NONE, NONE], (x_zero, y_zero, *factor, *limits, (h, w, c, 1, 1, c, h, w, 1, 1, 0, 0))
    )
    np.testing.assert_array_equal(got, oracles.mean_forward(x, c, x_zero, y_zero, *factor, *limits))


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 3), (7, 3, 17), (15, 17, 2), (8, 8, 64), (17, 16, 1)])
def test_means(shape):
    for seed, (x_zero, factor) in enumerate([(zero, factor) for zero in ZEROS for factor in FACTORS]):
        agree_on_means(shape, seed, x_zero, -x_zero - 1, factor)


@settings(max_examples=100, deadline=None)
@given(st.tuples(*[st.integers(1, 9)] * 3), seeds, zeros, zeros, one_factor, clamps, st.booleans())
def test_drawn_means(shape, seed, x_zero, y_zero, factor, limits, edges):
    agree_on_means(shape, seed, x_zero, y_zero, factor, limits, EDGES if edges else None)
