"""Sigmoid: oracle over all magnitudes, saturation, NaN, in place as apart, finite differences, golden bits."""

import numpy as np

from mcuref.kernels.hashing import START, fnv1a
from mcuref.kernels.sigmoid import sigmoid_backward_f32, sigmoid_forward_f32
from mcuref.testing import oracles

from . import smooth
from .bits import assert_same_bits, floats, worst_ulps

ORACLE = oracles.ACTIVATIONS["sigmoid"]


def sigmoid(x):
    """The kernel, apart."""
    return smooth.apart(sigmoid_forward_f32, x)


def test_it_is_within_two_and_a_half_units_over_all_magnitudes():
    for x in (floats(1e-45, 3.4e38), -floats(1e-45, 87.3365)):
        assert worst_ulps(sigmoid(x), oracles.sigmoid_forward(x)) <= 2.5
    below = sigmoid(-floats(87.33655, 3.4e38))  # where results would be subnormal
    assert not below.any() and not np.signbit(below).any()


def test_it_saturates_without_overflow_and_lets_nan_pass():
    x = np.float32([0, -0.0, 1e-45, -1e-45, 16.64, 89, -89, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan])
    with np.errstate(over="raise"):  # which plain Python sees
        assert_same_bits(sigmoid(x), np.float32([0.5, 0.5, 0.5, 0.5, 1, 1, 0, 1, 0, 1, 0, np.nan]))
    assert (sigmoid(floats(16.64, 3.4e38)) == 1).all() and sigmoid([16.63]) < 1
    assert sigmoid([-87.33654]) >= np.finfo(np.float32).tiny


def test_backward():
    y = sigmoid(np.concatenate([-floats(1e-9, 80), floats(1e-9, 80)]))
    smooth.assert_backward_is_the_oracle(sigmoid_backward_f32, ORACLE, y)
    smooth.assert_backward_is_the_slope(sigmoid_forward_f32, sigmoid_backward_f32, ORACLE)
    assert smooth.apart(lambda dx, y: sigmoid_backward_f32(dx, y, y), [1, 0]).tolist() == [0, 0]


def test_in_place_has_the_bits_of_apart():
    smooth.assert_in_place_is_apart(sigmoid_forward_f32, sigmoid_backward_f32)


def test_golden_bits():
    x = np.arange(-24 * 32, 24 * 32, dtype=np.float32) / np.float32(32) + np.float32(0.001)
    assert f"{int(fnv1a(sigmoid(x).view(np.uint8), START)):08x}" == "d786d8d5"
