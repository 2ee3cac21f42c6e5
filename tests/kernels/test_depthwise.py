"""Depthwise convolution: oracle, a channel as an ordinary convolution, sums in the order of the taps, kept entries."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.conv import conv_update_f32
from mcuref.kernels.depthwise import depthwise_backward_input_f32, depthwise_forward_f32, depthwise_update_f32
from mcuref.testing import oracles
from mcuref.testing.buffers import Guarded

from .bits import ORDINARY, POOLS, WHOLE, assert_same_bits, kept_of, rounding_bound
from .windows import every_channelwise_geometry, geometries, geometry, int32, positions, problem, taps

RATE = np.float32(0.01)


def forward(x, w, b, g):
    """out[Ho, Wo, C]; every array between guards."""
    out, x, w, b = (Guarded(values, np.nan) for values in (np.full(g[3:6], np.nan, np.float32), x, w, b))
    depthwise_forward_f32(*(a.values.reshape(-1) for a in (out, x, w, b)), int32(g))
    assert not any((out.outside, x.changed, w.changed, b.changed))
    return out.values


def propagate(delta, w, kept, g):
    """dx[H, W, C]; every array between guards."""
    dx, delta, w = (Guarded(a, np.nan) for a in (np.full(g[:3], np.nan, np.float32), delta, w))
    depthwise_backward_input_f32(*(a.values.reshape(-1) for a in (dx, delta, w)), kept, int32(g))
    assert not any((dx.outside, delta.changed, w.changed))
    return dx.values


def update(w, b, delta, x, kept, g, rate=RATE, dense_bias=False):
    """(w, b) after the update, which are copies; every array between guards."""
    arrays = w, b, delta, x = [Guarded(values, np.nan) for values in (w, b, delta, x)]
    depthwise_update_f32(*(a.values.reshape(-1) for a in arrays), kept, np.float32(rate), dense_bias, int32(g))
    assert not any((w.outside, b.outside, delta.changed, x.changed))
    return w.values, b.values


# -- the definitions in float32, one operation after the other ------------------------------------------------------


def forward_twin(x, w, b, g):
    out = np.zeros(g[3:6], np.float32)
    for at in positions(g):
        for ky, kx, y, column in taps(g, *at):
            out[at] = out[at] + w[ky, kx] * x[y, column]
        out[at] = out[at] + b
    return out


def propagate_twin(delta, w, kept, g):
    dx = np.zeros(g[:3], np.float32)
    for e in map(int, kept):
        c = e % g[2]
        for ky, kx, y, x in taps(g, *positions(g)[e // g[2]]):
            dx[y, x, c] = dx[y, x, c] + delta.flat[e] * w[ky, kx, c]
    return dx


def update_twin(w, b, delta, x, kept, g, rate=RATE):
    w, b = w.copy(), b.copy()
    for e in map(int, kept):
        c, step = e % g[2], rate * delta.flat[e]
        for ky, kx, y, column in taps(g, *positions(g)[e // g[2]]):
            w[ky, kx, c] = w[ky, kx, c] - step * x[y, column, c]
        b[c] = b[c] - step
    return w, b


# -- against the oracles --------------------------------------------------------------------------------------------


def assert_exact(g, seed):
    """Whole numbers: whatever the order of the sums, there is one answer."""
    x, w, b, delta = problem(g, WHOLE, seed, channelwise=True)
    kept = kept_of(delta.size, 0.6, seed)
    assert (forward(x, w, b, g) == oracles.depthwise_forward(x, w, b, g)).all()
    dx, dw, db = oracles.depthwise_backward(delta, x, w, kept, g)
    assert (propagate(delta, w, kept, g) == dx).all()
    new_w, new_b = update(w, b, delta, x, kept, g, 0.5)
    assert (new_w == w - 0.5 * dw).all() and (new_b == b - 0.5 * db).all()


def assert_near(g, seed):
    """Ordinary numbers: off by no more than the roundings."""
    x, w, b, delta = problem(g, ORDINARY, seed, channelwise=True)
    kept, size = kept_of(delta.size, 0.6, seed), g[6] * g[7]
    # a term: one product, a sum for each tap (the first with +0), then the bias
    terms = oracles.depthwise_forward(np.abs(x), np.abs(w), np.abs(b), g)
    bound = rounding_bound(size + 1, terms, size)
    assert (np.abs(forward(x, w, b, g) - oracles.depthwise_forward(x, w, b, g)) <= bound).all()

    dx, dw, db = oracles.depthwise_backward(delta, x, w, kept, g)
    terms_x, terms_w, terms_b = oracles.depthwise_backward(np.abs(delta), np.abs(x), np.abs(w), kept, g)
    count_x, count_w, count_b = oracles.depthwise_backward(*(np.ones_like(a) for a in (delta, x, w)), kept, g)
    # one product, then as many sums as there are terms (the first with +0)
    assert (np.abs(propagate(delta, w, kept, g) - dx) <= rounding_bound(count_x + 1, terms_x, count_x)).all()
    new_w, new_b = update(w, b, delta, x, kept, g)
    rate = float(RATE)
    # rate delta, that times x, then as many sums; the weight itself takes part in the sums
    bound = rounding_bound(count_w + 2, np.abs(w) + rate * terms_w, count_w * (1 + np.abs(x).max()))
    assert (np.abs(new_w - (w - rate * dw)) <= bound).all()
    bound = rounding_bound(count_b + 1, np.abs(b) + rate * terms_b, count_b)
    assert (np.abs(new_b - (b - rate * db)) <= bound).all()


@every_channelwise_geometry
def test_whole_numbers_are_exactly_the_oracle(g):
    assert_exact(g, 1)


@every_channelwise_geometry
def test_forward_backward_and_update_are_near_the_oracle(g):
    assert_near(g, 1)


@settings(max_examples=40, deadline=None)
@given(geometries(channelwise=True), st.integers(0, 2**16))
def test_any_geometry_is_exactly_and_nearly_the_oracle(g, seed):
    assert_exact(g, seed)
    assert_near(g, seed)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_gradients_agree_with_finite_differences_of_the_forward_kernel(padding):
    # L = c . z is linear in each of its arguments and its terms are whole numbers: differences with step 1 are exact
    g = geometry((4, 5, 3), 3, (2, 3), (1, 2), padding)
    x, w, b, c = problem(g, WHOLE, 3, channelwise=True)
    every = np.arange(c.size, dtype=np.uint16)

    def loss(x, w, b):
        return float(np.sum(c * forward(np.float32(x), np.float32(w), np.float32(b), g)))

    dw, db = update(np.zeros_like(w), np.zeros_like(b), c, x, every, g, rate=-1)
    assert (propagate(c, w, every, g) == oracles.finite_difference(lambda v: loss(v, w, b), x, step=1.0)).all()
    assert (dw == oracles.finite_difference(lambda v: loss(x, v, b), w, step=1.0)).all()
    assert (db == oracles.finite_difference(lambda v: loss(x, w, v), b, step=1.0)).all()


# -- bit for bit ----------------------------------------------------------------------------------------------------


@every_channelwise_geometry
@np.errstate(all="ignore")
def test_every_sum_has_the_documented_order(g):
    for seed, pool in enumerate(POOLS.values()):
        x, w, b, delta = problem(g, pool, seed, channelwise=True)
        kept = kept_of(delta.size, (0.2, 0.7, 1)[seed], seed)
        assert_same_bits(forward(x, w, b, g), forward_twin(x, w, b, g))
        assert_same_bits(propagate(delta, w, kept, g), propagate_twin(delta, w, kept, g))
        for got, expected in zip(update(w, b, delta, x, kept, g), update_twin(w, b, delta, x, kept, g)):
            assert_same_bits(got, expected)


@pytest.mark.parametrize("channels", [8, 15, 24, 63, 64, 65, 72, 130])  # eights, and the bits of an integer
@np.errstate(all="ignore")
def test_any_number_of_channels_trains_in_the_documented_order(channels):
    g = geometry((3, 2, channels), channels, (2, 3), padding="same")
    for seed, pool in enumerate(POOLS.values()):
        x, w, b, delta = problem(g, pool, seed, channelwise=True)
        for share in (0.05, 0.6, 1):
            kept = kept_of(delta.size, share, channels)
            assert_same_bits(propagate(delta, w, kept, g), propagate_twin(delta, w, kept, g))
            for got, expected in zip(update(w, b, delta, x, kept, g), update_twin(w, b, delta, x, kept, g)):
                assert_same_bits(got, expected)


@pytest.mark.parametrize("channels", [15, 16, 17, 31, 32, 33, 43, 65])
@np.errstate(all="ignore")
def test_any_number_of_channels_has_the_order_of_one(channels):
    for (size, padding), pool in product([((3, 4), "valid"), ((2, 3), "same")], POOLS.values()):
        g = geometry((*size, channels), channels, (3, 2), padding=padding)
        x, w, b, _ = problem(g, pool, channels, channelwise=True)
        assert_same_bits(forward(x, w, b, g), forward_twin(x, w, b, g))


def test_order_of_the_sum_by_hand():
    # 2^24 takes no single 1: taps one after the other, from +0 on, and the bias last
    g = geometry((2, 2, 1), 1, (2, 2))

    def total(values, bias):
        x, w, b = (np.float32(v) for v in (values, np.ones((2, 2, 1)), [bias]))
        return forward(x.reshape(2, 2, 1), w, b, g).item()

    assert total([2**24, 1, 1, -(2**24)], 0) == 0
    assert total([1, 1, 2**24, -(2**24)], 0) == 2
    assert total([1, 2**24, -(2**24), 1], 0) == 1  # row by row: column by column it would be 0
    assert total([1, 1, 0, 0], 2**24) == 2**24 + 2


@every_channelwise_geometry
def test_one_channel_alone_trains_as_an_ordinary_convolution_bit_for_bit(g):
    x, w, b, delta = problem(g, ORDINARY, 6, channelwise=True)
    every = np.arange(delta.size, dtype=np.uint16)
    new_w, new_b = update(w, b, delta, x, every, g)
    alone = (*g[:2], 1, *g[3:5], 1, *g[6:])
    for c in range(g[2]):
        one = [np.ascontiguousarray(a[..., c]).reshape(-1) for a in (w, b, delta, x)]
        conv_update_f32(*one, np.arange(one[2].size, dtype=np.uint16), RATE, False, int32(alone))
        assert_same_bits(new_w[..., c].reshape(-1), one[0])
        assert_same_bits(new_b[c : c + 1], one[1])


# -- kept entries alone ---------------------------------------------------------------------------------------------


@every_channelwise_geometry
def test_what_is_not_kept_is_neither_read_nor_written(g):
    x, w, b, delta = problem(g, ORDINARY, 4, channelwise=True)
    for seed, share in enumerate((0, 0.1, 0.5)):
        kept = kept_of(delta.size, share, seed)
        kept = kept[kept % g[2] != seed]  # a channel that no kept entry names
        unread, unseen = np.ones(w.shape, bool), np.ones(x.shape, bool)
        for e in map(int, kept):
            for ky, kx, y, column in taps(g, *positions(g)[e // g[2]]):
                unread[ky, kx, e % g[2]], unseen[y, column, e % g[2]] = False, False
        unnamed = np.setdiff1d(np.arange(g[2]), kept % g[2])
        holed_delta, holed_x, holed_w, holed_b = np.full_like(delta, np.nan), x.copy(), w.copy(), b.copy()
        holed_delta.flat[kept] = delta.flat[kept]
        holed_w[unread], holed_b[unnamed], holed_x[unseen] = np.nan, np.nan, np.nan
        dx = propagate(holed_delta, holed_w, kept, g)
        assert_same_bits(dx, propagate(delta, w, kept, g))
        assert not dx[unseen].any()
        new_w, new_b = update(holed_w, holed_b, holed_delta, holed_x, kept, g)
        full_w, full_b = update(w, b, delta, x, kept, g)
        assert np.isnan(new_w[unread]).all() and np.isnan(new_b[unnamed]).all()
        new_w[unread], new_b[unnamed] = w[unread], b[unnamed]
        assert_same_bits(new_w, full_w)
        assert_same_bits(new_b, full_b)


@every_channelwise_geometry
def test_all_entries_that_are_not_0_are_all_entries(g):
    x, w, b, delta = problem(g, ORDINARY, 6, channelwise=True)
    delta.flat[kept_of(delta.size, 0.5, 1)] = 0
    delta.flat[kept_of(delta.size, 0.2, 2)] = -0.0
    full, nonzero = np.arange(delta.size, dtype=np.uint16), np.flatnonzero(delta).astype(np.uint16)
    assert_same_bits(propagate(delta, w, nonzero, g), propagate(delta, w, full, g))
    for got, expected in zip(update(w, b, delta, x, nonzero, g), update(w, b, delta, x, full, g)):
        assert_same_bits(got, expected)


def test_no_kept_entries_give_no_error_and_no_update():
    g, nothing = geometry((3, 4, 9), 9, (2, 3)), np.zeros(0, np.uint16)
    x, w, b, delta = problem(g, ORDINARY, 7, channelwise=True)
    assert_same_bits(propagate(delta, w, nothing, g), np.zeros(g[:3], np.float32))
    for got, expected in zip(update(w, b, delta, x, nothing, g), (w, b)):
        assert_same_bits(got, expected)


@every_channelwise_geometry
def test_indices_of_16_and_32_bits_give_the_same_bits(g):
    x, w, b, delta = problem(g, ORDINARY, 8, channelwise=True)
    short = kept_of(delta.size, 0.5, 3)
    wide = short.astype(np.uint32)
    assert_same_bits(propagate(delta, w, wide, g), propagate(delta, w, short, g))
    for got, expected in zip(update(w, b, delta, x, wide, g), update(w, b, delta, x, short, g)):
        assert_same_bits(got, expected)


@pytest.mark.parametrize("width, dtype", [(12_331, np.uint16), (23_000, np.uint32)])
def test_more_than_32767_and_65535_entries(width, dtype):
    g = geometry((1, width, 3), 3, (1, 2))
    x, w, b, delta = problem(g, WHOLE, 1, channelwise=True)
    kept = np.array([0, 32767, 32768, 32769, *range(delta.size - 4, delta.size)], dtype)
    dx, dw, db = oracles.depthwise_backward(delta, x, w, kept, g)
    assert (propagate(delta, w, kept, g) == dx).all()
    new_w, new_b = update(w, b, delta, x, kept, g, 0.5)
    assert (new_w == w - 0.5 * dw).all() and (new_b == b - 0.5 * db).all()


@every_channelwise_geometry
def test_dense_bias_trains_every_bias_by_every_entry_and_only_kept_weights(g):
    x, w, b, delta = problem(g, ORDINARY, 9, channelwise=True)
    kept, expected_b = kept_of(delta.size, 0.3, 4), b.copy()
    for e, error in enumerate(delta.reshape(-1)):
        expected_b[e % g[2]] = expected_b[e % g[2]] - RATE * error
    new_w, new_b = update(w, b, delta, x, kept, g, dense_bias=True)
    assert_same_bits(new_w, update(w, b, delta, x, kept, g)[0])
    assert_same_bits(new_b, expected_b)
