"""Magnitudes of int8 values, 64 at a time: how many are above one, which are not 0, and setting the small ones to 0.

Values and magnitudes are at most 127. Each function is a pair: the NumPy twin (the definition), and the LLVM code
(:mod:`mcuref.kernels.intrinsics`).
"""

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from mcuref.kernels.arrays import Index, Int8s, Int32s
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import element, part, spread, store, vector

I1, I8, I64 = ir.IntType(1), ir.IntType(8), ir.IntType(64)
LANES = 64


def count_above(x: Int8s, first: Index, n: Index, magnitude: Index) -> Index:
    """How many of x[first + t], t < n, are of a larger magnitude."""
    return int(np.count_nonzero(np.abs(x[first : first + n]) > magnitude))


def clear_to(x: Int8s, first: Index, n: Index, magnitude: Index) -> None:
    """Set to 0 what of x[first + t], t < n, is of that magnitude or a smaller one."""
    x[first : first + n] *= np.abs(x[first : first + n]) > magnitude


def list_nonzero(places: Int32s, x: Int8s, first: Index, n: Index) -> Index:
    """Indices of what of x[first + t], t < n, is not 0, ascending, from places[0] on, which has room for them; how many."""
    found = first + np.flatnonzero(x[first : first + n])
    places[: found.size] = found
    return found.size


def _above(builder, values, magnitude):
    """Whether values are of a larger magnitude: a bit, or a vector of them."""
    below = builder.icmp_signed("<", values, ir.Constant(values.type, None))
    return builder.icmp_signed(">", builder.select(below, builder.neg(values), values), magnitude)


def _in_64s(builder, x, n, block, one):
    """Emit block(t) for 64 values of x[t] on while there are as many, and one(t) for each value left."""
    whole = builder.and_(n, n.type(-LANES))
    with cgutils.for_range_slice(builder, n.type(0), whole, n.type(LANES), n.type) as (t, _):
        block(t)
    with cgutils.for_range_slice(builder, whole, n, n.type(1), n.type) as (t, _):
        one(t)


@in_llvm(count_above)
def _count_above(builder, x, first, n, magnitude):
    x, magnitude, intp = part(builder, x, first), builder.trunc(magnitude, I8), n.type
    count = cgutils.alloca_once_value(builder, intp(0))

    def block(t):
        mask = _above(builder, vector(builder, x, t, LANES), spread(builder, magnitude, LANES))
        add(builder.ctpop(builder.bitcast(mask, I64)))

    def add(more):
        builder.store(builder.add(builder.load(count), more), count)

    _in_64s(builder, x, n, block, lambda t: add(builder.zext(_above(builder, element(builder, x, t), magnitude), intp)))
    return builder.load(count)


@in_llvm(clear_to)
def _clear_to(builder, x, first, n, magnitude):
    x, magnitude = part(builder, x, first), builder.trunc(magnitude, I8)

    def clear(t, values, least):
        kept = builder.select(_above(builder, values, least), values, ir.Constant(values.type, None))
        store(builder, kept, x, t)

    def block(t):
        clear(t, vector(builder, x, t, LANES), spread(builder, magnitude, LANES))

    _in_64s(builder, x, n, block, lambda t: clear(t, element(builder, x, t), magnitude))


@in_llvm(list_nonzero)
def _list_nonzero(builder, places, x, first, n):
    x, intp = part(builder, x, first), n.type
    count, mask = cgutils.alloca_once_value(builder, intp(0)), cgutils.alloca_once(builder, I64)

    def note(place):
        at = builder.load(count)
        store(builder, builder.trunc(builder.add(first, place), places.type), places, at)
        builder.store(builder.add(at, intp(1)), count)

    def block(t):
        values = vector(builder, x, t, LANES)
        bits = builder.icmp_signed("!=", values, ir.Constant(values.type, None))
        builder.store(builder.bitcast(bits, I64), mask)
        with cgutils.for_range(builder, builder.ctpop(builder.load(mask))):
            left = builder.load(mask)
            note(builder.add(t, builder.cttz(left, I1(1))))
            builder.store(builder.and_(left, builder.sub(left, I64(1))), mask)

    def one(t):
        with builder.if_then(builder.icmp_signed("!=", element(builder, x, t), I8(0))):
            note(t)

    _in_64s(builder, x, n, block, one)
    return builder.load(count)
