"""Functions written in LLVM with a twin in NumPy: the form itself, with elements and widths that float32 does not need."""

import numba
import numpy as np
import pytest
from llvmlite import ir
from numpy.typing import NDArray

from mcuref.kernels.arrays import Index, Indices
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.jit import FLAGS
from mcuref.kernels.vectors import I32, element, spread, store, vector

compiled_only = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


def dot_16(x: NDArray[np.int8], y: NDArray[np.int8], i: Index) -> np.int32:
    """Sum of x[i + t] * y[i + t] for t < 16."""
    return np.int32(x[i : i + 16].astype(np.int32) @ y[i : i + 16].astype(np.int32))


@in_llvm(dot_16)
def _dot_16(builder, x, y, i):
    wide = ir.VectorType(I32, 16)
    products = builder.mul(*(builder.sext(vector(builder, v, i, lanes=16), wide) for v in (x, y)))
    total = I32(0)
    for lane in range(16):
        total = builder.add(total, builder.extract_element(products, I32(lane)))
    return total


def shift(value: np.int32, zero: np.int8) -> np.int8:
    """value / 2^4, rounded down, + zero; the low 8 bits of it."""
    return np.int8((((int(value) >> 4) + int(zero) + 128) & 255) - 128)


@in_llvm(shift)
def _shift(builder, value, zero):
    return builder.add(builder.trunc(builder.ashr(value, I32(4)), zero.type), zero)


def put(y: NDArray[np.int16], i: Index, x: np.int16) -> None:
    """y[i] = x + y[0], y[i + 1 ... i + 4] = x."""
    y[i], y[i + 1 : i + 5] = x + y[0], x


@in_llvm(put)
def _put(builder, y, i, x):
    store(builder, builder.add(x, element(builder, y, i.type(0))), y, i)
    store(builder, spread(builder, x, lanes=4), y, builder.add(i, i.type(1)))


def first(indices: Indices) -> np.uint32:
    """indices[0]."""
    return np.uint32(indices[0])


@in_llvm(first)
def _first(builder, indices):
    value = element(builder, indices, ir.IntType(64)(0))
    return builder.zext(value, I32) if value.type != I32 else value


@numba.njit(**FLAGS)
def jitted_first(indices):
    return first(indices)


@numba.njit(**FLAGS)
def jitted_dot_16(x, y, i):
    return dot_16(x, y, i)


@numba.njit(**FLAGS)
def jitted_shift(value, zero):
    return shift(value, zero)


@numba.njit(**FLAGS)
def jitted_put(y, i, x):
    put(y, i, x)


def test_integers_of_any_width_have_the_bits_of_the_twin():
    random = np.random.default_rng(0)
    x, y = random.integers(-128, 128, (2, 40)).astype(np.int8)
    for i in (0, 1, 7, 24):  # a vector begins anywhere
        assert jitted_dot_16(x, y, i) == jitted_dot_16(x, y, np.int32(i)) == dot_16(x, y, i)
    for value in (0, 15, 16, -1, -17, 2000, 1 << 30):
        for zero in (-128, 0, 5):
            assert jitted_shift(np.int32(value), np.int8(zero)) == shift(np.int32(value), np.int8(zero))
    got, expected = (np.arange(100, 109, dtype=np.int16) for _ in range(2))
    jitted_put(got, 2, np.int16(-3)), put(expected, 2, np.int16(-3))
    assert got.tolist() == expected.tolist() == [100, 101, 97, -3, -3, -3, -3, 107, 108]


def test_an_array_may_be_of_one_of_several_types():
    for dtype in (np.uint16, np.uint32):
        for value in (3, np.iinfo(dtype).max):
            assert jitted_first(np.array([value, 7], dtype)) == first(np.array([value, 7], dtype)) == value


@compiled_only
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32])
def test_an_array_of_none_of_the_types_is_not_compiled(dtype):
    with pytest.raises(numba.TypingError):
        jitted_first(np.zeros(3, dtype))


@compiled_only
@pytest.mark.parametrize(
    "wrong",
    [np.zeros(40, np.uint8), np.zeros(40, np.float32), np.zeros((2, 40), np.int8), np.zeros(80, np.int8)[::2], 3],
    ids=["unsigned", "float32", "two axes", "not contiguous", "a number"],
)
def test_an_array_that_is_not_what_the_twin_says_is_not_compiled(wrong):
    with pytest.raises(numba.TypingError):
        jitted_dot_16(np.zeros(40, np.int8), wrong, 0)


@compiled_only
def test_too_few_arguments_are_not_compiled():
    @numba.njit(**FLAGS)
    def call(x):
        return dot_16(x, x)

    with pytest.raises(numba.TypingError, match="missing a required argument: 'i'"):
        call(np.zeros(40, np.int8))
