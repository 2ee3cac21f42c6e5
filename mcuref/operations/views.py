"""What operations work on: the arena as arrays of each type, and what the host hands over."""

from typing import NamedTuple

import numpy as np

from mcuref.kernels.jit import kernel

# Which instruction comes next: the one behind it, the one it jumps to, none because an error is not finite
GO_ON, JUMP, END = range(3)


class Memory(NamedTuple):
    """The arena, all of it as each type; ``indices`` as that of kept ones, uint16 or uint32."""

    u8: np.ndarray
    indices: np.ndarray
    i32: np.ndarray
    f32: np.ndarray


class Host(NamedTuple):
    """What comes from outside the arena and goes there.

    samples_* : all samples, flat, in the array of their type, the others empty; labels int32[N]; targets [N * outputs];
    order int32[S], which samples are shown; rates [S], the learning rate of each; losses [S], written; trained uint8[S], set
    to 0 where a decision skips the sample. Targets, rates and losses are of the arithmetic's types.
    """

    samples_u8: np.ndarray
    samples_i8: np.ndarray
    samples_i16: np.ndarray
    samples_f32: np.ndarray
    labels: np.ndarray
    targets: np.ndarray
    order: np.ndarray
    rates: np.ndarray
    losses: np.ndarray
    trained: np.ndarray


@kernel
def f32(memory, offset, n):
    """n float32 from byte ``offset`` on; none where there is no operand (-1)."""
    return memory.f32[offset >> 2 : (offset >> 2) + n] if offset >= 0 else memory.f32[0:0]


@kernel
def u8(memory, offset, n):
    """n bytes from ``offset`` on; none where there is no operand (-1)."""
    return memory.u8[offset : offset + n] if offset >= 0 else memory.u8[0:0]


@kernel
def indices(memory, offset, n):
    """n kept indices from byte ``offset`` on; their type decides how many bytes each has."""
    first = offset // memory.indices.itemsize
    return memory.indices[first : first + n]


@kernel
def i32(memory, offset):
    """The int32 at byte ``offset``."""
    return memory.i32[offset >> 2]


@kernel
def rate(own, host, position):
    """The rate of an update: its own if it has one, else the learning rate of the sample."""
    return host.rates[position] if own == np.float32(0) else own
