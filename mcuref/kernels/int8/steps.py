"""Rows of weights with residuals of 8 bits, M = 2^8 w + r, that take a step: what updates consist of.

Of long rows all is of 16 bits; bytes are put together and taken apart as registers have them: M + 128 has w as its upper
byte, and r + 128 as its lower one.

Each function is a pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from mcuref.kernels.arrays import Index, Int8s, Int32s
from mcuref.kernels.int8.runs import in_parts
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import I32, part, shuffle, spread, store, vector

I8, I16 = ir.IntType(8), ir.IntType(16)
LANES = 16  # the fewest weights that are moved at once
WIDE = 64
LEAST, MOST = 10, 23  # bits of a shift
HIGHEST = (127 << 8) + 128  # of M + 128
LOWEST = (-127 << 8) + 128


def move_row(w: Int8s, r: Int8s, first: Index, x: Int8s, zero: np.int16, step: np.int16, shift: np.int16) -> None:
    """M[first + i] -= (x[i] - zero) step / 2^shift to the nearest, halves up, within +-127 2^8; x[I], 16 or more.

    shift is from 10 to 23, and step such that (x - zero) step is below 2^23 in magnitude, as 255 127 255 is.
    """
    last = first + x.size
    whole = 256 * w[first:last].astype(np.int64) + r[first:last]
    products = (x.astype(np.int64) - np.int64(zero)) * np.int64(step)
    whole -= (products + (1 << (int(shift) - 1))) >> int(shift)
    whole = np.clip(whole, -127 << 8, 127 << 8)
    w[first:last] = (whole + 128) >> 8
    r[first:last] = whole.astype(np.int8)


def _together(builder, low, high):
    """Vectors of 16 bits whose bytes these are: of the first eight of each sixteen, and of the last eight."""
    lanes = low.type.count
    parts = []
    for start in (0, 8):
        places = [place for at in range(0, lanes, 16) for i in range(start, start + 8) for place in (at + i, lanes + at + i)]
        parts.append(builder.bitcast(shuffle(builder, low, high, places), ir.VectorType(I16, lanes // 2)))
    return parts


def _apart(builder, parts):
    """The bytes of such vectors, which are from 0 to 255, as one vector."""
    lanes = 2 * parts[0].type.count
    first, last = (builder.bitcast(half, ir.VectorType(I8, lanes)) for half in parts)
    places = [at + 2 * i + which * lanes for at in range(0, lanes, 16) for which in (0, 1) for i in range(8)]
    return shuffle(builder, first, last, places)


def _steps(builder, x, zero, step, shift):
    """What is taken away of each, in 16 bits. ((x - zero) 2^7 step) / 2^16 has no more than 15 of them."""
    zeros = ir.Constant(x.type, [0] * x.type.count)
    found, less = [], builder.sub(shift, I16(9))
    half = builder.lshr(builder.shl(I16(1), less), I16(1))
    for values in _together(builder, zeros, x):
        lanes = values.type.count
        wide = ir.VectorType(ir.IntType(32), lanes)
        values = builder.ashr(values, ir.Constant(values.type, [1] * lanes))
        values = builder.sub(values, spread(builder, builder.shl(zero, I16(7)), lanes))
        product = builder.mul(builder.sext(values, wide), builder.sext(spread(builder, step, lanes), wide))
        upper = builder.trunc(builder.lshr(product, ir.Constant(wide, [16] * lanes)), values.type)
        found.append(builder.ashr(builder.add(upper, spread(builder, half, lanes)), spread(builder, less, lanes)))
    return found


def _moved(builder, whole, step):
    """M + 128 less a step, within its bounds."""
    kind = whole.type
    less = ir.FunctionType(kind, [kind, kind])
    less = cgutils.get_or_insert_function(builder.module, less, f"llvm.ssub.sat.v{kind.count}i16")
    low, high = (ir.Constant(kind, [end] * kind.count) for end in (LOWEST, HIGHEST))
    whole = builder.call(less, [whole, step])
    whole = builder.select(builder.icmp_signed("<", whole, low), low, whole)
    return builder.select(builder.icmp_signed(">", whole, high), high, whole)


@in_llvm(move_row)
def _move_row(builder, w, r, first, x, zero, step, shift):
    n, w, r = x.size, part(builder, w, first), part(builder, r, first)

    def move(i, lanes, done=None):
        steps = _steps(builder, vector(builder, x, i, lanes), zero, step, shift)
        if done is not None:  # of the first ``done`` nothing more is taken away
            places = ir.Constant(ir.VectorType(I8, lanes), list(range(lanes)))
            new = builder.icmp_signed(">=", places, spread(builder, builder.trunc(done, I8), lanes))
            new = builder.sext(new, places.type)
            steps = [builder.and_(one, mask) for one, mask in zip(steps, _together(builder, new, new))]
        flip = ir.Constant(ir.VectorType(I8, lanes), [-128] * lanes)
        wholes = _together(builder, builder.xor(vector(builder, r, i, lanes), flip), vector(builder, w, i, lanes))
        wholes = [_moved(builder, whole, one) for whole, one in zip(wholes, steps)]
        eight, low = (ir.Constant(wholes[0].type, [value] * (lanes // 2)) for value in (8, 255))
        store(builder, _apart(builder, [builder.lshr(whole, eight) for whole in wholes]), w, i)
        rest = _apart(builder, [builder.and_(whole, low) for whole in wholes])
        store(builder, builder.xor(rest, flip), r, i)

    wide, whole = builder.and_(n, n.type(-WIDE)), builder.and_(n, n.type(-LANES))
    with cgutils.for_range_slice(builder, n.type(0), wide, n.type(WIDE), n.type) as (i, _):
        move(i, WIDE)
    with cgutils.for_range_slice(builder, wide, whole, n.type(LANES), n.type) as (i, _):
        move(i, LANES)
    with builder.if_then(builder.icmp_signed("<", whole, n)):
        last = builder.sub(n, n.type(LANES))
        move(last, LANES, builder.sub(whole, last))


def move_short_row(w: Int8s, r: Int8s, first: Index, x: Int8s, zero: np.int32, step: np.int32, shift: np.int32) -> None:
    """As :func:`move_row`, of any number of weights, with a shift from -7 to 30."""
    _move(w, r, first, (x.astype(np.int64) - zero) * np.int64(step), shift)


def move_row_by_sums(w: Int8s, r: Int8s, first: Index, sums: Int32s, factor: np.int32, shift: np.int32) -> None:
    """M[first + i] -= sums[i] factor / 2^shift to the nearest, halves up, within +-127 2^8; sums[K].

    shift is from -7 to 30; what is shifted, to the left or with 2^(shift - 1) added to it, is within +-2^30.
    """
    _move(w, r, first, sums.astype(np.int64) * np.int64(factor), shift)


def _move(w, r, first, products, shift):
    """NumPy twin of both."""
    last, left, right = first + products.size, max(-int(shift), 0), max(int(shift), 0)
    whole = 256 * w[first:last].astype(np.int64) + r[first:last]
    whole -= ((products << left) + (1 << right >> 1)) >> right
    whole = np.clip(whole, -127 << 8, 127 << 8)
    w[first:last] = (whole + 128) >> 8
    r[first:last] = whole.astype(np.int8)


def _move_in_32_bits(builder, w, r, first, x, zero, factor, shift):
    w, r = part(builder, w, first), part(builder, r, first)
    none, back = I32(0), builder.neg(shift)
    left = builder.select(builder.icmp_signed(">", back, none), back, none)
    right = builder.select(builder.icmp_signed(">", shift, none), shift, none)
    half = builder.lshr(builder.shl(I32(1), right), I32(1))

    def block(i, lanes):
        wide, narrow = ir.VectorType(I32, lanes), ir.VectorType(I8, lanes)
        numbers = (8, 128, LOWEST, HIGHEST)
        eight, middle, low, high = (ir.Constant(wide, [number] * lanes) for number in numbers)
        values = vector(builder, x, i, lanes)
        values = values if values.type == wide else builder.sext(values, wide)
        step = builder.mul(builder.sub(values, spread(builder, zero, lanes)), spread(builder, factor, lanes))
        step = builder.add(builder.shl(step, spread(builder, left, lanes)), spread(builder, half, lanes))
        step = builder.ashr(step, spread(builder, right, lanes))
        upper, lower = (builder.sext(vector(builder, part, i, lanes), wide) for part in (w, r))
        whole = builder.add(builder.add(builder.shl(upper, eight), lower), builder.sub(middle, step))
        whole = builder.select(builder.icmp_signed("<", whole, low), low, whole)
        whole = builder.select(builder.icmp_signed(">", whole, high), high, whole)
        store(builder, builder.trunc(builder.ashr(whole, eight), narrow), w, i)
        store(builder, builder.trunc(builder.sub(whole, middle), narrow), r, i)

    in_parts(builder, x.size, block)


@in_llvm(move_short_row)
def _move_short_row(builder, w, r, first, x, zero, step, shift):
    _move_in_32_bits(builder, w, r, first, x, zero, step, shift)


@in_llvm(move_row_by_sums)
def _move_row_by_sums(builder, w, r, first, sums, factor, shift):
    _move_in_32_bits(builder, w, r, first, sums, I32(0), factor, shift)
