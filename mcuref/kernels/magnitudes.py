"""Magnitudes of float32 values by their bits: how many reach one, and the indices of those that do.

Without the sign bit, the bits of a float32 order like its magnitude; ``bits`` is the same memory as int32. There is no
branch for each value: which of them reach a magnitude cannot be foretold.

A function with LLVM code (:mod:`mcuref.kernels.intrinsics`) has a NumPy twin, which is its definition.
"""

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from mcuref.kernels.arrays import Index, Indices, Int32s
from mcuref.kernels.elementary import MAGNITUDE
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.jit import kernel
from mcuref.kernels.vectors import I32, LANES, element, spread, store, vector

I8, I64 = ir.IntType(8), ir.IntType(64)
BLOCK = 64  # values that are counted at once
PLACES = [[i for i in range(LANES) if byte >> i & 1] for byte in range(1 << LANES)]  # which bits of a byte are set


def count_reaching(bits: Int32s, least: np.int32) -> Index:
    """How many magnitudes are at least ``least``."""
    return int(np.count_nonzero(bits & MAGNITUDE >= least))


def list_eight(kept: Indices, count: Index, bits: Int32s, first: Index, least: np.int32) -> Index:
    """Append the indices of those of bits[first + t], t < 8, whose magnitude is at least ``least`` to kept[count].

    Returns how many there are then. There is room for all eight: those that are not found leave ``first`` behind them.
    """
    found = np.flatnonzero(bits[first : first + LANES] & MAGNITUDE >= least)
    kept[count : count + LANES] = first
    kept[count : count + found.size] += found.astype(kept.dtype)
    return count + found.size


@kernel
def list_reaching(kept: Indices, count: Index, bits: Int32s, first: Index, end: Index, least: np.int32) -> Index:
    """Append the indices i, first <= i < end, of magnitudes that are at least ``least`` to kept[count], ascending.

    Returns how many there are then: no more than kept has room for. What it has behind them may change.
    """
    i = np.int64(first)
    while i + LANES <= end and count + LANES <= kept.size:
        count = list_eight(kept, count, bits, i, least)
        i += LANES
    while i < end and count < kept.size:
        kept[count] = i
        count += np.int64(np.int32(bits[i] & MAGNITUDE) >= least)
        i += 1
    return count


def _reach(builder, values, least):
    """Whether magnitudes are at least that: a bit, or a vector of them."""
    no_sign = I32(int(MAGNITUDE))
    if isinstance(values.type, ir.VectorType):
        no_sign, least = (spread(builder, number, values.type.count) for number in (no_sign, least))
    return builder.icmp_signed(">=", builder.and_(values, no_sign), least)


@in_llvm(count_reaching)
def _count_reaching(builder, bits, least):
    intp = bits.size.type
    count = cgutils.alloca_once_value(builder, intp(0))

    def add(more):
        builder.store(builder.add(builder.load(count), more), count)

    whole = builder.and_(bits.size, intp(-BLOCK))
    with cgutils.for_range_slice(builder, intp(0), whole, intp(BLOCK), intp) as (i, _):
        add(builder.ctpop(builder.bitcast(_reach(builder, vector(builder, bits, i, BLOCK), least), I64)))
    with cgutils.for_range_slice(builder, whole, bits.size, intp(1), intp) as (i, _):
        add(builder.zext(_reach(builder, element(builder, bits, i), least), intp))
    return builder.load(count)


@in_llvm(list_eight)
def _list_eight(builder, kept, count, bits, first, least):
    intp, eight = count.type, ir.VectorType(I8, LANES)
    rows = [ir.Constant(eight, places + [0] * (LANES - len(places))) for places in PLACES]
    table = cgutils.global_constant(builder.module, "places", ir.Constant(ir.ArrayType(eight, len(rows)), rows))
    found = builder.bitcast(_reach(builder, vector(builder, bits, first), least), I8)
    places = builder.load(builder.gep(table, [intp(0), builder.zext(found, intp)]))
    start = spread(builder, builder.trunc(first, kept.type))
    store(builder, builder.add(builder.zext(places, start.type), start), kept, count)
    return builder.add(count, builder.zext(builder.ctpop(found), intp))
