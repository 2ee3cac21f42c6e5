"""Tanh: oracle over all magnitudes, odd to the bit, saturation, NaN, in place as apart, finite differences, golden bits."""

import numpy as np

from mcuref.kernels.hashing import START, fnv1a
from mcuref.kernels.tanh import tanh_backward_f32, tanh_forward_f32
from mcuref.testing import oracles

from . import smooth
from .bits import EPS, assert_same_bits, floats, worst_ulps

ORACLE = oracles.ACTIVATIONS["tanh"]


def tanh(x):
    """The kernel, apart."""
    return smooth.apart(tanh_forward_f32, x)


def test_it_is_within_one_and_a_half_units_over_all_magnitudes_and_odd():
    x = floats(1e-45, 3.4e38)
    assert worst_ulps(tanh(x), oracles.tanh_forward(x)) <= 1.5
    assert_same_bits(tanh(-x), -tanh(x))


def test_where_its_parts_meet():
    for edge in (0.625, 9.011, 10):
        x = (np.float32(edge).view(np.int32) + np.arange(-999, 1000, dtype=np.int32)).view(np.float32)
        assert worst_ulps(tanh(x), oracles.tanh_forward(x)) <= 1.5 and (np.diff(tanh(x)) >= -EPS).all()


def test_it_saturates_without_overflow_and_lets_nan_pass():
    x = np.float32([0, -0.0, 1e-45, -1e-45, 1e-38, 9.011, 10, 44.4, -89, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan])
    with np.errstate(over="raise"):  # which plain Python sees
        assert_same_bits(tanh(x), np.float32([0, -0.0, 1e-45, -1e-45, 1e-38, 1, 1, 1, -1, 1, -1, 1, -1, np.nan]))
    assert (tanh(floats(9.011, 3.4e38)) == 1).all() and tanh([9.0109]) < 1


def test_backward():
    y = tanh(np.concatenate([-floats(1e-9, 20), floats(1e-9, 20)]))
    smooth.assert_backward_is_the_oracle(tanh_backward_f32, ORACLE, y)
    smooth.assert_backward_is_the_slope(tanh_forward_f32, tanh_backward_f32, ORACLE)
    assert smooth.apart(lambda dx, y: tanh_backward_f32(dx, y, y), [1, -1]).tolist() == [0, 0]


def test_in_place_has_the_bits_of_apart():
    smooth.assert_in_place_is_apart(tanh_forward_f32, tanh_backward_f32)


def test_golden_bits():
    x = np.arange(-12 * 64, 12 * 64, dtype=np.float32) / np.float32(64) + np.float32(0.001)
    assert f"{int(fnv1a(tanh(x).view(np.uint8), START)):08x}" == "f3726132"
