"""Magnitudes counted, cleared and listed 64 at a time, against NumPy: every size, part and magnitude."""

import numpy as np
import pytest

from mcuref.kernels.int8 import magnitudes
from mcuref.kernels.jit import kernel
from mcuref.testing.buffers import Guarded

from .problems import drawn

SIZES = (0, 1, 7, 63, 64, 65, 127, 128, 130, 200)


@kernel
def count_above(x, first, n, magnitude):
    return magnitudes.count_above(x, first, n, magnitude)


@kernel
def clear_to(x, first, n, magnitude):
    magnitudes.clear_to(x, first, n, magnitude)


@kernel
def list_nonzero(places, x, first, n):
    return magnitudes.list_nonzero(places, x, first, n)


def values(n, seed):
    """int8[n], -127 to 127, small ones more often than not."""
    small = drawn(n, seed, np.int8([0, 0, 0, 1, -1, 2, -3]))
    return np.maximum(np.where(drawn(n, seed + 1) > 60, drawn(n, seed + 2), small), np.int8(-127)).astype(np.int8)


@pytest.mark.parametrize("n", SIZES)
def test_what_is_above_a_magnitude_is_counted_and_the_rest_cleared(n):
    for seed, first in enumerate((0, 1, 5)):
        x = values(first + n + 3, seed)
        for magnitude in (0, 1, 2, 64, 126, 127):
            above = np.abs(x.astype(int)) > magnitude
            inside = (np.arange(x.size) >= first) & (np.arange(x.size) < first + n)
            assert count_above(x, first, n, magnitude) == np.count_nonzero(above & inside)
            left = Guarded(x.copy(), 99)
            clear_to(left.values, first, n, magnitude)
            np.testing.assert_array_equal(left.values, np.where(inside & ~above, 0, x))
            assert not left.outside


@pytest.mark.parametrize("n", SIZES)
def test_places_of_what_is_not_0(n):
    for seed, first in enumerate((0, 1, 5, 0)):
        x = values(first + n + 3, seed) if seed else np.full(n + 3, -127, np.int8)
        wanted = first + np.flatnonzero(x[first : first + n])
        places = Guarded(np.full(wanted.size, -1, np.int32), 99)
        assert list_nonzero(places.values, x, first, n) == wanted.size
        np.testing.assert_array_equal(places.values, wanted)
        assert not places.outside
