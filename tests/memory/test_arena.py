"""The arena: exactly the planned bytes, views that are no copies, and guard bytes behind them."""

import numpy as np
import pytest

from mcuref.memory.accountant import Plan
from mcuref.memory.arena import GUARD, HOST_ALIGNMENT, Arena
from mcuref.memory.buffers import Buffer

WEIGHTS = Buffer("w", "float32", (2, 3), "weights", persistent=True)
MASK = Buffer("mask", "uint8", (5,), "activations")
KEPT = Buffer("kept", "uint16", (3,), "selection")
IMAGE = Buffer("image", "float32", (2, 3), "weights", "", "flash", True)


@pytest.fixture
def arena():
    """[w 24 | mask 8 beside kept 8 | image 24]: mask and kept are alive together."""
    return Arena(Plan([[(IMAGE, 0, 9)], [(MASK, 1, 2)], [(WEIGHTS, 0, 9)], [(KEPT, 2, 3)]]))


def test_exactly_the_planned_bytes_zeroed_and_aligned_for_any_vector(arena):
    assert (arena.sram.size, arena.flash.size, arena.bytes.size) == (24 + 16, 24, 64)
    assert arena.bytes.ctypes.data % HOST_ALIGNMENT == 0 and not arena.bytes.any()


def test_views_are_the_bytes_at_the_planned_offset(arena):
    for number, buffer in enumerate((WEIGHTS, MASK, KEPT, IMAGE), start=1):
        view = arena.view(buffer)
        assert (view.dtype, view.shape) == (np.dtype(buffer.dtype), buffer.shape)
        assert np.shares_memory(view, arena.bytes)
        assert view.ctypes.data - arena.bytes.ctypes.data == arena.plan.offsets[buffer]
        view.reshape(-1).view(np.uint8)[:] = number
    counted = {number: int((arena.bytes == number).sum()) for number in range(5)}
    assert counted == {0: 3 + 2, 1: 24, 2: 5, 3: 6, 4: 24}  # 0: what alignment added behind mask and kept
    assert (arena.sram == 4).sum() == 0 and (arena.flash == 4).all()


def test_guard_lies_directly_behind(arena):
    assert arena.guard.size == HOST_ALIGNMENT and (arena.guard == GUARD).all()
    assert arena.guard.ctypes.data == arena.bytes.ctypes.data + arena.bytes.size
