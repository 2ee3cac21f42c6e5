"""The oracles of int8 operators by hand, and what they come to as real values."""

import numpy as np
import pytest

from mcuref.quantization.tables import exponentials
from mcuref.testing import oracles_int8 as oracles

ONE = 1 << 30, 1  # a factor of 1
HALF = 1 << 30, 0


def test_registers_hold_32_bits():
    assert [oracles.int32(v) for v in (2**31 - 1, 2**31, -(2**31) - 1, 2**32 + 5)] == [2**31 - 1, -(2**31), 2**31 - 1, 5]


@pytest.mark.parametrize(
    "numerator, away, up", [(1, 1, 1), (-1, -1, 0), (3, 2, 2), (-3, -2, -1), (4, 2, 2), (-4, -2, -2), (0, 0, 0)]
)
def test_halves(numerator, away, up):
    assert (oracles.nearest(numerator, 2), oracles.nearest_up(numerator, 2)) == (away, up)


def test_a_dense_layer():
    # (1 - 3) 2 + (5 - 3) 4 + 10 = 14 and (1 - 3) -1 + (5 - 3) 0 - 1 = 1; halved 7 and 1 (0.5 goes up); + 100, clamped to 106
    z = oracles.dense_forward([1, 5], [2, 4, -1, 0], [10, -1], [HALF[0]], [HALF[1]], 3, 100, high=106)
    assert z.tolist() == [106, 101] and z.dtype == np.int8


def test_a_convolution_sees_its_window_and_nothing_outside():
    geometry = (2, 2, 1, 2, 2, 1, 2, 2, 1, 1, 0, 0)  # windows that reach beyond the right and lower edges
    x, w = [1, 2, 3, 4], [1, 10, 100, -1]
    z = oracles.conv_forward(x, w, [0], [ONE[0]], [ONE[1]], 1, 0, geometry)
    # 0 + 10 + 200 - 3, 1 + 300, 2 + 30, 3: of x - 1, clamped
    assert z.tolist() == [127, 127, 32, 3]
    assert oracles.depthwise_forward(x, w, [0], [ONE[0]], [ONE[1]], 1, 0, geometry).tolist() == z.tolist()


def test_filters_of_a_depthwise_convolution_are_grouped_by_channel():
    geometry = (1, 1, 2, 1, 1, 4, 1, 1, 1, 1, 0, 0)
    z = oracles.depthwise_forward([3, 5], [1, 2, 3, 4], [0, 0, 0, 1], [ONE[0]] * 4, [ONE[1]] * 4, 0, 0, geometry)
    assert z.tolist() == [3, 6, 15, 21]


def test_pools():
    geometry = (1, 3, 2, 1, 2, 2, 1, 2, 1, 1, 0, 0)
    x = [1, -1, 2, -2, 5, -8]
    assert oracles.max_pool_forward(x, geometry, high=4).tolist() == [2, -1, 4, -2]
    assert oracles.average_pool_forward(x, geometry).tolist() == [2, -2, 4, -5]  # 1.5, -1.5, 3.5, -5
    assert oracles.mean_forward(x, 2, 1, 3, *ONE).tolist() == [8, -11]  # sums of x - 1, + 3


def test_values_in_another_scale_and_sums_of_two():
    assert oracles.rescale([-3, 3, 100], 1, 5, *HALF, low=4).tolist() == [4, 6, 55]  # -2, 1 and 49.5, which goes up
    # halves of 2^20 (3 - 1) and of 2^20 (4 - 0), and the sum times 2^-19
    assert oracles.add_forward([3], [4], (1, 0, 7), (1 << 30,) * 3, (0, 0, -18)).tolist() == [13]


def test_samples():
    assert oracles.load([0, 255, 128, 3], [2, -1], [1, 0], [1, 0]).tolist() == [0, -128, 127, -3]


def test_a_table():
    assert oracles.lookup([-128, 127], range(-128, 128)).tolist() == [-128, 127]


def test_softmax_is_near_the_real_one():
    x = np.random.default_rng(1).integers(-128, 128, 50)
    real = np.exp((x - x.max()) * 0.05)
    assert np.abs(256 * real / real.sum() - (oracles.softmax_forward(x, exponentials(0.05)) + 128.0)).max() < 0.51
