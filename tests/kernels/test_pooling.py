"""Pooling: oracles, ties, NaN, windows that overlap or hang over the edge, and the order of every sum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels import pooling
from mcuref.testing import oracles
from mcuref.testing.buffers import Guarded

from .bits import ORDINARY, POOLS, assert_same_bits, drawn, rounding_bound
from .windows import every_channelwise_geometry, geometries, geometry, int32, positions, taps


def max_forward(x, g):
    """(out[Ho, Wo, C], taps[Ho, Wo, C]); every array between guards."""
    out, x = (Guarded(values, np.nan) for values in (np.full(g[3:6], np.nan, np.float32), x))
    which = Guarded(np.full(g[3:6], 99, np.uint8), 99)
    pooling.max_pool_forward_f32(*(a.values.reshape(-1) for a in (out, which, x)), int32(g))
    assert not any((out.outside, which.outside, x.changed))
    return out.values, which.values


def max_backward(dy, which, g):
    """dx[H, W, C]; every array between guards."""
    dx, dy = (Guarded(values, np.nan) for values in (np.full(g[:3], np.nan, np.float32), dy))
    pooling.max_pool_backward_f32(*(a.reshape(-1) for a in (dx.values, dy.values, which)), int32(g))
    assert not dx.outside and not dy.changed
    return dx.values


def average_forward(x, g):
    """out[Ho, Wo, C]; every array between guards."""
    out, x = (Guarded(values, np.nan) for values in (np.full(g[3:6], np.nan, np.float32), x))
    pooling.average_pool_forward_f32(out.values.reshape(-1), x.values.reshape(-1), int32(g))
    assert not out.outside and not x.changed
    return out.values


def average_backward(dy, g):
    """dx[H, W, C]; every array between guards."""
    dx, dy = (Guarded(values, np.nan) for values in (np.full(g[:3], np.nan, np.float32), dy))
    pooling.average_pool_backward_f32(dx.values.reshape(-1), dy.values.reshape(-1), int32(g))
    assert not dx.outside and not dy.changed
    return dx.values


# -- the definitions in float32, one operation after the other ------------------------------------------------------


def max_forward_twin(x, g):
    out, which = np.zeros(g[3:6], np.float32), np.zeros(g[3:6], np.uint8)
    for oy, ox in positions(g):
        for c in range(g[2]):
            best = None
            for ky, kx, y, column in taps(g, oy, ox):
                value = x[y, column, c]
                if best is None or np.isnan(value) or value > best:
                    best, which[oy, ox, c] = value, ky * g[7] + kx
            out[oy, ox, c] = best
    return out, which


def max_backward_twin(dy, which, g):
    dx = np.zeros(g[:3], np.float32)
    for oy, ox in positions(g):
        for ky, kx, y, x in taps(g, oy, ox):
            chosen = which[oy, ox] == ky * g[7] + kx
            dx[y, x, chosen] = dx[y, x, chosen] + dy[oy, ox, chosen]
    return dx


def average_forward_twin(x, g):
    out = np.zeros(g[3:6], np.float32)
    for at in positions(g):
        inside = taps(g, *at)
        for _, _, y, column in inside:
            out[at] = out[at] + x[y, column]
        out[at] = out[at] / np.float32(len(inside))
    return out


def average_backward_twin(dy, g):
    dx = np.zeros(g[:3], np.float32)
    for at in positions(g):
        inside = taps(g, *at)
        for _, _, y, x in inside:
            dx[y, x] = dx[y, x] + dy[at] / np.float32(len(inside))
    return dx


# -- against the oracles --------------------------------------------------------------------------------------------


def assert_agree(g, seed):
    """Maxima and where they are are exact, sums of errors and means are off by no more than their roundings."""
    x, dy = drawn(ORDINARY, g[:3], seed), drawn(ORDINARY, g[3:6], seed + 1)
    out, which = max_forward(x, g)
    expected, expected_which = oracles.max_pool_forward(x, g)
    assert (out == expected).all() and (which == expected_which).all()
    terms, count = (oracles.max_pool_backward(values, which, g) for values in (np.abs(dy), np.ones_like(dy)))
    # as many sums as there are errors, the first with +0
    bound = rounding_bound(count, terms, 0)
    assert (np.abs(max_backward(dy, which, g) - oracles.max_pool_backward(dy, which, g)) <= bound).all()

    # a sum for each value (the first with +0), then the division
    bound = rounding_bound(g[6] * g[7], oracles.average_pool_forward(np.abs(x), g), 1)
    assert (np.abs(average_forward(x, g) - oracles.average_pool_forward(x, g)) <= bound).all()
    windows = np.zeros(g[:3])
    for at in positions(g):
        for _, _, y, column in taps(g, *at):
            windows[y, column] += 1
    # a division, then a sum for each window that holds the place (the first with +0)
    bound = rounding_bound(windows, oracles.average_pool_backward(np.abs(dy), g), windows)
    assert (np.abs(average_backward(dy, g) - oracles.average_pool_backward(dy, g)) <= bound).all()


@every_channelwise_geometry
def test_forward_and_backward_are_near_the_oracle(g):
    assert_agree(g, 1)


@settings(max_examples=40, deadline=None)
@given(geometries(channelwise=True), st.integers(0, 2**16))
def test_any_geometry_is_near_the_oracle(g, seed):
    assert_agree(g, seed)


@every_channelwise_geometry
@np.errstate(all="ignore")
def test_results_have_the_bits_of_the_definitions(g):
    for seed, pool in enumerate(POOLS.values()):
        x, dy = drawn(pool, g[:3], seed), drawn(pool, g[3:6], seed + 9)
        out, which = max_forward(x, g)
        expected, expected_which = max_forward_twin(x, g)
        assert_same_bits(out, expected)
        assert (which == expected_which).all()
        assert_same_bits(max_backward(dy, which, g), max_backward_twin(dy, which, g))
        assert_same_bits(average_forward(x, g), average_forward_twin(x, g))
        assert_same_bits(average_backward(dy, g), average_backward_twin(dy, g))


# -- maxima ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window, largest, tap", [
    ([1, 2, 3, 0], 3, 2),
    ([5, 5, 5, 5], 5, 0),  # of equal ones the first
    ([1, 5, 5, 2], 5, 1),
    ([-0.0, 0.0, 0.0, -0.0], -0.0, 0),  # zeros are equal, whatever their sign
    ([-4, -3, -9, -3], -3, 1),  # nothing is larger than it is because the maximum began at 0
    ([-np.inf, -np.inf, -np.inf, -np.inf], -np.inf, 0),
    ([np.inf, 1, np.nan, 2], np.nan, 2),  # a NaN wins, wherever it is
    ([np.nan, np.inf, 1, 2], np.nan, 0),
    ([1, 2, 3, np.nan], np.nan, 3),
])  # fmt: skip
def test_maximum_by_hand(window, largest, tap):
    out, which = max_forward(np.float32(window).reshape(2, 2, 1), geometry((2, 2, 1), 1, (2, 2)))
    assert_same_bits(out.reshape(-1), np.float32([largest]))
    assert which.item() == tap


def test_taps_are_counted_over_the_whole_window_though_padding_belongs_to_none():
    g = geometry((2, 2, 1), 1, (3, 3), padding="same")
    x = np.float32([[-1, -2], [-3, -4]]).reshape(2, 2, 1)
    out, which = max_forward(x, g)
    assert out.reshape(-1).tolist() == [-1, -1, -1, -1]  # a 0 from the padding would be larger
    assert which.reshape(-1).tolist() == [4, 3, 1, 0]
    assert max_backward(np.float32([1, 2, 4, 8]), which, g).reshape(-1).tolist() == [15, 0, 0, 0]


def test_the_last_of_256_taps_fits_a_byte():
    g = geometry((16, 16, 1), 1, (16, 16))
    x = np.zeros((16, 16, 1), np.float32)
    x[-1, -1] = 1
    _, which = max_forward(x, g)
    assert which.item() == 255
    assert (max_backward(np.float32([3]), which, g) == 3 * x).all()


@every_channelwise_geometry
def test_a_maximum_that_nobody_will_ask_for_has_no_taps(g):
    x, out = drawn(ORDINARY, g[:3], 1), np.empty(np.prod(g[3:6]), np.float32)
    pooling.max_pool_forward_f32(out, np.empty(0, np.uint8), x.reshape(-1), int32(g))
    assert_same_bits(out.reshape(g[3:6]), max_forward(x, g)[0])


def test_errors_of_overlapping_windows_are_added_in_order():
    # one large value in all nine windows: 2^24 takes no single 1, so the sum knows where it came
    g, x = geometry((5, 5, 1), 1, (3, 3)), np.zeros((5, 5, 1), np.float32)
    x[2, 2] = 1
    _, which = max_forward(x, g)
    for large, total in ((0, 2**24), (8, 2**24 + 8), (4, 2**24 + 4)):
        dy = np.ones(9, np.float32)
        dy[large] = 2**24
        dx = max_backward(dy, which, g)
        assert dx[2, 2, 0] == total and np.count_nonzero(dx) == 1


# -- means ----------------------------------------------------------------------------------------------------------


def test_a_mean_divides_by_the_number_of_values_inside():
    g = geometry((2, 3, 1), 1, (3, 3), padding="same")
    x = np.float32([[1, 2, 3], [4, 5, 6]]).reshape(2, 3, 1)
    out = average_forward(x, g)
    assert out.reshape(-1).tolist() == [3, 3.5, 4] * 2
    dx = average_backward(np.float32([4, 6, 8, 4, 6, 8]), g)
    assert dx.reshape(-1).tolist() == [4, 8, 6] * 2  # 2 (4/4 + 6/6), that + 2 (8/4), 2 (6/6 + 8/4)


def test_the_mean_of_everything_is_one_window():
    x = drawn(ORDINARY, (3, 5, 7), 1)
    out = average_forward(x, geometry((3, 5, 7), 7, (3, 5)))
    total = np.zeros(7, np.float32)
    for values in x.reshape(-1, 7):
        total = total + values
    assert_same_bits(out.reshape(-1), total / np.float32(15))


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_gradients_agree_with_finite_differences_of_the_forward_kernels(padding):
    # numbers far enough apart that no step changes which is the largest; 16 values: every quotient is exact
    g = geometry((4, 5, 3), 3, (4, 4), (1, 1)) if padding == "valid" else geometry((3, 5, 2), 2, (1, 2), (1, 2), padding)
    x = 4 * np.random.default_rng(1).permutation(np.prod(g[:3])).astype(np.float32).reshape(g[:3])
    c = drawn(np.float32([16, -32, 48]), g[3:6], 2)
    _, which = max_forward(x, g)
    for dx, forward in (
        (max_backward(c, which, g), lambda v: max_forward(v, g)[0]),
        (average_backward(c, g), lambda v: average_forward(v, g)),
    ):
        gradient = oracles.finite_difference(lambda v: float(np.sum(c * forward(np.float32(v)))), x, step=1.0)
        assert (dx == gradient).all()
