"""Fully connected layer: oracle, finite differences, and the order of every sum bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.dense import dense_backward_input_f32, dense_forward_f32, dense_update_f32
from mcuref.kernels.lanes import dot_rows_1
from mcuref.testing import check_sparse_update, oracles
from mcuref.testing.strategies import sparse_update_problems

from .bits import BROKEN, EPS, ORDINARY, SIZES, WHOLE, WILD, assert_same_bits, drawn, kept_of, rounding_bound

RATE = np.float32(0.01)


def forward(x, w, b):
    out = np.full(b.size, np.nan, np.float32)
    dense_forward_f32(out, x, w.reshape(-1), b)
    return out


def assert_forward_near_the_oracle(x, w, b):
    # a term: one product, ceil(I / 8) - 1 sums in its lane, 3 in the tree, then the bias; each half an EPS
    roundings = np.ceil(x.size / 8) + 4
    terms = np.abs(w.astype(np.float64)) @ np.abs(x.astype(np.float64)) + np.abs(b)
    bound = rounding_bound(roundings, terms, x.size)
    assert (np.abs(forward(x, w, b) - oracles.dense_forward(x, w, b)) <= bound).all()


def test_forward_is_near_the_oracle_at_odd_sizes():
    for outputs in SIZES:
        for inputs in SIZES:
            w, x, b = (drawn(ORDINARY, shape, inputs) for shape in ((outputs, inputs), inputs, outputs))
            assert_forward_near_the_oracle(x, w, b)


@settings(max_examples=60, deadline=None)
@given(sparse_update_problems())
def test_forward_is_near_the_oracle_on_any_problem(problem):
    assert_forward_near_the_oracle(problem.x, problem.w, problem.b)


@pytest.mark.parametrize("pool", [ORDINARY, WILD, BROKEN])
@np.errstate(all="ignore")
def test_forward_has_the_bits_of_one_row_at_a_time(pool):
    for outputs in SIZES:
        w, x, b = (drawn(pool, shape, outputs) for shape in ((outputs, 19), 19, outputs))
        expected = np.empty(outputs, np.float32)
        for row in range(outputs):
            dot_rows_1(expected, x, w.reshape(-1), b, row)  # the NumPy twin
        assert_same_bits(forward(x, w, b), expected)


@pytest.mark.parametrize("pool", [ORDINARY, WILD, BROKEN])
@np.errstate(all="ignore")
def test_backward_and_update_have_the_bits_of_one_row_after_the_other(pool):
    for outputs in SIZES:
        for share in (0, 0.4, 1):
            w, x, delta = (drawn(pool, shape, outputs) for shape in ((outputs, 21), 21, outputs))
            b, kept = drawn(ORDINARY, outputs, 5), kept_of(outputs, share, outputs)
            expected_dx, expected_w, expected_b = np.zeros(21, np.float32), w.copy(), b.copy()
            for j in kept:
                expected_dx = expected_dx + delta[j] * w[j]  # NumPy rounds the product, then the sum: no fma
                expected_w[j] = w[j] - (RATE * delta[j]) * x
                expected_b[j] = b[j] - RATE * delta[j]
            dx = np.full(21, np.nan, np.float32)
            dense_backward_input_f32(dx, delta, w.reshape(-1), kept)
            dense_update_f32(w.reshape(-1), b, delta, x, kept, RATE, False)
            assert_same_bits(dx, expected_dx)
            assert_same_bits(w, expected_w)
            assert_same_bits(b, expected_b)


def test_backward_and_update_pass_the_check_for_ports():
    # oracle, unselected rows never read (NaN in them) and never written, nothing written outside
    def step(dx, w, b, x, delta, kept, learning_rate):
        dense_backward_input_f32(dx, delta, w.reshape(-1), kept)
        dense_update_f32(w.reshape(-1), b, delta, x, kept, np.float32(learning_rate), False)

    check_sparse_update(step, examples=60)


def test_rows_not_kept_are_not_read_in_any_position_of_a_pass():
    for kept in ([0], [1, 3], [0, 2, 5, 6], [1, 2, 3, 4, 7], [8], list(range(0, 9, 2))):
        w, delta = np.full((9, 5), np.nan, np.float32), np.full(9, np.nan, np.float32)
        w[kept], delta[kept] = 2, 3
        dx = np.full(5, np.nan, np.float32)
        dense_backward_input_f32(dx, delta, w.reshape(-1), np.array(kept, np.uint16))
        assert (dx == 6 * len(kept)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**16), st.sampled_from(SIZES), st.sampled_from(SIZES))
def test_gradients_agree_with_finite_differences(seed, outputs, inputs):
    # L = c . (w x + b) is linear in each of its arguments: differences with step 1 are exact but for float64 rounding
    shapes = ((outputs, inputs), inputs, outputs, outputs)
    w, x, b, c = (drawn(ORDINARY, shape, seed + i) for i, shape in enumerate(shapes))
    dx, kept = np.empty(inputs, np.float32), np.arange(outputs, dtype=np.uint16)
    dense_backward_input_f32(dx, c, w.reshape(-1), kept)
    new_w, new_b = np.zeros_like(w), np.zeros_like(b)
    dense_update_f32(new_w.reshape(-1), new_b, c, x, kept, np.float32(-1), False)  # 0 - (-1) gradient

    def near(got, of, start, terms):
        gradient = oracles.finite_difference(of, start, step=1.0)
        scale = np.abs(oracles.dense_forward(x, w, b)) @ np.abs(c) * 1e-10 + 1e-6  # cancellation in float64
        assert (np.abs(got - gradient) <= (outputs + 1) * EPS * terms + scale).all()

    near(dx, lambda v: c @ oracles.dense_forward(v, w, b), x, np.abs(c) @ np.abs(w))
    near(new_b, lambda v: c @ oracles.dense_forward(x, w, v), b, np.abs(c))
    near(new_w[0], lambda v: c[0] * oracles.dense_forward(x, v[None], b[:1])[0], w[0], np.abs(c[0] * x))


def test_dense_bias_trains_every_bias_and_only_kept_weights():
    for outputs in SIZES:
        w, x, b, delta = (drawn(ORDINARY, shape, outputs) for shape in ((outputs, 5), 5, outputs, outputs))
        kept, before = kept_of(outputs, 0.5, 1), (w.copy(), b.copy())
        dense_update_f32(w.reshape(-1), b, delta, x, kept, RATE, True)
        others = np.setdiff1d(np.arange(outputs), kept)
        assert_same_bits(w[others], before[0][others])
        assert_same_bits(w[kept], before[0][kept] - (RATE * delta[kept])[:, None] * x)
        assert_same_bits(b, before[1] - RATE * delta)


def test_indices_of_16_and_32_bits_give_the_same_bits():
    for outputs in SIZES:
        w, x, b, delta = (drawn(ORDINARY, shape, outputs) for shape in ((outputs, 5), 5, outputs, outputs))
        found = []
        for dtype in (np.uint16, np.uint32):
            kept, dx, new_w, new_b = kept_of(outputs, 0.6, 2, dtype), np.empty(5, np.float32), w.copy(), b.copy()
            dense_backward_input_f32(dx, delta, w.reshape(-1), kept)
            dense_update_f32(new_w.reshape(-1), new_b, delta, x, kept, RATE, False)
            found.append((dx, new_w, new_b))
        for short, wide in zip(*found):
            assert_same_bits(short, wide)


@pytest.mark.parametrize("outputs, dtype", [(36_992, np.uint16), (70_001, np.uint32)])
def test_more_than_32767_and_65535_entries(outputs, dtype):
    w, x, b, delta = (drawn(WHOLE, shape, outputs) for shape in ((outputs, 2), 2, outputs, outputs))
    kept, dx = np.array([0, 32767, 32768, 32769, *range(outputs - 5, outputs)], dtype), np.empty(2, np.float32)
    dense_backward_input_f32(dx, delta, w.reshape(-1), kept)
    assert (dx == oracles.dense_backward(delta, x, w, kept)[0]).all()
    expected = oracles.sgd_dense_update(w, b, delta, x, kept, 0.5)
    dense_update_f32(w.reshape(-1), b, delta, x, kept, np.float32(0.5), False)
    assert (w == expected[0]).all() and (b == expected[1]).all()
