"""Real values as int8 and back."""

import numpy as np
import pytest

from mcuref import InputError
from mcuref.quantization.edges import FARTHEST, quantised_samples, quantised_targets, real_values
from mcuref.quantization.scales import Scale

ALL = np.arange(-128, 128).astype(np.int8)


@pytest.mark.parametrize("scale", [Scale(0.1, 5), Scale(2.0**-9, -128), Scale(1e-38, 127), Scale(1e36, 0)])
def test_values_come_back_as_they_were(scale):
    values = real_values(ALL, scale)
    assert values.dtype == np.float32 and values[128 + scale.zero] == 0
    np.testing.assert_array_equal(quantised_samples(values, scale), ALL)


def test_halves_go_away_from_0_and_what_is_beyond_becomes_the_end():
    x = np.float32([[0.5, -0.5, 1.5, -1.5], [1e9, -1e9, np.inf, -np.inf]])
    assert quantised_samples(x, Scale(1.0, 3)).tolist() == [[4, 2, 5, 1], [127, -128, 127, -128]]
    assert quantised_samples(x * np.float32(1e-37), Scale(1e-38, 0))[1].tolist() == [127, -128, 127, -128]


def test_nan_is_refused():
    with pytest.raises(InputError, match="samples have NaN"):
        quantised_samples(np.float32([0, np.nan]), Scale(1.0, 0))


def test_targets_in_the_scale_of_outputs():
    """To the nearest step, halves away from 0, also beyond the ends of int8; but not without end."""
    scale = Scale(0.25, -3)
    y = np.float32([0, 1, -1, 0.125, -0.125, 0.37, 100, 3e38, -3e38])
    expected = [-3, 1, -7, -2, -4, -2, 397, FARTHEST, -FARTHEST]
    found = quantised_targets(y, scale)
    assert found.dtype == np.int32 and found.tolist() == expected
