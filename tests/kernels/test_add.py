"""Addition: one rounding an entry, also over one of its arguments."""

import numpy as np
import pytest

from mcuref.kernels.add import add_f32
from mcuref.testing import oracles
from mcuref.testing.buffers import Guarded

from .bits import EPS, ORDINARY, POOLS, SIZES, assert_same_bits, drawn


@pytest.mark.parametrize("pool", POOLS)
@np.errstate(all="ignore")
def test_sum_is_rounded_once_also_in_place(pool):
    for n in SIZES:
        values = drawn(POOLS[pool], n, n), drawn(POOLS[pool], n, n + 1)
        for target in (0, 1, 2):
            arrays = a, b, _ = [Guarded(v, np.nan) for v in (*values, np.full(n, np.nan, np.float32))]
            add_f32(arrays[target].values, a.values, b.values)
            assert_same_bits(arrays[target].values, values[0] + values[1])
            assert not any(array.outside for array in arrays)
            assert not any(array.changed for array in {a, b} - {arrays[target]})


def test_sum_is_near_the_oracle():
    a, b, out = drawn(ORDINARY, 33, 1), drawn(ORDINARY, 33, 2), np.empty(33, np.float32)
    add_f32(out, a, b)
    exact = oracles.add(a, b)
    assert (np.abs(out - exact) <= EPS / 2 * np.abs(exact)).all()
