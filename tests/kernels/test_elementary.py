"""exp, log and rint for float32, against NumPy float64 on dense grids of float32 numbers."""

import numba
import numpy as np
import pytest

from mcuref.kernels import elementary
from mcuref.kernels.hashing import START, fnv1a
from mcuref.kernels.jit import FLAGS

from .bits import assert_same_bits, floats, worst_ulps


def over(kernel):
    """The kernel applied to every entry of a float32 array, in compiled code."""

    @numba.njit(**FLAGS)
    def loop(out, x):
        for i in range(x.size):
            out[i] = kernel(x[i])

    def apply(x):
        out = np.empty(np.shape(x), np.float32)
        loop(out, np.asarray(x, np.float32))
        return out

    return apply


exp, log, rint = (over(kernel) for kernel in (elementary.exp_f32, elementary.log_f32, elementary.rint_f32))


def test_exp_is_within_one_ulp():
    for x in (floats(1e-10, 88.722), -floats(1e-10, 87.3)):
        assert worst_ulps(exp(x), np.exp(x.astype(np.float64))) <= 1


def test_limits_of_exp():
    x = np.float32([0, -0.0, 1e-45, 88.72284, 1e30, np.inf, -87.33655, -1e30, -np.inf, np.nan])
    with np.errstate(invalid="ignore"):  # NaN to an integer, when run as plain Python; the result is NaN all the same
        assert_same_bits(exp(x), np.float32([1, 1, 1, np.inf, np.inf, np.inf, 0, 0, 0, np.nan]))
    assert np.isfinite(exp([88.72283])).all() and exp([-87.33654]) >= np.finfo(np.float32).tiny


def test_log_is_within_one_ulp():
    x = floats(np.finfo(np.float32).tiny, np.finfo(np.float32).max)
    assert worst_ulps(log(x), np.log(x.astype(np.float64))) <= 1


def test_log_by_hand_and_next_to_1():
    assert_same_bits(log([1, 2, 0.5]), np.float32([0, np.log(2), -np.log(2)]))
    x = np.nextafter(np.float32(1), np.float32([0, 2]))
    assert_same_bits(log(x), np.log(x.astype(np.float64)).astype(np.float32))


def test_rint_is_exact_with_ties_to_even():
    quarters = np.arange(-4001, 4001) / 4
    x = np.concatenate([quarters, [2.0**22 - 1.5, 2.0**22 - 0.5, -(2.0**22) + 0.5, 1e-45]]).astype(np.float32)
    assert (rint(x) == np.rint(x)).all()
    assert rint([0.5, 1.5, 2.5, -0.5, -1.5]).tolist() == [0, 2, 2, 0, -2]


@pytest.mark.parametrize("kernel", [elementary.exp_f32, elementary.log_f32, elementary.rint_f32])
def test_results_are_float32(kernel):
    result = kernel(np.float32(1.5))
    if numba.config.DISABLE_JIT:
        assert result.dtype == np.float32
    else:  # Python gets a float; what another kernel gets is in the signature
        assert kernel.overloads[(numba.float32,)].signature.return_type == numba.float32


def test_golden_bits():
    # the bits of a result are part of the definition, not only its error: a port has the same hashes
    x = np.arange(-87 * 64, 88 * 64, dtype=np.float32) / np.float32(64) + np.float32(0.001)
    assert f"{int(fnv1a(exp(x).view(np.uint8), START)):08x}" == "df8d2c54"
    assert f"{int(fnv1a(log(np.abs(x)).view(np.uint8), START)):08x}" == "b2d1cc0f"


def test_bits_of_a_float_are_not_a_conversion():
    assert elementary.to_bits(np.float32(1)) == 0x3F800000
    assert elementary.from_bits(0x3F800000) == 1
