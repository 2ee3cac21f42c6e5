"""ReLU: oracle, the mask variant, zeros of either sign, NaN."""

import numpy as np
import pytest
from hypothesis import given, settings

from mcuref.kernels import relu
from mcuref.testing import oracles
from mcuref.testing.strategies import errors

from .bits import assert_same_bits


def plain(x, dy):
    """(y, dx) of the plain kernels, in place as the plan does it."""
    y, dx = x.copy(), dy.copy()
    relu.relu_forward_f32(y, y)
    relu.relu_backward_f32(dx, dx, y)
    return y, dx


def masked(x, dy):
    """(y, dx) of the mask kernels; the mask arrives full of ones and has one byte behind it."""
    y, dx, memory = x.copy(), dy.copy(), np.full(-(-x.size // 8) + 1, 255, np.uint8)
    relu.relu_mask_forward_f32(y, memory[:-1], y)
    relu.relu_mask_backward_f32(dx, dx, memory[:-1])
    assert memory[-1] == 255
    return y, dx


@pytest.mark.parametrize("variant", [plain, masked])
@settings(max_examples=50, deadline=None)
@given(x=errors(max_size=40))
def test_forward_and_backward_are_exactly_the_oracle(variant, x):
    dy = np.arange(1, x.size + 1, dtype=np.float32)
    y, dx = variant(x, dy)
    assert (y == oracles.relu_forward(x)).all()
    assert (dx == oracles.relu_backward(dy, y)).all()


@settings(max_examples=50, deadline=None)
@given(x=errors(max_size=40, allow_nonfinite=True), dy=errors(min_size=40, max_size=40, allow_nonfinite=True))
def test_mask_variant_has_the_bits_of_the_plain_one(x, dy):
    for one, other in zip(plain(x, dy[: x.size]), masked(x, dy[: x.size])):
        assert_same_bits(one, other)


@pytest.mark.parametrize("variant", [plain, masked])
def test_special_values(variant):
    # the derivative at 0 is 0, so a NaN error is stopped there; NaN passes and lets its error pass, so that it is seen
    x = np.float32([0, -0.0, 1e-45, -1e-45, np.nan, np.inf, -np.inf, 2])
    dy = np.float32([np.nan, 3, 3, np.nan, 3, 3, np.nan, -0.0])
    y, dx = variant(x, dy)
    assert_same_bits(y, np.float32([0, 0, 1e-45, 0, np.nan, np.inf, 0, 2]))
    assert_same_bits(dx, np.float32([0, 0, 3, 0, 3, 3, 0, -0.0]))
