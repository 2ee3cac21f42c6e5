"""What operations work on: the arena as arrays of each type, and what the host hands over."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mcuref.kernels.jit import kernel
from mcuref.operations.uncounted import elements_of

# Which instruction comes next: the one behind it, the one it jumps to, none because an error is not finite; or Python knows
GO_ON, JUMP, END, OUTSIDE = range(4)

Row = NDArray[np.int32]  # of the table
Floats = NDArray[np.float32]  # values, or a row's constants
Counts = NDArray[np.int64]  # of a row
Whole = int | np.integer[Any]


class Memory(NamedTuple):
    """The arena, all of it as each type; ``indices`` as that of kept ones, uint16 or uint32."""

    u8: NDArray[np.uint8]
    indices: NDArray[Any]
    i32: NDArray[np.int32]
    f32: NDArray[np.float32]
    i8: NDArray[np.int8]


class Host(NamedTuple):
    """What comes from outside the arena and goes there.

    samples_* : all samples, flat, in the array of their type, the others empty; labels int32[N]; targets [N * outputs];
    order int32[S], which samples are shown; rates [S], the learning rate of each; losses [S], written; trained uint8[S], set
    to 0 where a decision skips the sample; rested uint8[S], set to 1 where it rests; stored, epoch int32[S], which stored
    sample each is, -1 for none, and in which epoch it is shown. Targets, rates and losses are of the arithmetic's types.
    """

    samples_u8: NDArray[np.uint8]
    samples_i8: NDArray[np.int8]
    samples_i16: NDArray[np.int16]
    samples_f32: NDArray[np.float32]
    labels: NDArray[np.int32]
    targets: NDArray[Any]
    order: NDArray[np.int32]
    rates: NDArray[Any]
    losses: NDArray[Any]
    trained: NDArray[np.uint8]
    rested: NDArray[np.uint8]
    stored: NDArray[np.int32]
    epoch: NDArray[np.int32]


class Sample(NamedTuple):
    """The sample at hand: its place in the host's order, losses and trained, its number among all, its learning rate."""

    position: int
    number: Whole
    rate: float


def _elements(array, first, n):
    """n elements of an array from number ``first`` on; none where that is negative, because there is no operand."""
    return array[first : first + n] if first >= 0 else array[0:0]


def f32(memory: Memory, offset: Whole, n: Whole) -> NDArray[np.float32]:
    """n float32 from byte ``offset`` on; none where there is no operand (-1)."""
    return _elements(memory.f32, offset // 4, n)


def u8(memory: Memory, offset: Whole, n: Whole) -> NDArray[np.uint8]:
    """n bytes from ``offset`` on; none where there is no operand (-1)."""
    return _elements(memory.u8, offset, n)


def indices(memory: Memory, offset: Whole, n: Whole) -> NDArray[Any]:
    """n kept indices from byte ``offset`` on; their type decides how many bytes each has."""
    return _elements(memory.indices, offset // memory.indices.itemsize, n)


def words(memory: Memory, offset: Whole, n: Whole) -> NDArray[np.int32]:
    """n int32 from byte ``offset`` on; none where there is no operand (-1)."""
    return _elements(memory.i32, offset // 4, n)


def i8(memory: Memory, offset: Whole, n: Whole) -> NDArray[np.int8]:
    """n int8 from byte ``offset`` on; none where there is no operand (-1)."""
    return _elements(memory.i8, offset, n)


for _number, _function in enumerate((u8, indices, words, f32, i8)):  # in the order of Memory
    elements_of(_number, _function)


@kernel(inlined=True)
def i32(memory: Memory, offset: Whole) -> int:
    """The int32 at byte ``offset``."""
    return words(memory, offset, 1)[0]


@kernel(inlined=True)
def of_sample(samples: NDArray[Any], sample: Sample, n: Whole) -> NDArray[Any]:
    """The n values of the sample at hand, where they lie."""
    first = np.int64(sample.number) * n
    return samples[first : first + n]


@kernel(inlined=True)
def rate(own: float, sample: Sample) -> float:
    """The rate of an update: its own if it has one, else the learning rate of the sample."""
    return sample.rate if own == np.float32(0) else own
