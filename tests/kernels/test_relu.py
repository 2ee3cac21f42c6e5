"""ReLU and ReLU6: oracle, the mask variant, zeros of either sign, the limit, NaN."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels import relu
from mcuref.testing import oracles
from mcuref.testing.strategies import errors

from .bits import BROKEN, SIZES, WILD, assert_same_bits, drawn

LIMITS = (np.float32(np.inf), np.float32(6))
ROUND_6 = np.nextafter(np.float32(6), np.float32([0, 6, 9]))  # below, at and above the limit


def plain(x, dy, limit):
    """(y, dx) of the plain kernels, in place as the plan does it."""
    y, dx = x.copy(), dy.copy()
    relu.relu_forward_f32(y, y, limit)
    relu.relu_backward_f32(dx, dx, y, limit)
    return y, dx


def masked(x, dy, limit):
    """(y, dx) of the mask kernels; the mask arrives full of ones and has one byte behind it."""
    y, dx, memory = x.copy(), dy.copy(), np.full(-(-x.size // 8) + 1, 255, np.uint8)
    relu.relu_mask_forward_f32(y, memory[:-1], y, limit)
    relu.relu_mask_backward_f32(dx, dx, memory[:-1])
    assert memory[-1] == 255
    return y, dx


def twin(x, dy, limit):
    """(y, dx), the definition."""
    y = np.where(x >= limit, limit, np.where(x <= 0, np.float32(0), x))
    return y, np.where((x <= 0) | (x >= limit), np.float32(0), dy)


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("variant", [plain, masked])
@settings(max_examples=50, deadline=None)
@given(x=errors(max_size=40))
def test_forward_and_backward_are_exactly_the_oracle(variant, limit, x):
    x = np.concatenate([x, ROUND_6])
    dy = np.arange(1, x.size + 1, dtype=np.float32)
    y, dx = variant(x, dy, limit)
    assert (y == oracles.relu_forward(x, limit)).all()
    assert (dx == oracles.relu_backward(dy, y, limit)).all()


@pytest.mark.parametrize("limit", LIMITS)
@settings(max_examples=50, deadline=None)
@given(x=errors(max_size=40, allow_nonfinite=True), seed=st.integers(0, 2**16))
def test_both_variants_have_the_bits_of_the_definition(limit, x, seed):
    x = np.concatenate([ROUND_6, x])
    dy = drawn(np.concatenate([BROKEN, WILD]), x.size, seed)
    expected = twin(x, dy, limit)
    for variant in (plain, masked):
        for got, definition in zip(variant(x, dy, limit), expected):
            assert_same_bits(got, definition)


@pytest.mark.parametrize("variant", [plain, masked])
def test_special_values(variant):
    # the derivative at 0 is 0, so a NaN error is stopped there; NaN passes and lets its error pass, so that it is seen
    x = np.float32([0, -0.0, 1e-45, -1e-45, np.nan, np.inf, -np.inf, 2, 3.4028235e38])
    dy = np.float32([np.nan, 3, 3, np.nan, 3, np.nan, np.nan, -0.0, 3])
    y, dx = variant(x, dy, np.float32(np.inf))
    assert_same_bits(y, np.float32([0, 0, 1e-45, 0, np.nan, np.inf, 0, 2, 3.4028235e38]))
    # infinity is ReLU's limit, where the derivative is 0 as well
    assert_same_bits(dx, np.float32([0, 0, 3, 0, 3, 0, 0, -0.0, 3]))


@pytest.mark.parametrize("variant", [plain, masked])
def test_special_values_at_a_limit(variant):
    below, _, above = ROUND_6
    x = np.float32([6, below, above, 0, np.nan, np.inf, -np.inf, -6, 5])
    dy = np.float32([np.nan, 3, np.nan, np.nan, 3, np.nan, np.nan, np.nan, np.nan])
    y, dx = variant(x, dy, np.float32(6))
    assert_same_bits(y, np.float32([6, below, 6, 0, np.nan, 6, 0, 0, 5]))
    assert_same_bits(dx, np.float32([0, 3, 0, 0, 3, 0, 0, 0, np.nan]))


@pytest.mark.parametrize("limit", LIMITS)
def test_apart_has_the_bits_of_in_place(limit):
    for n in SIZES:
        x, dy = drawn(BROKEN, n, n), drawn(BROKEN, n, n + 1)
        y, dx, before = np.full(n, 77, np.float32), np.full(n, 77, np.float32), (x.copy(), dy.copy())
        relu.relu_forward_f32(y, x, limit)
        relu.relu_backward_f32(dx, dy, y, limit)
        mask, y_of_mask, dx_of_mask = np.full(-(-n // 8), 255, np.uint8), np.empty_like(y), np.empty_like(dx)
        relu.relu_mask_forward_f32(y_of_mask, mask, x, limit)
        relu.relu_mask_backward_f32(dx_of_mask, dy, mask)
        for got, expected in zip((y, dx, y_of_mask, dx_of_mask), 2 * plain(x, dy, limit)):
            assert_same_bits(got, expected)
        assert_same_bits(x, before[0])
        assert_same_bits(dy, before[1])
        assert (mask == np.packbits(twin(x, np.ones(n, np.float32), limit)[1] == 1, bitorder="little")).all()
