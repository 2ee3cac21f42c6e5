"""Dot products of two patches at once, and sums over taps: LLVM code and NumPy twins against plain loops, bit for bit."""

import numba
import numpy as np
import pytest

from mcuref.kernels import pairs, taps
from mcuref.kernels.jit import FLAGS

from .bits import EPS, POOLS, assert_same_bits, drawn, lane_sum
from .test_lanes import shifted


@numba.njit(**FLAGS)
def jitted_dot_pair(out, o0, o1, x, i0, i1, line, lines, width, w, b):
    pairs.dot_pair(out, o0, o1, x, i0, i1, line, lines, width, w, b)


@numba.njit(**FLAGS)
def jitted_dot_pair_columns(out, o0, o1, x, i0, i1, taps, size, columns, filters):
    pairs.dot_pair_columns(out, o0, o1, x, i0, i1, taps, size, columns, filters)


@numba.njit(**FLAGS)
def jitted_sum_taps(out, o, x, i, line, w, j, row, rows, columns, b):
    taps.sum_taps(out, o, x, i, line, w, j, row, rows, columns, b)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("dot_pair", [pairs.dot_pair, jitted_dot_pair])
@np.errstate(all="ignore")
def test_a_pair_of_rows_has_the_order_of_lanes_and_writes_its_outputs_only(dot_pair, pool):
    for lines, width, filters in ((1, 8, 4), (3, 8, 1), (2, 16, 9), (1, 72, 7), (3, 24, 3)):
        line, size = width + 5, lines * width
        x, w, b = (drawn(POOLS[pool], n, n) for n in (lines * line + 7, filters * size, filters))
        expected = np.full(3 * filters + 2, 77, np.float32)
        for o, i in ((1, 0), (2 * filters + 1, 7)):
            patch = np.concatenate([x[i + y * line :][:width] for y in range(lines)])
            expected[o : o + filters] = lane_sum((w.reshape(filters, size) * patch).T) + b
        for offset in (0, 1, 4):
            out = np.full_like(expected, 77)
            dot_pair(out, 1, 2 * filters + 1, shifted(x, offset), 0, 7, line, lines, width, shifted(w, offset + 1), b)
            assert_same_bits(out, expected)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("dot_pair", [pairs.dot_pair_columns, jitted_dot_pair_columns])
@np.errstate(all="ignore")
def test_a_pair_by_columns_has_the_order_of_lanes_and_writes_its_outputs_only(dot_pair, pool):
    for size, filters in ((1, 1), (2, 8), (7, 3), (8, 9), (9, 16), (15, 2), (17, 17), (33, 8)):
        x, w, b = (drawn(POOLS[pool], n, n) for n in (3 * size + 5, filters * size, filters))
        places, whole = np.int32(3 * np.arange(size)[::-1]), -(-filters // 8) * 8
        columns = np.full((whole, size + 1), np.nan, np.float32)  # what is of no filter reaches no output
        columns[:filters] = np.hstack([b[:, None], w.reshape(filters, size)])
        columns = np.ascontiguousarray(columns.reshape(-1, 8, size + 1).swapaxes(1, 2)).reshape(-1)
        expected = np.full(3 * filters + 2, 77, np.float32)
        for o, i in ((1, 0), (2 * filters + 1, 5)):
            expected[o : o + filters] = lane_sum((w.reshape(filters, size) * x[i + places]).T) + b
        for offset in (0, 1, 4):
            out, arrays = np.full_like(expected, 77), (places, size, shifted(columns, offset + 1), filters)
            dot_pair(out, 1, 2 * filters + 1, shifted(x, offset), 0, 5, *arrays)
            assert_same_bits(out, expected)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("sum_taps", [taps.sum_taps, jitted_sum_taps])
@np.errstate(all="ignore")
def test_sums_over_taps_go_row_by_row_and_write_their_outputs_only(sum_taps, pool):
    for rows, columns, channels in ((1, 1, 1), (2, 3, 7), (3, 2, 8), (1, 3, 33), (0, 2, 9), (2, 2, 43)):
        line, row = (columns + 1) * channels, (columns + 2) * channels
        x, w, b = (drawn(POOLS[pool], n, n) for n in ((rows + 1) * line + 3, (rows + 1) * row + 5, channels))
        total = np.zeros(channels, np.float32)
        for ky in range(rows):
            for kx in range(columns):
                start, tap = 3 + ky * line + kx * channels, 5 + ky * row + kx * channels
                total = total + x[start : start + channels] * w[tap : tap + channels]
        expected = np.float32([77, *(total + b), 77])
        for offset in (0, 1, 4):
            out = np.full_like(expected, 77)
            sum_taps(out, 1, shifted(x, offset), 3, line, shifted(w, offset + 1), 5, row, rows, columns, b)
            assert_same_bits(out, expected)


def test_products_are_rounded_and_then_the_sums():
    # (1 + eps)^2 - (1 + 2 eps) = eps^2 is what a fused multiply-add would leave
    one_up, less = np.float32(1 + EPS), -np.float32(1 + 2 * EPS)
    for channels in (1, 8, 32):
        x, w, out = np.full(2 * channels, 1, np.float32), np.full(2 * channels, one_up), np.ones(channels, np.float32)
        x[:channels], x[channels:], w[:channels] = less, one_up, 1
        for sum_taps in (taps.sum_taps, jitted_sum_taps):
            sum_taps(out, 0, x, 0, 0, w, 0, 0, 1, 2, np.zeros(channels, np.float32))
            assert not out.any()
    x, w = np.zeros(16, np.float32), np.zeros(16, np.float32)
    x[[0, 8]], w[[0, 8]] = (less, one_up), (1, one_up)  # of one lane
    for dot_pair in (pairs.dot_pair, jitted_dot_pair):
        out = np.ones(1, np.float32)
        dot_pair(out, 0, 0, x, 0, 0, 16, 1, 16, w, np.zeros(1, np.float32))
        assert not out.any()
    for dot_pair in (pairs.dot_pair_columns, jitted_dot_pair_columns):
        out, columns = np.ones(1, np.float32), np.zeros((17, 8), np.float32)
        columns[1:, 0] = w
        dot_pair(out, 0, 0, x, 0, 0, np.arange(16, dtype=np.int32), 16, columns.reshape(-1), 1)
        assert not out.any()
