"""Sums in eight lanes: the LLVM code against the NumPy twins that define them, bit for bit."""

import numba
import numpy as np
import pytest

from mcuref.kernels import lanes
from mcuref.kernels.jit import FLAGS

from .bits import BROKEN, EPS, ORDINARY, WILD, assert_same_bits, drawn

POOLS = {"ordinary": ORDINARY, "wild": WILD, "broken": BROKEN}


@numba.njit(**FLAGS)
def jitted_dot_rows_1(out, x, w, b, row):
    lanes.dot_rows_1(out, x, w, b, row)


@numba.njit(**FLAGS)
def jitted_dot_rows_8(out, x, w, b, row):
    lanes.dot_rows_8(out, x, w, b, row)


@numba.njit(**FLAGS)
def jitted_abs_sum(x):
    return lanes.abs_sum(x)


def shifted(values, offset):
    """The same values ``offset`` floats behind an aligned address: a view that begins anywhere, as in the arena."""
    raw = np.full(values.size + 24, np.nan, np.float32)  # who reads past an end meets a NaN
    first = (-raw.ctypes.data // 4) % 8 + offset
    raw[first : first + values.size] = values.reshape(-1)
    return raw[first : first + values.size]


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("rows, twin, jitted", [(1, lanes.dot_rows_1, jitted_dot_rows_1),
                                                (8, lanes.dot_rows_8, jitted_dot_rows_8)])  # fmt: skip
@np.errstate(all="ignore")
def test_dot_rows_have_the_bits_of_the_twin_and_write_their_rows_only(rows, twin, jitted, pool):
    for n in range(1, 41):
        w, x, b = (drawn(POOLS[pool], size, n + i) for i, size in enumerate(((rows + 3) * n, n, rows + 3)))
        expected = np.full(rows + 3, 77, np.float32)
        twin(expected, x, w, b, 2)
        for offset in (0, 1, 4, 7):
            out = np.full(rows + 3, 77, np.float32)
            jitted(out, shifted(x, offset), shifted(w, offset + 1), b, 2)
            assert_same_bits(out, expected)
        assert (expected[[0, 1, -1]] == 77).all()


@pytest.mark.parametrize("pool", POOLS)
@np.errstate(all="ignore")
def test_abs_sum_has_the_bits_of_the_twin(pool):
    for n in range(1, 41):
        x = drawn(POOLS[pool], n, n)
        for offset in (0, 1, 4, 7):
            assert_same_bits(np.float32(jitted_abs_sum(shifted(x, offset))), lanes.abs_sum(x))


@pytest.mark.parametrize("dot", [lanes.dot_rows_1, jitted_dot_rows_1])
def test_order_of_the_sum_by_hand(dot):
    def total(terms):
        out = np.zeros(1, np.float32)
        dot(out, np.float32(terms), np.ones(len(terms), np.float32), np.zeros(1, np.float32), 0)
        return out[0]

    # one after the other: 1e8 - 1e8 + 1 = 1; here 1 joins lane 0, where it is lost: (1e8 + 1) - 1e8 = 0
    assert total([1e8, 0, 0, 0, -1e8, 0, 0, 0, 1]) == 0
    # 2^24 takes no single 1. Halves: lanes 1 and 5 make 2, then 2^24 + 2. Neighbours would give 2^24
    assert total([2**24, 1, 0, 0, 0, 1, 0, 0]) == 2**24 + 2
    # the bias comes last: (1 + 1) + 2^24; it would swallow one 1 after the other
    out = np.float32([5])
    dot(out, np.float32([1, 1]), np.ones(2, np.float32), np.float32([2**24]), 0)
    assert out[0] == 2**24 + 2


def test_abs_sum_by_hand_and_its_error_bound():
    assert jitted_abs_sum(np.float32([-2, 0, -0.0, 3, 1])) == 6
    for n in (1, 7, 33, 1000):
        x = drawn(ORDINARY, n, n)
        exact = np.abs(x.astype(np.float64)).sum()
        # ceil(n / 8) - 1 additions in a lane, 3 in the tree, each half an EPS
        assert abs(jitted_abs_sum(x) - exact) <= (np.ceil(n / 8) + 2) * EPS / 2 * exact
