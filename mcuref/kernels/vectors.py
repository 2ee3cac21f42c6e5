"""Vectors in LLVM: what sums (:mod:`mcuref.kernels.lanes`) and runs (:mod:`mcuref.kernels.runs`) are made of.

Elements are of any type: that of the array they come from, or of the number that is spread.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from llvmlite import ir
from numba.core import cgutils

LANES = 8
F32 = ir.FloatType()
I32 = ir.IntType(32)
VECTOR = ir.VectorType(F32, LANES)


class Elements(NamedTuple):
    """An array, or a part of one, as LLVM code sees it.

    Attributes
    ----------
    pointer : ir.Value, address of its first element.
    size : ir.Value, how many elements the array has, an intp.
    type : ir.Type, of an element.
    bytes : int, that an element takes.
    signed : bool, whether an element that is an integer has a sign.
    """

    pointer: ir.Value
    size: ir.Value
    type: ir.Type
    bytes: int
    signed: bool = True


def part(builder: ir.IRBuilder, x: Elements, start: ir.Value) -> Elements:
    """The elements of an array from x[start] on."""
    return x._replace(pointer=builder.gep(x.pointer, [start]))


def element(builder: ir.IRBuilder, x: Elements, index: ir.Value) -> ir.Value:
    """The element x[index]."""
    return builder.load(builder.gep(x.pointer, [index]))


def place(builder: ir.IRBuilder, x: Elements, index: ir.Value, lanes: int = LANES) -> ir.Value:
    """Address of the vector of ``lanes`` elements from x[index] on."""
    return builder.bitcast(builder.gep(x.pointer, [index]), ir.VectorType(x.type, lanes).as_pointer())


def vector(builder: ir.IRBuilder, x: Elements, index: ir.Value, lanes: int = LANES) -> ir.Value:
    """The ``lanes`` elements from x[index] on."""
    # an arena offset is a multiple of an element's bytes and nothing more is promised
    return builder.load(place(builder, x, index, lanes), align=x.bytes)


def store(builder: ir.IRBuilder, value: ir.Value, x: Elements, index: ir.Value) -> None:
    """Put an element into x[index], or a vector into the elements from there on."""
    if isinstance(value.type, ir.VectorType):
        builder.store(value, place(builder, x, index, value.type.count), align=x.bytes)
    else:
        builder.store(value, builder.gep(x.pointer, [index]))


def some(builder: ir.IRBuilder, x: Elements, index: ir.Value, count: ir.Value) -> ir.Value:
    """The ``count`` < 8 elements from x[index] on, and +0 in the lanes behind them."""
    address, nothing = place(builder, x, index), ir.Constant(ir.VectorType(x.type, LANES), None)
    return _masked(builder, "load", address, nothing.type, (address, I32(x.bytes), _first(builder, count), nothing))


def store_some(builder: ir.IRBuilder, value: ir.Value, count: ir.Value, x: Elements, index: ir.Value) -> None:
    """Put the first ``count`` < 8 elements of a vector into those from x[index] on."""
    address = place(builder, x, index)
    _masked(builder, "store", address, ir.VoidType(), (value, address, I32(x.bytes), _first(builder, count)))


def _first(builder, count):
    """A mask of the first ``count`` lanes."""
    counts = spread(builder, builder.trunc(count, I32))
    return builder.icmp_signed("<", ir.Constant(counts.type, list(range(LANES))), counts)


def _masked(builder, verb, address, result, arguments):
    suffix = "p0" if str(address.type) == "ptr" else "p0v8f32"  # llvmlite writes either kind of pointer
    function_type = ir.FunctionType(result, [argument.type for argument in arguments])
    function = cgutils.get_or_insert_function(builder.module, function_type, f"llvm.masked.{verb}.v8f32.{suffix}")
    return builder.call(function, arguments)


def shuffle(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, lanes: Sequence[int]) -> ir.Value:
    """Lanes of a (numbered from 0) and of b (numbered on from there), as listed."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes)))


def spread(builder: ir.IRBuilder, scalar: ir.Value, lanes: int = LANES) -> ir.Value:
    """A vector with ``scalar`` in every lane."""
    first = builder.insert_element(ir.Constant(ir.VectorType(scalar.type, lanes), ir.Undefined), scalar, I32(0))
    return shuffle(builder, first, first, [0] * lanes)


def opaque(builder: ir.IRBuilder, index: ir.Value) -> ir.Value:
    """The same index, of which the compiler knows nothing.

    Of one that it knows it makes a pointer for each array and unrolled step, in memory where there are no registers left.
    """
    return builder.asm(ir.FunctionType(index.type, [index.type]), "", "=r,0", [index], False)


def totals(builder: ir.IRBuilder, vectors: Sequence[ir.Value], add: Callable[[ir.Value, ir.Value], ir.Value]) -> ir.Value:
    """Tree sums of one or eight vectors: of each a[l] + a[l + 4], then + 2, then + 1; eight share their additions.

    One sum is a scalar, eight are a vector.
    """
    if len(vectors) == 1:
        (vector,) = vectors
        for half in (4, 2, 1):
            vector = add(vector, shuffle(builder, vector, vector, [(i + half) % LANES for i in range(LANES)]))
        return builder.extract_element(vector, I32(0))
    # After the first step a half of a vector is four lanes of one sum, then two of each of two: they stay in their half
    steps = (([0, 1, 2, 3, 8, 9, 10, 11], 4), ([0, 1, 8, 9, 4, 5, 12, 13], 2), ([0, 2, 8, 10, 4, 6, 12, 14], 1))
    vectors = [vectors[i] for i in (0, 4, 1, 5, 2, 6, 3, 7)]
    for low, half in steps:
        high = [lane + half for lane in low]
        pairs = zip(vectors[0::2], vectors[1::2])
        vectors = [add(shuffle(builder, a, b, low), shuffle(builder, a, b, high)) for a, b in pairs]
    return vectors[0]
