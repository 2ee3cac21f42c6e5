"""Convolution: oracle, the dense kernels it consists of, the order of every sum bit for bit, and kept entries alone."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.conv import all_but_zeros, conv_backward_input_f32, conv_forward_f32, conv_update_f32, update_filters
from mcuref.kernels.dense import dense_backward_input_f32, dense_forward_f32, dense_update_f32
from mcuref.testing import oracles
from mcuref.testing.buffers import Guarded

from .bits import ORDINARY, POOLS, SIZES, WHOLE, assert_same_bits, drawn, kept_of, lane_sum, rounding_bound
from .windows import every_geometry, geometries, geometry, int32, label, positions, problem, taps

RATE = np.float32(0.01)
SMALL = [
    geometry((3, 4, 2), 5, (2, 3), padding="same"),
    geometry((5, 5, 1), 4, (3, 3), (2, 2)),
    geometry((4, 5, 9), 2, (3, 2), (2, 3), ((1, 1), (0, 1))),
    geometry((1, 9, 3), 9, (1, 4), (1, 2), "same"),
]

WAYS = [  # of forward: by columns, by rows of whole vectors, one by one; inside the input, and at its edges
    geometry((6, 7, 3), 20, (3, 3), padding="same"),  # columns; 20 positions inside, and 22
    geometry((5, 5, 1), 33, (5, 5), padding="same"),  # 1 inside
    geometry((4, 5, 9), 48, (3, 3), padding="same"),  # no room for two gathered patches beside the columns
    geometry((4, 5, 9), 56, (3, 3), padding="same"),  # no room for the columns
    geometry((1, 9, 65), 70, (1, 3), padding="same"),  # nor here, but patches that are runs of the input
    geometry((1, 1, 511), 8, (1, 1)),  # the largest that fits
    geometry((1, 1, 513), 7, (1, 1)),
    geometry((4, 5, 8), 11, (2, 3), padding="same"),  # rows: 9 inside, 11 not
    geometry((3, 4, 40), 4, (2, 2), (1, 2)),
    geometry((3, 3, 256), 5, (3, 3), padding="same"),  # no room for two gathered patches
]


def forward(x, w, b, g):
    """out[Ho, Wo, O]; every array between guards, scratch full of NaN."""
    x, w, b = (Guarded(values, np.nan) for values in (x, w, b))
    out, patch = (Guarded(np.full(shape, np.nan, np.float32), np.nan) for shape in (g[3:6], w.values[0].size))
    conv_forward_f32(out.values.reshape(-1), patch.values, *(a.values.reshape(-1) for a in (x, w, b)), int32(g))
    assert not any((out.outside, patch.outside, x.changed, w.changed, b.changed))
    return out.values


def propagate(delta, w, kept, g):
    """dx[H, W, C]; every array between guards."""
    dx, delta, w = (Guarded(a, np.nan) for a in (np.full(g[:3], np.nan, np.float32), delta, w))
    conv_backward_input_f32(*(a.values.reshape(-1) for a in (dx, delta, w)), kept, int32(g))
    assert not any((dx.outside, delta.changed, w.changed))
    return dx.values


def update(w, b, delta, x, kept, g, rate=RATE, dense_bias=False):
    """(w, b) after the update, which are copies; every array between guards."""
    arrays = w, b, delta, x = [Guarded(values, np.nan) for values in (w, b, delta, x)]
    conv_update_f32(*(a.values.reshape(-1) for a in arrays), kept, np.float32(rate), dense_bias, int32(g))
    assert not any((w.outside, b.outside, delta.changed, x.changed))
    return w.values, b.values


# -- the definitions in float32, one operation after the other ------------------------------------------------------


def patch_at(x, g, oy, ox):
    """[kh, kw, C], 0 outside the input."""
    patch = np.zeros((*g[6:8], g[2]), np.float32)
    for ky, kx, y, column in taps(g, oy, ox):
        patch[ky, kx] = x[y, column]
    return patch


def forward_twin(x, w, b, g):
    rows = [lane_sum((w * patch_at(x, g, *at)).reshape(len(w), -1).T) + b for at in positions(g)]
    return np.array(rows).reshape(g[3:6])


def propagate_twin(delta, w, kept, g):
    dx = np.zeros(g[:3], np.float32)
    for e in map(int, kept):
        for ky, kx, y, x in taps(g, *positions(g)[e // g[5]]):
            dx[y, x] = dx[y, x] + delta.flat[e] * w[e % g[5], ky, kx]  # NumPy rounds the product, then the sum: no fma
    return dx


def update_twin(w, b, delta, x, kept, g, rate=RATE):
    w, b = w.copy(), b.copy()
    for e in map(int, kept):
        channel, step = e % g[5], rate * delta.flat[e]
        for ky, kx, y, column in taps(g, *positions(g)[e // g[5]]):
            w[channel, ky, kx] = w[channel, ky, kx] - step * x[y, column]
        b[channel] = b[channel] - step
    return w, b


# -- against the oracles --------------------------------------------------------------------------------------------


def assert_exact(g, seed):
    """Whole numbers: whatever the order of the sums, there is one answer."""
    x, w, b, delta = problem(g, WHOLE, seed)
    kept = kept_of(delta.size, 0.6, seed)
    assert (forward(x, w, b, g) == oracles.conv_forward(x, w, b, g)).all()
    dx, dw, db = oracles.conv_backward(delta, x, w, kept, g)
    assert (propagate(delta, w, kept, g) == dx).all()
    new_w, new_b = update(w, b, delta, x, kept, g, 0.5)
    assert (new_w == w - 0.5 * dw).all() and (new_b == b - 0.5 * db).all()


def assert_near(g, seed):
    """Ordinary numbers: off by no more than the roundings."""
    x, w, b, delta = problem(g, ORDINARY, seed)
    kept, size = kept_of(delta.size, 0.6, seed), w[0].size
    # a term: one product, ceil(size / 8) - 1 sums in its lane, 3 in the tree, then the bias; each half an EPS
    terms = oracles.conv_forward(np.abs(x), np.abs(w), np.abs(b), g)
    bound = rounding_bound(np.ceil(size / 8) + 4, terms, size)
    assert (np.abs(forward(x, w, b, g) - oracles.conv_forward(x, w, b, g)) <= bound).all()

    dx, dw, db = oracles.conv_backward(delta, x, w, kept, g)
    terms_x, terms_w, terms_b = oracles.conv_backward(np.abs(delta), np.abs(x), np.abs(w), kept, g)
    count_x, count_w, count_b = oracles.conv_backward(*(np.ones_like(a) for a in (delta, x, w)), kept, g)
    # one product, then as many sums as there are terms (the first with +0)
    assert (np.abs(propagate(delta, w, kept, g) - dx) <= rounding_bound(count_x + 1, terms_x, count_x)).all()
    new_w, new_b = update(w, b, delta, x, kept, g)
    rate = float(RATE)
    # rate delta, that times x, then as many sums; the weight itself takes part in the sums
    bound = rounding_bound(count_w + 2, np.abs(w) + rate * terms_w, count_w * (1 + np.abs(x).max()))
    assert (np.abs(new_w - (w - rate * dw)) <= bound).all()
    bound = rounding_bound(count_b + 1, np.abs(b) + rate * terms_b, count_b)
    assert (np.abs(new_b - (b - rate * db)) <= bound).all()


@every_geometry
def test_whole_numbers_are_exactly_the_oracle(g):
    assert_exact(g, 1)


@every_geometry
def test_forward_backward_and_update_are_near_the_oracle(g):
    assert_near(g, 1)


@settings(max_examples=40, deadline=None)
@given(geometries(), st.integers(0, 2**16))
def test_any_geometry_is_exactly_and_nearly_the_oracle(g, seed):
    assert_exact(g, seed)
    assert_near(g, seed)


@pytest.mark.parametrize("g", SMALL)
def test_gradients_agree_with_finite_differences_of_the_forward_kernel(g):
    # L = c . z is linear in each of its arguments and its terms are whole numbers: differences with step 1 are exact
    x, w, b, c = problem(g, WHOLE, 3)
    every = np.arange(c.size, dtype=np.uint16)

    def loss(x, w, b):
        return float(np.sum(c * forward(np.float32(x), np.float32(w), np.float32(b), g)))

    dw, db = update(np.zeros_like(w), np.zeros_like(b), c, x, every, g, rate=-1)
    assert (propagate(c, w, every, g) == oracles.finite_difference(lambda v: loss(v, w, b), x, step=1.0)).all()
    assert (dw == oracles.finite_difference(lambda v: loss(x, v, b), w, step=1.0)).all()
    assert (db == oracles.finite_difference(lambda v: loss(x, w, v), b, step=1.0)).all()


def test_by_hand():
    # a 2 x 2 kernel on [[1, 2, 3], [4, 5, 6]]; its last window hangs over to the right and below
    g = geometry((2, 3, 1), 1, (2, 2), (1, 2), ((0, 1), (0, 1)))
    x, w, b = np.float32([1, 2, 3, 4, 5, 6]), np.float32([[1, 10, 100, 1000]]), np.float32([0.5])
    assert forward(x, w, b, g).reshape(-1).tolist() == [5421.5, 603.5, 54.5, 6.5]
    delta, kept = np.float32([1, 2, 4, 8]), np.uint16([0, 1, 3])
    assert propagate(delta, w, kept, g).reshape(-1).tolist() == [1, 10, 2, 100, 1000, 208]
    w, b = update(w, b, delta, x, kept, g, rate=1)
    assert w.reshape(-1).tolist() == [1 - 1 - 6 - 48, 10 - 2, 100 - 4 - 12, 1000 - 5] and b.tolist() == [0.5 - 11]


# -- bit for bit ----------------------------------------------------------------------------------------------------


@every_geometry
@np.errstate(all="ignore")
def test_forward_has_the_bits_of_the_dense_kernel_on_each_patch(g):
    for pool in POOLS.values():
        x, w, b, _ = problem(g, pool, 2)
        out = forward(x, w, b, g)
        for at in positions(g):
            expected = np.empty(g[5], np.float32)
            dense_forward_f32(expected, patch_at(x, g, *at).reshape(-1), w.reshape(-1), b)
            assert_same_bits(out[at], expected)


@every_geometry
@np.errstate(all="ignore")
def test_every_sum_has_the_documented_order(g):
    for seed, pool in enumerate(POOLS.values()):
        x, w, b, delta = problem(g, pool, seed)
        kept = kept_of(delta.size, (0.2, 0.7, 1)[seed], seed)
        assert_same_bits(forward(x, w, b, g), forward_twin(x, w, b, g))
        assert_same_bits(propagate(delta, w, kept, g), propagate_twin(delta, w, kept, g))
        for got, expected in zip(update(w, b, delta, x, kept, g), update_twin(w, b, delta, x, kept, g)):
            assert_same_bits(got, expected)


@pytest.mark.parametrize("g", WAYS, ids=label)
@np.errstate(all="ignore")
def test_forward_has_the_documented_order_whichever_way_the_sizes_ask_for(g):
    for seed, pool in enumerate(POOLS.values()):
        x, w, b, _ = problem(g, pool, seed)
        assert_same_bits(forward(x, w, b, g), forward_twin(x, w, b, g))


@pytest.mark.parametrize("pool", POOLS)
@np.errstate(all="ignore")
def test_a_1x1_kernel_on_one_place_is_the_dense_layer_bit_for_bit(pool):
    for outputs, inputs in product(SIZES, (1, 2, 7, 9, 17)):
        g = geometry((1, 1, inputs), outputs, (1, 1))
        x, w, b, delta = problem(g, POOLS[pool], outputs)
        out, dx = np.empty(outputs, np.float32), np.empty(inputs, np.float32)
        kept, new_w, new_b = kept_of(outputs, 0.7, inputs), w.copy(), b.copy()
        dense_forward_f32(out, x.reshape(-1), w.reshape(-1), b)
        dense_backward_input_f32(dx, delta.reshape(-1), w.reshape(-1), kept)
        dense_update_f32(new_w.reshape(-1), new_b, delta.reshape(-1), x.reshape(-1), kept, RATE, False)
        assert_same_bits(forward(x, w, b, g).reshape(-1), out)
        assert_same_bits(propagate(delta, w, kept, g).reshape(-1), dx)
        for got, expected in zip(update(w, b, delta, x, kept, g), (new_w, new_b)):
            assert_same_bits(got, expected)


def test_groups_of_four_have_the_bits_of_one_entry_at_a_time_wherever_they_begin():
    # 2 positions of 6 channels, every choice of kept entries: groups end at the border between the positions
    g = geometry((1, 3, 1), 6, (1, 2))
    x, w, b, delta = problem(g, ORDINARY, 5)
    for mask in product([False, True], repeat=12):
        kept = np.flatnonzero(mask).astype(np.uint16)
        assert_same_bits(propagate(delta, w, kept, g), propagate_twin(delta, w, kept, g))
        one_w, one_b = w.copy().reshape(-1), b.copy()
        for e in kept:
            conv_update_f32(one_w, one_b, delta.reshape(-1), x.reshape(-1), np.array([e]), RATE, False, int32(g))
        for got, expected in zip(update(w, b, delta, x, kept, g), (one_w.reshape(w.shape), one_b)):
            assert_same_bits(got, expected)


IN_EIGHTS = [
    *(geometry((3, 5, c), 8, (2, 1), (2, 1), "same") for c in range(1, 9)),  # runs of any length up to eight
    geometry((4, 6, 3), 16, (3, 3), padding="same"),
    geometry((4, 9, 5), 8, (1, 3), (1, 2), "same"),
    geometry((3, 4, 17), 24, (1, 1), (1, 2)),
    geometry((2, 1, 1), 8, (7, 5), padding="same"),  # rows and columns of the kernel that are never inside
    geometry((5, 3, 2), 8, (2, 3), (3, 3)),
    geometry((4, 5, 2), 8, (3, 4), (2, 1), ((2, 0), (1, 3))),
]


@pytest.mark.parametrize("g", IN_EIGHTS, ids=label)
@np.errstate(all="ignore")
def test_eight_filters_at_a_time_have_the_bits_of_one_entry_at_a_time(g):
    for seed, pool in enumerate(POOLS.values()):
        x, w, b, delta = problem(g, pool, seed)
        delta.flat[kept_of(delta.size, 0.3, seed)] = (0, -0.0, 0)[seed]
        kept = np.flatnonzero(delta).astype(np.uint16)
        assert all_but_zeros(kept, delta.reshape(-1))
        new_w, new_b = (Guarded(values, np.nan) for values in (w, b))
        update_filters(*(a.reshape(-1) for a in (new_w.values, new_b.values, delta, x)), RATE, False, int32(g))
        assert not new_w.outside and not new_b.outside
        expected = update_twin(w, b, delta, x, kept, g)
        for got, values in zip((new_w.values, new_b.values, *update(w, b, delta, x, kept, g)), 2 * expected):
            assert_same_bits(got, values)
        # one entry less: those that are not kept are not seen from their errors
        for got, values in zip(update(w, b, delta, x, kept[:-1], g), update_twin(w, b, delta, x, kept[:-1], g)):
            assert_same_bits(got, values)


def test_all_but_zeros_are_kept_or_not():
    delta = np.float32([0, 1, np.nan, -0.0, 1e-45, -np.inf, 0, 2])
    for mask in product([False, True], repeat=delta.size):
        kept = np.flatnonzero(mask).astype(np.uint16)
        assert all_but_zeros(kept, delta) == (kept.tolist() == [1, 2, 4, 5, 7])


def test_patches_of_height_1_without_padding_need_no_scratch():
    for g in (geometry((3, 5, 2), 3, (1, 3)), geometry((4, 5, 3), 9, (1, 1), (2, 2)), geometry((1, 9, 1), 2, (1, 4))):
        x, w, b, _ = problem(g, ORDINARY, 1)
        out = np.full(np.prod(g[3:6]), np.nan, np.float32)
        conv_forward_f32(out, np.empty(0, np.float32), x.reshape(-1), w.reshape(-1), b, int32(g))
        assert_same_bits(out.reshape(g[3:6]), forward(x, w, b, g))


# -- kept entries alone ---------------------------------------------------------------------------------------------


@every_geometry
def test_what_is_not_kept_is_neither_read_nor_written(g):
    x, w, b, delta = problem(g, ORDINARY, 4)
    for seed, share in enumerate((0, 0.1, 0.5)):
        kept = kept_of(delta.size, share, seed)
        kept = kept[kept % g[5] != seed]  # a channel that no kept entry names
        unnamed = np.setdiff1d(np.arange(g[5]), kept % g[5])
        unseen = np.ones(g[:2], bool)
        for e in map(int, kept):
            for _, _, y, column in taps(g, *positions(g)[e // g[5]]):
                unseen[y, column] = False
        holed_delta, holed_x, holed_w, holed_b = np.full_like(delta, np.nan), x.copy(), w.copy(), b.copy()
        holed_delta.flat[kept] = delta.flat[kept]
        holed_w[unnamed], holed_b[unnamed], holed_x[unseen] = np.nan, np.nan, np.nan
        dx = propagate(holed_delta, holed_w, kept, g)
        assert_same_bits(dx, propagate(delta, w, kept, g))
        assert not dx[unseen].any()
        new_w, new_b = update(holed_w, holed_b, holed_delta, holed_x, kept, g)
        full_w, full_b = update(w, b, delta, x, kept, g)
        assert np.isnan(new_w[unnamed]).all() and np.isnan(new_b[unnamed]).all()
        new_w[unnamed], new_b[unnamed] = w[unnamed], b[unnamed]
        assert_same_bits(new_w, full_w)
        assert_same_bits(new_b, full_b)


def test_weights_that_meet_only_padding_keep_their_bits():
    g = geometry((1, 1, 2), 2, (3, 3), padding="same")
    x, w, b, delta = problem(g, ORDINARY, 1)
    w[:, [0, 0, 0, 1, 1, 2, 2, 2], [0, 1, 2, 0, 2, 0, 1, 2]] = np.nan
    new_w, _ = update(w, b, delta, np.full_like(x, np.inf), np.uint16([0, 1]), g)
    assert np.isinf(new_w[:, 1, 1]).all()
    assert_same_bits(np.delete(new_w.reshape(2, 9, 2), 4, 1), np.delete(w.reshape(2, 9, 2), 4, 1))
    assert np.isfinite(propagate(delta, w, np.uint16([0, 1]), g)).all()


@every_geometry
def test_all_entries_that_are_not_0_are_all_entries(g):
    x, w, b, delta = problem(g, ORDINARY, 6)
    delta.flat[kept_of(delta.size, 0.5, 1)] = 0
    delta.flat[kept_of(delta.size, 0.2, 2)] = -0.0
    full, nonzero = np.arange(delta.size, dtype=np.uint16), np.flatnonzero(delta).astype(np.uint16)
    assert_same_bits(propagate(delta, w, nonzero, g), propagate(delta, w, full, g))
    for got, expected in zip(update(w, b, delta, x, nonzero, g), update(w, b, delta, x, full, g)):
        assert_same_bits(got, expected)


def test_no_kept_entries_give_no_error_and_no_update():
    g, nothing = SMALL[0], np.zeros(0, np.uint16)
    x, w, b, delta = problem(g, ORDINARY, 7)
    assert_same_bits(propagate(delta, w, nothing, g), np.zeros(g[:3], np.float32))
    for got, expected in zip(update(w, b, delta, x, nothing, g), (w, b)):
        assert_same_bits(got, expected)


@every_geometry
def test_indices_of_16_and_32_bits_give_the_same_bits(g):
    x, w, b, delta = problem(g, ORDINARY, 8)
    short = kept_of(delta.size, 0.5, 3)
    wide = short.astype(np.uint32)
    assert_same_bits(propagate(delta, w, wide, g), propagate(delta, w, short, g))
    for got, expected in zip(update(w, b, delta, x, wide, g), update(w, b, delta, x, short, g)):
        assert_same_bits(got, expected)


@every_geometry
def test_dense_bias_trains_every_bias_by_every_entry_and_only_kept_weights(g):
    x, w, b, delta = problem(g, ORDINARY, 9)
    kept, expected_b = kept_of(delta.size, 0.3, 4), b.copy()
    for e, error in enumerate(delta.reshape(-1)):
        expected_b[e % g[5]] = expected_b[e % g[5]] - RATE * error
    new_w, new_b = update(w, b, delta, x, kept, g, dense_bias=True)
    assert_same_bits(new_w, update(w, b, delta, x, kept, g)[0])
    assert_same_bits(new_b, expected_b)
    # all kept: the two policies are one
    every = np.arange(delta.size, dtype=np.uint16)
    assert_same_bits(update(w, b, delta, x, every, g)[1], expected_b)


# -- defects of TinyProp's published convolution (its Python version), one by one -----------------------------------


def test_published_defect_stride_2_on_9x9_gave_a_wrong_weight_gradient():
    g = geometry((9, 9, 1), 1, (3, 3), (2, 2))
    x, w, b, delta = problem(g, WHOLE, 1)
    dw, _ = update(np.zeros_like(w), b, delta, x, np.arange(16, dtype=np.uint16), g, rate=-1)
    by_hand = [[np.sum(delta[:, :, 0] * x[ky : ky + 7 : 2, kx : kx + 7 : 2, 0]) for kx in range(3)] for ky in range(3)]
    assert dw.reshape(3, 3).tolist() == by_hand
    with_stride_1 = [[np.sum(delta[:, :, 0] * x[ky : ky + 4, kx : kx + 4, 0]) for kx in range(3)] for ky in range(3)]
    assert dw.reshape(3, 3).tolist() != with_stride_1  # a stride that is left out shows


@pytest.mark.parametrize("extent, pad, error", [(8, 1, 8), (10, 0, 10)])
def test_published_defect_stride_2_lost_a_row_of_the_input_error(extent, pad, error):
    # it raised: an error of 7 x 7 or 9 x 9 for an input of 8 x 8 or 10 x 10
    g = geometry((extent, extent, 1), 1, (3, 3), (2, 2), ((pad, pad), (pad, pad)))
    delta, w = drawn(WHOLE, g[3:6], 1), drawn(WHOLE, (1, 3, 3, 1), 2)
    every = np.arange(delta.size, dtype=np.uint16)
    dx = propagate(delta, w, every, g)
    assert dx.shape == (error, error, 1)
    assert (dx == oracles.conv_backward(delta, np.zeros(g[:3]), w, every, g)[0]).all()
    # no window of the valid one reaches the last row and column; with padding all of them do
    assert dx[-1].any() == dx[:, -1].any() == (pad == 1)


def test_published_defect_more_than_32767_entries():
    g = geometry((34, 34, 1), 32, (1, 1))  # 36,992 entries
    x, w, b, delta = problem(g, WHOLE, 1)
    kept = np.uint16([0, 32767, 32768, 32769, 36960, 36961, 36962, 36963, 36991])
    dx, dw, db = oracles.conv_backward(delta, x, w, kept, g)
    assert (propagate(delta, w, kept, g) == dx).all()
    new_w, new_b = update(w, b, delta, x, kept, g, 0.5)
    assert (new_w == w - 0.5 * dw).all() and (new_b == b - 0.5 * db).all()


def test_more_than_65535_entries_need_indices_of_32_bits():
    g = geometry((1, 23_000, 1), 3, (1, 2))  # 68,997 entries
    x, w, b, delta = problem(g, WHOLE, 1)
    kept = np.uint32([0, 65535, 65536, 65537, 65538, 65539, 68994, 68995, 68996])
    dx, dw, db = oracles.conv_backward(delta, x, w, kept, g)
    assert (propagate(delta, w, kept, g) == dx).all()
    new_w, new_b = update(w, b, delta, x, kept, g, 0.5)
    assert (new_w == w - 0.5 * dw).all() and (new_b == b - 0.5 * db).all()


def test_published_defect_bias_policy_differed_between_layers():
    # here both policies exist and mean the same as in the dense layer: all entries, or the kept ones
    g = geometry((1, 4, 1), 2, (1, 1))
    x, w, b, delta = problem(g, WHOLE, 1)
    kept = np.uint16([1, 4, 6])
    for dense_bias, entries in ((False, kept), (True, range(8))):
        expected = b - [sum(delta.flat[e] for e in entries if e % 2 == channel) for channel in range(2)]
        assert update(w, b, delta, x, kept, g, 1, dense_bias)[1].tolist() == expected.tolist()
