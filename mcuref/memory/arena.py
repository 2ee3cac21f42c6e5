"""The arena: one array of bytes, [sram | flash], of exactly the planned size; kernels get views of it alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.memory.accountant import Plan
from mcuref.memory.buffers import Buffer

HOST_ALIGNMENT = 64  # a cache line; it changes speed, never a bit
GUARD = 0xA5  # fills the bytes behind the arena, so that a write past its end shows


class Arena:
    """Memory of a program.

    Parameters
    ----------
    plan : :class:`mcuref.memory.accountant.Plan`.

    Attributes
    ----------
    bytes : uint8[plan.sram + plan.flash].
    guard : uint8[64] behind the arena on the host, never to be read or written by an instruction.
    """

    def __init__(self, plan: Plan) -> None:
        size = plan.sram + plan.flash
        raw = np.zeros(size + 2 * HOST_ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % HOST_ALIGNMENT
        self.bytes = raw[start : start + size]
        self.guard = raw[start + size : start + size + HOST_ALIGNMENT]
        self.guard[:] = GUARD
        self.plan, self.offsets = plan, plan.offsets

    @property
    def sram(self) -> NDArray[np.uint8]:
        """uint8[plan.sram]."""
        return self.bytes[: self.plan.sram]

    @property
    def flash(self) -> NDArray[np.uint8]:
        """uint8[plan.flash]."""
        return self.bytes[self.plan.sram :]

    def view(self, buffer: Buffer) -> NDArray[Any]:
        """A buffer's elements, with its dtype and shape: a view, not a copy."""
        return _view(self, buffer)


class Part:
    """A program's place in an arena that holds more than the program: all bytes, and an offset for each of its buffers.

    Parameters
    ----------
    arena : :class:`Arena`.
    offsets : {buffer: byte offset in the arena}.
    """

    def __init__(self, arena: Arena, offsets: Mapping[Buffer, int]) -> None:
        self.bytes, self.offsets = arena.bytes, offsets

    def view(self, buffer: Buffer) -> NDArray[Any]:
        """A buffer's elements, with its dtype and shape: a view, not a copy."""
        return _view(self, buffer)


def _view(memory, buffer):
    offset = memory.offsets[buffer]
    return memory.bytes[offset : offset + buffer.size].view(buffer.dtype).reshape(buffer.shape)
