"""Sums by rows: which rows are begun, decayed and applied, in both layouts, and that no other row is touched."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.rows import apply_rows_f32, begin_rows_f32
from mcuref.testing.buffers import Guarded

from .bits import EPS, ORDINARY, POOLS, SIZES, UNDERFLOW, assert_same_bits, drawn, kept_of

RATE = np.float32(0.01)
LAYOUTS = ["dense", "depthwise"]  # [R, K], rows in one run; [K, R], a row every R


def strides(layout, rows, elements):
    """(row stride, stride)."""
    return (elements, 1) if layout == "dense" else (1, rows)


def by_rows(layout, array, rows):
    """View [R, K] of an array in either layout."""
    return array.reshape(rows, -1) if layout == "dense" else array.reshape(-1, rows).T


def bytes_of(named, rows):
    """uint8[ceil(R / 8)] with the bits of the rows in ``named``."""
    return np.packbits(np.isin(np.arange(rows), named), bitorder="little")


def begin(layout, a, a_bias, touched, kept, factor):
    """(a, a_bias, touched) afterwards; every array between guards."""
    arrays = Guarded(a, np.nan), Guarded(a_bias, np.nan), Guarded(touched, 0xA5)
    rows = a_bias.size
    elements = a.size // rows
    begin_rows_f32(*(g.values for g in arrays), kept, np.float32(factor), elements, *strides(layout, rows, elements))
    assert not any(array.outside for array in arrays)
    return [array.values for array in arrays]


def apply(layout, w, b, touched, a, a_bias, rate=RATE):
    """(w, b, touched, how many rows) afterwards; every array between guards."""
    arrays = Guarded(w, np.nan), Guarded(b, np.nan), Guarded(touched, 0xA5), Guarded(a, np.nan), Guarded(a_bias, np.nan)
    elements = w.size // b.size
    count = apply_rows_f32(*(g.values for g in arrays), rate, elements, *strides(layout, b.size, elements))
    assert not any(array.outside for array in arrays) and not arrays[3].changed and not arrays[4].changed
    return *(array.values for array in arrays[:3]), count


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("factor", [0, 0.9, 1])
@np.errstate(all="ignore")
def test_begin_scales_rows_with_kept_entries_once_and_leaves_the_others_alone(layout, pool, factor):
    for rows in SIZES:
        elements = rows % 4 + 1
        a, a_bias = drawn(POOLS[pool], rows * elements, rows), drawn(POOLS[pool], rows, rows + 1)
        kept = kept_of(3 * rows, 0.2, rows)  # several positions may name one row
        before = np.array([0, rows - 1]) if rows > 2 else np.array([], int)  # touched by an earlier sample of the batch
        fresh = np.setdiff1d(kept % rows, before)
        expected, expected_bias = a.copy(), a_bias.copy()
        scaled = by_rows(layout, expected, rows)
        scaled[fresh] = np.float32(factor) * scaled[fresh] if factor else 0
        expected_bias[fresh] = np.float32(factor) * expected_bias[fresh] if factor else 0
        new_a, new_bias, touched = begin(layout, a, a_bias, bytes_of(before, rows), kept, factor)
        assert_same_bits(new_a, expected)
        assert_same_bits(new_bias, expected_bias)
        assert touched.tolist() == bytes_of(np.union1d(before, kept % rows), rows).tolist()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_begin_overwrites_whatever_was_there_by_plus_0_if_nothing_is_remembered(layout):
    for rubbish in (np.nan, np.inf, -3, -0.0):
        a, a_bias = np.full(12, rubbish, np.float32), np.full(4, rubbish, np.float32)
        new_a, new_bias, _ = begin(layout, a, a_bias, np.zeros(1, np.uint8), np.uint16([1, 6]), 0)
        expected = np.full(12, rubbish, np.float32)
        by_rows(layout, expected, 4)[[1, 2]] = 0
        assert_same_bits(new_a, expected)
        assert_same_bits(new_bias, np.float32([rubbish, 0, 0, rubbish]))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("pool", POOLS)
@np.errstate(all="ignore")
def test_apply_subtracts_touched_rows_once_and_counts_them(layout, pool):
    for rows in SIZES:
        elements = rows % 3 + 1
        w, a = (drawn(POOLS[pool], rows * elements, rows + i) for i in range(2))
        b, a_bias = (drawn(POOLS[pool], rows, rows + i) for i in range(2, 4))
        for share in (0, 0.5, 1):
            named = kept_of(rows, share, rows)
            rest = np.setdiff1d(np.arange(rows), named)
            expected_w, expected_b = w.copy(), b.copy()
            by_rows(layout, expected_w, rows)[named] -= RATE * by_rows(layout, a, rows)[named]
            expected_b[named] -= RATE * a_bias[named]
            holed_a, holed_bias = a.copy(), a_bias.copy()
            by_rows(layout, holed_a, rows)[rest], holed_bias[rest] = np.nan, np.nan  # what was not touched is not read
            new_w, new_b, touched, count = apply(layout, w, b, bytes_of(named, rows), holed_a, holed_bias)
            assert_same_bits(new_w, expected_w)
            assert_same_bits(new_b, expected_b)
            assert count == named.size and not touched.any()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_of_the_last_byte_are_those_of_the_bias(layout):
    # bits behind the last row are not rows
    for rows in (1, 7, 9):
        w, b = np.zeros(2 * rows, np.float32), np.zeros(rows, np.float32)
        touched = np.full(-(-rows // 8), 255, np.uint8)
        new_w, new_b, after, count = apply(layout, w, b, touched, w + 1, b + 1)
        assert count == rows and not after.any()
        assert (new_w == -RATE).all() and (new_b == -RATE).all()


def rounded(error, value):
    """The error of a float32 result near ``value`` after its own rounding, from that of its operands."""
    return error + EPS / 2 * (np.abs(value) + error) + UNDERFLOW


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(LAYOUTS), st.integers(1, 17), st.integers(1, 5), st.sampled_from([0, 0.5, 0.9]), st.integers(0, 99))
def test_a_few_batches_are_near_momentum_in_float64(layout, rows, elements, momentum, seed):
    # V <- m V at a row's first entry of the batch, V <- V + gradient, w <- w - rate V; rows not named: nothing at all
    random = np.random.default_rng(seed)
    w, b, touched = drawn(ORDINARY, rows * elements, seed), drawn(ORDINARY, rows, seed + 1), bytes_of([], rows)
    start = 0 if momentum else np.nan
    a, a_bias = np.full(w.size, start, np.float32), np.full(rows, start, np.float32)
    weights = np.column_stack([by_rows(layout, w, rows), b]).astype(np.float64)
    velocity, error_w, error_v = (np.zeros(weights.shape) for _ in range(3))
    m, rate = float(np.float32(momentum)), float(RATE)
    for _ in range(3):
        batch = np.zeros(rows, bool)
        for _ in range(2):
            kept = kept_of(2 * rows, 0.3, random.integers(1 << 16))
            a, a_bias, touched = begin(layout, a, a_bias, touched, kept, momentum)
            fresh = np.setdiff1d(kept % rows, np.flatnonzero(batch))
            batch[fresh] = True
            velocity[fresh] = m * velocity[fresh]
            error_v[fresh] = rounded(m * error_v[fresh], velocity[fresh])
            for row in kept % rows:
                gradient = drawn(ORDINARY, elements + 1, random.integers(1 << 16))
                by_rows(layout, a, rows)[row] += gradient[:-1]
                a_bias[row] += gradient[-1]
                velocity[row] += gradient
                error_v[row] = rounded(error_v[row], velocity[row])
        w, b, touched, count = apply(layout, w, b, touched, a, a_bias)
        assert count == batch.sum() and not touched.any()
        weights[batch] -= rate * velocity[batch]
        step = rounded(rate * error_v[batch], rate * velocity[batch])
        error_w[batch] = rounded(error_w[batch] + step, weights[batch])
    assert (np.abs(np.column_stack([by_rows(layout, w, rows), b]) - weights) <= error_w).all()


def test_indices_of_16_and_32_bits_name_the_same_rows():
    a, a_bias, kept = drawn(ORDINARY, 27, 1), drawn(ORDINARY, 9, 2), np.uint16([1, 11, 16, 26])
    for layout in LAYOUTS:
        short, wide = (begin(layout, a, a_bias, np.zeros(2, np.uint8), kept.astype(t), 0.5) for t in (np.uint16, np.uint32))
        assert all((one == other).all() for one, other in zip(short, wide))
        assert wide[2].tolist() == [0b10000110, 0b1]  # rows 1, 2, 7 and 8


def test_entries_above_65535_name_their_row():
    _, _, touched = begin(
        "dense", np.ones(3, np.float32), np.ones(3, np.float32), np.zeros(1, np.uint8), np.uint32([65537, 70_001]), 0.5
    )
    assert touched.tolist() == [0b100]  # 2 mod 3, both; their lower 16 bits would be 1 mod 3
