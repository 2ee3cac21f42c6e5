"""The C twin of top-k, on errors of which every entry falls into one bin, and those of programs that seldom come."""

import ctypes

import numpy as np
import pytest

from mcuref.export.cores import CORES
from mcuref.export.sources import SOURCES, library_sources
from mcuref.firmware.toolchain import compile_all, link
from mcuref.kernels import selection
from mcuref.kernels.lanes import abs_sum
from mcuref.testing.buffers import Guarded, call_c

SELECTED = """
#include "kernels/lanes.h"

static int32_t passes;

#define tree(...) (passes++, tree(__VA_ARGS__)) /* at the end of each */
#include "kernels/selection.c"

int32_t selected(mcuref_index *kept, int32_t *tally, float *sum, int32_t *counted, const float *x, int32_t n, int32_t k);
int32_t selected(mcuref_index *kept, int32_t *tally, float *sum, int32_t *counted, const float *x, int32_t n, int32_t k) {
  const int32_t low = likely_from(x, n);
  passes = 0;
  *sum = sum_and_tally(tally, x, n, low, FIRST_SHIFT);
  const int32_t count = k > 0 ? top_k(kept, tally, x, n, k, low) : 0;
  *counted = passes;
  return count;
}
"""


@pytest.fixture(params=[np.uint16, np.uint32])
def selected(request, need, tmp_path):
    """(selected in C, the type of its indices)."""
    need("host")
    (tmp_path / "selected.c").write_text(SELECTED)
    flags = ("-fPIC", f"-DMCUREF_INDEX={np.dtype(request.param).name}_t")
    others = [source for source in library_sources() if source.name != "selection.c"]
    objects = compile_all(CORES["host"], [*others, tmp_path / "selected.c"], tmp_path, flags, [SOURCES])
    library = ctypes.CDLL(str(link(CORES["host"], objects, tmp_path / "library.so", ("-shared",))))
    return library.selected, request.param


def errors():
    """Errors of many sizes, and how many entries are kept of each."""
    random = np.random.default_rng(0)
    for n in (1, 2, 3, 7, 8, 15, 17, 33, 64, 65, 255, 257, 1352, 65_536):
        unseen = np.ones(n, np.float32)
        unseen[:: (n // 32) | 1] = 0  # what a guess is made of
        bits = [
            np.full(n, 0x3F000000),
            np.arange(n),  # denormals
            0x3F800000 + random.integers(0, 1 << 20, n),
            0x3F800000 + random.integers(0, 9, n),
            0x3F800000 + np.arange(n),
            random.integers(0, 0x7F800000, n),
            random.normal(size=n).astype(np.float32).view(np.int32) * (random.random(n) < 0.5),
            unseen.view(np.int32),
        ]
        for values in bits:
            delta = np.ascontiguousarray(values, np.int32).view(np.float32) * random.choice(np.float32([-1, 1]), n)
            for k in sorted({1, -(-n // 10), n // 2, n - 1, n} - {0}):
                yield delta, k


def test_top_k_in_c_keeps_the_same_with_the_same_passes(selected):
    function, dtype = selected
    for delta, k in errors():
        n, kept, expected = delta.size, Guarded(np.zeros(k, dtype), 0xA5A5), np.zeros(k, dtype)
        tally, sums, passes = Guarded(np.full(64, -1, np.int32), 99), np.zeros(1, np.float32), np.zeros(1, np.int32)
        types = (ctypes.c_int32, ctypes.c_int32)
        count = call_c(function, ctypes.c_int32, types, kept.values, tally.values, sums, passes, delta, n, k)
        wanted, comparisons = selection.top_k(expected, delta.view(np.int32), np.int64(k))
        assert count == wanted and not kept.outside and not tally.outside
        np.testing.assert_array_equal(kept.values[:count], expected[:count])
        with np.errstate(over="ignore"):  # of plain Python: some sums are beyond float32
            assert sums.tobytes() == abs_sum(delta).tobytes()
        if k < n:
            assert 0 <= comparisons - (passes[0] + 1) * n <= 32**2
        else:
            assert comparisons == 0 and passes == 1


def test_sums_in_c_that_are_not_finite_are_seen(selected):
    function, dtype = selected
    for bad in np.float32([np.nan, np.inf, -np.inf]):
        for place in range(17):
            delta = np.linspace(-1, 1, 17, dtype=np.float32)
            delta[place] = bad
            kept, tally = Guarded(np.zeros(17, dtype), 0xA5A5), Guarded(np.zeros(64, np.int32), 99)
            sums, passes = np.zeros(1, np.float32), np.zeros(1, np.int32)
            call_c(function, ctypes.c_int32, (ctypes.c_int32,) * 2, kept.values, tally.values, sums, passes, delta, 17, 0)
            assert not selection.is_finite(sums[0]) and not selection.is_finite(abs_sum(delta))
            assert not kept.outside and not tally.outside and tally.values.sum() == np.count_nonzero(delta)
