"""Sums in eight lanes, and runs: the LLVM code and the NumPy twins against plain loops, bit for bit."""

import numba
import numpy as np
import pytest

from mcuref.kernels import lanes, runs
from mcuref.kernels.jit import FLAGS

from .bits import EPS, ORDINARY, POOLS, assert_same_bits, drawn, lane_sum


@numba.njit(**FLAGS)
def jitted_dot_rows_1(out, x, w, b, row):
    lanes.dot_rows_1(out, x, w, b, row)


@numba.njit(**FLAGS)
def jitted_dot_rows_8(out, x, w, b, row):
    lanes.dot_rows_8(out, x, w, b, row)


@numba.njit(**FLAGS)
def jitted_abs_sum(x):
    return lanes.abs_sum(x)


@numba.njit(**FLAGS)
def jitted_add_scaled(y, i, x, j, n, a):
    runs.add_scaled(y, i, x, j, n, a)


@numba.njit(**FLAGS)
def jitted_add_scaled_4(y, i, x, j0, j1, j2, j3, n, a0, a1, a2, a3):
    runs.add_scaled_4(y, i, x, j0, j1, j2, j3, n, a0, a1, a2, a3)


@numba.njit(**FLAGS)
def jitted_add_scaled_to_4(y, i0, i1, i2, i3, x, j, n, a0, a1, a2, a3):
    runs.add_scaled_to_4(y, i0, i1, i2, i3, x, j, n, a0, a1, a2, a3)


def shifted(values, offset):
    """The same values ``offset`` floats behind an aligned address: a view that begins anywhere, as in the arena."""
    raw = np.full(values.size + 24, np.nan, np.float32)  # who reads past an end meets a NaN
    first = (-raw.ctypes.data // 4) % 8 + offset
    raw[first : first + values.size] = values.reshape(-1)
    return raw[first : first + values.size]


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(
    "rows, twin, jitted", [(1, lanes.dot_rows_1, jitted_dot_rows_1), (8, lanes.dot_rows_8, jitted_dot_rows_8)]
)
@np.errstate(all="ignore")
def test_dot_rows_have_the_bits_of_the_twin_and_write_their_rows_only(rows, twin, jitted, pool):
    for n in range(41):
        w, x, b = (drawn(POOLS[pool], size, n + i) for i, size in enumerate(((rows + 3) * n, n, rows + 3)))
        expected = np.full(rows + 3, 77, np.float32)
        twin(expected, x, w, b, 2)
        assert_same_bits(expected[2:-1], (lane_sum((w.reshape(rows + 3, n) * x).T) + b)[2:-1])
        for offset in (0, 1, 4, 7):
            out = np.full(rows + 3, 77, np.float32)
            jitted(out, shifted(x, offset), shifted(w, offset + 1), b, 2)
            assert_same_bits(out, expected)
        assert (expected[[0, 1, -1]] == 77).all()


@pytest.mark.parametrize("pool", POOLS)
@np.errstate(all="ignore")
def test_abs_sum_has_the_bits_of_the_twin(pool):
    for n in range(41):
        x = drawn(POOLS[pool], n, n)
        assert_same_bits(lanes.abs_sum(x), lane_sum(np.abs(x)))
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


# -- runs -----------------------------------------------------------------------------------------------------------


def one_at_a_time(y, i, x, j, n, a):
    """The definition: y[i + t] = y[i + t] + a * x[j + t] for t < n, in plain loops."""
    for t in range(n):
        y[i + t] = y[i + t] + a * x[j + t]


def one_after_the_other(y, i, x, j0, j1, j2, j3, n, a0, a1, a2, a3):
    """Four of them into the same run."""
    for j, a in ((j0, a0), (j1, a1), (j2, a2), (j3, a3)):
        one_at_a_time(y, i, x, j, n, a)


def one_run_after_the_other(y, i0, i1, i2, i3, x, j, n, a0, a1, a2, a3):
    """Four of them from the same run."""
    for i, a in ((i0, a0), (i1, a1), (i2, a2), (i3, a3)):
        one_at_a_time(y, i, x, j, n, a)


def assert_runs_agree(definition, functions, y, arguments):
    """Every function leaves y with the bits that the definition leaves, wherever in memory the arrays begin."""
    expected = y.copy()
    definition(expected, *arguments)
    for function in functions:
        for offset in (0, 1, 4, 7):
            got = shifted(y, offset)
            moved = [shifted(v, (3 * offset + 1) % 8) if isinstance(v, np.ndarray) else v for v in arguments]
            function(got, *moved)
            assert_same_bits(got, expected)


@pytest.mark.parametrize("pool", POOLS)
@np.errstate(all="ignore")
def test_runs_have_the_bits_of_plain_loops_and_write_their_elements_only(pool):
    # sizes on both sides of whole vectors; elements before and behind a run keep their bits, NaN in them is not read
    for n in range(41):
        scales = list(drawn(POOLS[pool], 4, n))
        y, x = drawn(POOLS[pool], n + 3, n + 1), drawn(POOLS[pool], n + 5, n + 2)
        y[[0, 1, -1]], x[[0, -1]] = np.nan, np.nan
        functions = runs.add_scaled, jitted_add_scaled
        assert_runs_agree(one_at_a_time, functions, y, (2, x, 1, n, scales[0]))

        x = drawn(POOLS[pool], 4 * n + 4, n + 3)  # the four runs of x in any order, one of them twice
        starts = [3 * n + 4, 1, 2 * n + 2, 1]
        functions = runs.add_scaled_4, jitted_add_scaled_4
        assert_runs_agree(one_after_the_other, functions, y, (2, x, *starts, n, *scales))

        y, x = (drawn(POOLS[pool], 4 * n + 5, n + 4), drawn(POOLS[pool], n + 1, n + 5))  # one element between the runs of y
        starts = [3 * n + 4, 1, n + 2, 2 * n + 3]
        functions = runs.add_scaled_to_4, jitted_add_scaled_to_4
        assert_runs_agree(one_run_after_the_other, functions, y, (*starts, x, 1, n, *scales))


def test_runs_round_the_product_and_then_the_sum():
    # (1 + eps)^2 - (1 + 2 eps) = eps^2 is what a fused multiply-add would leave
    one_up = np.float32(1 + EPS)
    for size in (1, 8):  # a single element, a whole vector
        x, less = np.full(size, one_up), np.full(size, -np.float32(1 + 2 * EPS))
        for add_scaled in (runs.add_scaled, jitted_add_scaled):
            y = less.copy()
            add_scaled(y, 0, x, 0, size, one_up)
            assert not y.any()


def test_zeros_and_denormals_of_runs_by_hand():
    tiny = np.float32(1e-45)
    for size in (1, 8):
        for add_scaled in (runs.add_scaled, jitted_add_scaled):
            for y, a, x, total in (
                (-0.0, 0, 1, 0.0),
                (-0.0, -0.0, 1, -0.0),
                (0.0, -0.0, 1, 0.0),
                (-1, 1, 1, 0.0),
                (tiny, 1, tiny, 2 * tiny),
                (0, 0.5, 3 * tiny, 2 * tiny),
                (0, 0.5, tiny, 0.0),
                (3.4028235e38, 2, 3e38, np.inf),
                (1, 0, np.inf, np.nan),
            ):
                run = np.full(size, y, np.float32)
                with np.errstate(all="ignore"):
                    add_scaled(run, 0, np.full(size, x, np.float32), 0, size, np.float32(a))
                assert_same_bits(run, np.full(size, total, np.float32))
