"""int8 values as float32 against the oracle: all values, zeros, scales that are subnormal or large."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuref.kernels.mixed.dequantise import dequantise_s8_f32
from mcuref.testing import oracles_mixed as oracles
from mcuref.testing.buffers import Guarded

EVERY = np.arange(-128, 128).astype(np.int8)


def agree(q, scale, zero):
    x, y = Guarded(q, 99), Guarded(np.full(q.size, np.nan, np.float32), 99)
    dequantise_s8_f32(y.values, x.values, np.float32(scale), np.int32(zero))
    assert not x.outside and not x.changed and not y.outside
    np.testing.assert_array_equal(y.values.view(np.int32), oracles.dequantised(q, scale, zero).view(np.int32))
    return y.values


@pytest.mark.parametrize("zero", [-128, -1, 0, 3, 127])
@pytest.mark.parametrize("scale", [1.0, 1 / 3, 0.1, 1e-40, 2.0**-126, 3e38])
def test_every_value(scale, zero):
    values = agree(EVERY, scale, zero)
    assert values[zero + 128].view(np.int32) == 0  # +0


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 33])
def test_every_size(n):
    agree(EVERY[-n:], 0.7, 5)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-128, 127), min_size=1, max_size=40),
    st.floats(2.0**-100, 2.0**100, width=32),
    st.integers(-128, 127),
)
def test_drawn_ones(values, scale, zero):
    agree(np.int8(values), scale, zero)
