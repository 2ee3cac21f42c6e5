"""What operations work on: the arena as arrays of each type, and what the host hands over."""

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload
from numba.np.arrayobj import populate_array
from numpy.typing import NDArray

from mcuref.kernels.jit import kernel

# Which instruction comes next: the one behind it, the one it jumps to, none because an error is not finite; or Python knows
GO_ON, JUMP, END, OUTSIDE = range(4)

Row = NDArray[np.int32]  # of the table
Floats = NDArray[np.float32]  # values, or a row's constants
Counts = NDArray[np.int64]  # of a row
Whole = int | np.integer[Any]
Arrays = TypeVar("Arrays", bound=tuple)


class Memory(NamedTuple):
    """The arena, all of it as each type; ``indices`` as that of kept ones, uint16 or uint32."""

    u8: NDArray[np.uint8]
    indices: NDArray[Any]
    i32: NDArray[np.int32]
    f32: NDArray[np.float32]


class Host(NamedTuple):
    """What comes from outside the arena and goes there.

    samples_* : all samples, flat, in the array of their type, the others empty; labels int32[N]; targets [N * outputs];
    order int32[S], which samples are shown; rates [S], the learning rate of each; losses [S], written; trained uint8[S], set
    to 0 where a decision skips the sample. Targets, rates and losses are of the arithmetic's types.
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


@intrinsic(prefer_literal=True)
def _borrowed(typing_context, memory, field, offset, n):
    """The elements of one array of the arena: a view that is not counted, because the arena outlives every operation.

    Counting references is most of the cost of a small row.
    """
    number = field.literal_value
    array = memory.types[number]

    def generate(context, builder, signature, arguments):
        whole = context.make_array(array)(context, builder, builder.extract_value(arguments[0], number))
        offset, count = (context.cast(builder, arguments[i], signature.args[i], types.intp) for i in (2, 3))
        there = builder.icmp_signed(">=", offset, offset.type(0))
        count, offset = builder.select(there, count, count.type(0)), builder.select(there, offset, offset.type(0))
        size = array.dtype.bitwidth // 8
        data = cgutils.pointer_add(builder, whole.data, offset, whole.data.type)
        view = context.make_array(array)(context, builder)
        populate_array(view, data, [count], [count.type(size)], count.type(size), None)
        return view._getvalue()

    return array(memory, field, offset, n), generate


@overload(words, inline="always")
def _overload_words(memory, offset, n):
    return lambda memory, offset, n: _borrowed(memory, 2, offset, n)


def uncounted(arrays: Arrays) -> Arrays:
    """A tuple of arrays, to work on as long as its own tuple is there."""
    return arrays


@intrinsic
def _uncounted(typing_context, arrays):
    """The same tuple, of views that are not counted: passing it on costs nothing then."""

    def generate(context, builder, signature, arguments):
        (found,) = arguments
        for i, kind in enumerate(arrays.types):
            view = context.make_array(kind)(context, builder, builder.extract_value(found, i))
            view.meminfo = cgutils.get_null_value(view.meminfo.type)
            found = builder.insert_value(found, view._getvalue(), i)
        return found

    return arrays(arrays), generate


@overload(uncounted, inline="always")
def _overload_uncounted(arrays):
    return lambda arrays: _uncounted(arrays)


def line(table: NDArray[Any], index: Whole, first: Whole) -> NDArray[Any]:
    """Row number ``index`` of a table, from column ``first`` on."""
    return table[index, first:]


@intrinsic
def _line(typing_context, table, index, first):
    """The same: a view that is not counted."""
    array = types.Array(table.dtype, 1, "C")

    def generate(context, builder, signature, arguments):
        whole = context.make_array(table)(context, builder, arguments[0])
        index, first = (context.cast(builder, arguments[i], signature.args[i], types.intp) for i in (1, 2))
        width = builder.extract_value(whole.shape, 1)
        size = width.type(table.dtype.bitwidth // 8)
        number = builder.add(builder.mul(index, width), first)
        data = cgutils.pointer_add(builder, whole.data, builder.mul(number, size), whole.data.type)
        view = context.make_array(array)(context, builder)
        populate_array(view, data, [builder.sub(width, first)], [size], size, None)
        return view._getvalue()

    return array(table, index, first), generate


@overload(line, inline="always")
def _overload_line(table, index, first):
    return lambda table, index, first: _line(table, index, first)


@overload(f32, inline="always")
def _overload_f32(memory, offset, n):
    return lambda memory, offset, n: _borrowed(memory, 3, offset, n)


@overload(u8, inline="always")
def _overload_u8(memory, offset, n):
    return lambda memory, offset, n: _borrowed(memory, 0, offset, n)


@overload(indices, inline="always")
def _overload_indices(memory, offset, n):
    return lambda memory, offset, n: _borrowed(memory, 1, offset, n)


@kernel(inlined=True)
def i32(memory: Memory, offset: Whole) -> int:
    """The int32 at byte ``offset``."""
    return words(memory, offset, 1)[0]


@kernel(inlined=True)
def rate(own: float, sample: Sample) -> float:
    """The rate of an update: its own if it has one, else the learning rate of the sample."""
    return sample.rate if own == np.float32(0) else own
