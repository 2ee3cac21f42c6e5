"""Rows of weights times int8 values: what dense layers and convolutions consist of.

Sums are int32 and lose their upper bits, so the order of additions changes no bit, and each machine may have its own. The
LLVM code adds pairs of products of 16 bits, which x86 and others have an instruction for.

Each function is a pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

from functools import partial

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from mcuref.kernels.arrays import Index, Int8s, Int32s
from mcuref.kernels.int8.exponents import moved_shift, shifted_bias
from mcuref.kernels.int8.fixed import clamped, scaled_once, scaled_twice
from mcuref.kernels.int8.scaling import Scaling, store_scaled
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import I32, LANES, element, part, shuffle, spread, totals, vector

I16 = ir.IntType(16)
STEP = 16  # products of a vector
ROWS = 8


def dot_row(x: Int8s, w: Int8s, row: Index, zero: np.int32) -> np.int32:
    """Sum over i of (x[i] - zero) w[row, i], int32; int8 x[I], w flat [O * I]."""
    return _dot_rows(1, x, w, row, zero)[0]


def dense_rows_8(
    z: Int8s,
    x: Int8s,
    w: Int8s,
    b: Int32s,
    multiplier: Int32s,
    shift: Int8s,
    row: Index,
    x_zero: np.int32,
    z_zero: np.int32,
    low: np.int32,
    high: np.int32,
    ex: np.int64,
    more: np.int64,
) -> None:
    """Eight outputs from ``row`` on: :func:`dot_row` + b, scaled with one rounding, + z_zero, clamped.

    multiplier and shift are of each output, or one of all. ``ex`` is the exponent of x, and ``more`` what shifts grow by.
    """
    _rows(scaled_once, z, x, w, b, multiplier, shift, row, x_zero, z_zero, low, high, ex, more)


def conv_rows_8(
    z: Int8s,
    x: Int8s,
    w: Int8s,
    b: Int32s,
    multiplier: Int32s,
    shift: Int8s,
    row: Index,
    x_zero: np.int32,
    z_zero: np.int32,
    low: np.int32,
    high: np.int32,
    ex: np.int64,
    more: np.int64,
) -> None:
    """As :func:`dense_rows_8`, scaled with two roundings, each by its own multiplier."""
    _rows(scaled_twice, z, x, w, b, multiplier, shift, row, x_zero, z_zero, low, high, ex, more)


def _dot_rows(rows, x, w, row, zero):
    """NumPy twin: the sums of the rows from ``row`` on, int32."""
    weights = w[row * x.size : (row + rows) * x.size].reshape(rows, x.size)
    return (weights.astype(np.int64) @ (x.astype(np.int64) - zero)).astype(np.int32)


def _rows(scaled, z, x, w, b, multiplier, shift, row, x_zero, z_zero, low, high, ex, more):
    """NumPy twin."""
    each = int(multiplier.size > 1)
    for o, total in enumerate(_dot_rows(ROWS, x, w, row, x_zero), row):
        total = np.int32(np.int64(total) + shifted_bias(b[o], ex))
        output = scaled(total, multiplier[o * each], moved_shift(shift[o * each], more))
        z[o] = clamped(output + np.int64(z_zero), low, high)


def _pairs(builder, a, b):
    """a[0] b[0] + a[1] b[1], ... of two vectors of 16 bits: half as many sums of 32."""
    wide = ir.VectorType(I32, STEP)
    products = builder.mul(builder.sext(a, wide), builder.sext(b, wide))
    even, odd = (shuffle(builder, products, products, range(first, STEP, 2)) for first in (0, 1))
    return builder.add(even, odd)


def _ends(builder, x, n):
    """The first eight of n elements, and the last eight."""
    first, last = (vector(builder, x, i, STEP // 2) for i in (n.type(0), builder.sub(n, n.type(STEP // 2))))
    return shuffle(builder, first, last, range(STEP))


def _sums(builder, x, rows, zero):
    """The dot products of x - zero with each of one or eight rows: a scalar, or a vector.

    Sixteen products at a time; the last sixteen of those that have sixteen, where what has been counted is 0. Of eight to
    fifteen the first eight and the last eight, likewise; of fewer one by one.
    """
    n, short = x.size, ir.VectorType(I16, STEP)
    places = ir.Constant(short, list(range(STEP)))
    lanes = [cgutils.alloca_once_value(builder, ir.Constant(ir.VectorType(I32, LANES), [0] * LANES)) for _ in rows]

    def add(load, valid=None):
        values = builder.sub(builder.sext(load(x), short), spread(builder, builder.trunc(zero, I16), STEP))
        if valid is not None:
            values = builder.select(valid, values, ir.Constant(short, [0] * STEP))
        for total, row in zip(lanes, rows):
            products = _pairs(builder, values, builder.sext(load(row), short))
            builder.store(builder.add(builder.load(total), products), total)

    def from_place(count):
        return builder.icmp_signed(">=", places, spread(builder, builder.trunc(count, I16), STEP))

    with builder.if_then(builder.icmp_signed(">=", n, n.type(STEP))):
        whole = builder.and_(n, n.type(-STEP))
        with cgutils.for_range_slice(builder, n.type(0), whole, n.type(STEP), n.type) as (i, _):
            add(lambda y: vector(builder, y, i, STEP))
        with builder.if_then(builder.icmp_signed("<", whole, n)):
            last = builder.sub(n, n.type(STEP))
            add(lambda y: vector(builder, y, last, STEP), from_place(builder.sub(whole, last)))
    enough = builder.icmp_signed(">=", n, n.type(STEP // 2))
    with builder.if_then(builder.and_(enough, builder.icmp_signed("<", n, n.type(STEP)))):
        first = builder.icmp_signed("<", places, ir.Constant(short, [STEP // 2] * STEP))
        add(lambda y: _ends(builder, y, n), builder.or_(first, from_place(builder.sub(n.type(3 * STEP // 2), n))))
    with builder.if_then(builder.not_(enough)), cgutils.for_range(builder, n) as single:
        value = builder.sub(builder.sext(element(builder, x, single.index), I32), zero)
        for total, row in zip(lanes, rows):
            product = builder.mul(value, builder.sext(element(builder, row, single.index), I32))
            old = builder.load(total)
            new = builder.add(builder.extract_element(old, I32(0)), product)
            builder.store(builder.insert_element(old, new, I32(0)), total)
    return totals(builder, [builder.load(total) for total in lanes], builder.add)


def _weights(builder, x, w, row, rows):
    """Each of the rows from ``row`` on."""
    return [part(builder, w, builder.mul(builder.add(row, row.type(r)), x.size)) for r in range(rows)]


@in_llvm(dot_row)
def _dot_row(builder, x, w, row, zero):
    return _sums(builder, x, _weights(builder, x, w, row, 1), zero)


def _rows_in_llvm(twice, builder, z, x, w, b, multiplier, shift, row, x_zero, z_zero, low, high, ex, more):
    sums = _sums(builder, x, _weights(builder, x, w, row, ROWS), x_zero)
    store_scaled(builder, z, sums, row, Scaling(b, multiplier, shift, z_zero, low, high, ex, more, twice))


in_llvm(dense_rows_8)(partial(_rows_in_llvm, False))
in_llvm(conv_rows_8)(partial(_rows_in_llvm, True))
