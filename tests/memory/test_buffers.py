"""Buffers: bytes by element type, alignment, and identity."""

import pytest

from mcuref.memory.buffers import ALIGNMENT, CATEGORIES, REGIONS, Buffer, aligned


@pytest.mark.parametrize("size, expected", [(0, 0), (1, 4), (3, 4), (4, 4), (5, 8), (4096, 4096), (4097, 4100)])
def test_aligned(size, expected):
    assert aligned(size) == expected and ALIGNMENT == 4


@pytest.mark.parametrize("dtype, shape, size", [
    ("float32", (10, 784), 31360), ("uint16", (3,), 6), ("uint8", (5,), 5), ("int32", (1,), 4), ("float32", (), 4),
    ("float32", (0,), 0),
])  # fmt: skip
def test_size_is_what_is_requested_before_alignment(dtype, shape, size):
    assert Buffer("b", dtype, shape, "scratch").size == size


def test_two_buffers_of_one_description_are_two_buffers():
    """Plans map buffers to offsets: equal descriptions must not share an entry."""
    a, b = (Buffer("b", "float32", (2,), "scratch") for _ in range(2))
    assert a != b and len({a: 0, b: 1}) == 2
    assert not a.persistent and a.region == "sram" and set(REGIONS) == {"sram", "flash"} and "scratch" in CATEGORIES
