"""Loading a sample: four types, one constant, channels, one constant a value."""

import numpy as np
import pytest

from mcuref.kernels.load import load_f32

from .bits import ORDINARY, SIZES, assert_same_bits, drawn


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, "all"])
def test_load_subtracts_then_scales_in_float32(dtype, channels):
    for pixels in SIZES:
        c = pixels if channels == "all" else channels
        n = c if channels == "all" else pixels * c
        if dtype == np.float32:
            x = drawn(ORDINARY, n, n)
        else:
            x = np.random.default_rng(n).integers(np.iinfo(dtype).min, np.iinfo(dtype).max, n, dtype, endpoint=True)
            x[0], x[-1] = np.iinfo(dtype).min, np.iinfo(dtype).max
        mean, scale = drawn(ORDINARY, c, n + 1), drawn(ORDINARY, c, n + 2)
        out = np.full(n, np.nan, np.float32)
        load_f32(out, x, mean, scale)
        channel = np.arange(n) % c
        assert_same_bits(out, (x.astype(np.float32) - mean[channel]) * scale[channel])


def test_load_by_hand():
    out = np.empty(4, np.float32)
    load_f32(out, np.uint8([0, 255, 10, 20]), np.float32([0, 5]), np.float32([0.5, 2]))
    assert out.tolist() == [0, 500, 5, 30]
