"""Eight float32 at a time, of which bits say which are meant: bit l is element l, and the others keep what they hold.

From those that are not meant +0 is subtracted, which changes nothing: no bit of a zero of either sign, infinity or any other
number. So a vector does what a loop over single entries would do, with the same bits.

Each function is a pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from mcuref.kernels.arrays import Float32s, Index, Indices
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import LANES, VECTOR, element, spread, store, vector

BITS, BOOLEANS = ir.IntType(LANES), ir.VectorType(ir.IntType(1), LANES)
ZEROS = ir.Constant(VECTOR, [0.0] * LANES)


def _meant(bits):
    """Which elements are meant, bool[8]."""
    return np.array([int(bits) >> lane & 1 for lane in range(LANES)], bool)


def subtract_window_8(
    y: Float32s,
    i: Index,
    y_line: Index,
    x: Float32s,
    j: Index,
    x_line: Index,
    step: Index,
    rows: Index,
    columns: Index,
    a: np.float32,
    delta: Float32s,
    e: Index,
    bits: Index,
) -> None:
    """y[i + p + l] = y[i + p + l] - (a * delta[e + l]) * x[j + q + l] for the l < 8 that are meant, in a window.

    At row r < ``rows`` and column s < ``columns``, p = r y_line + s step and q = r x_line + s step; the elements of y are
    all different ones, and y overlaps neither x nor delta.
    """
    factors, meant = a * delta[e : e + LANES], _meant(bits)
    for r in range(rows):
        for s in range(columns):
            p, q = i + r * y_line + s * step, j + r * x_line + s * step
            np.subtract(y[p : p + LANES], factors * x[q : q + LANES], out=y[p : p + LANES], where=meant)


def bits_of(kept: Indices, begin: Index, end: Index, first: Index) -> np.int64:
    """The bits of kept[begin:end], which lie in first ... first + 63: bit l is first + l."""
    return np.int64(np.bitwise_or.reduce(np.int64(1) << (kept[begin:end].astype(np.int64) - first)))


def clipped_8(out: Float32s, x: Float32s, i: Index, limit: np.float32) -> np.uint8:
    """out[i + l] = 0 where x[i + l] <= 0, limit where x[i + l] >= limit, else x[i + l], for l < 8; out may be x.

    Returns the bits of those that were passed on.
    """
    values = x[i : i + LANES].copy()
    low, high = values <= 0, values >= limit
    out[i : i + LANES] = np.where(low, np.float32(0), np.where(high, limit, values))
    return np.packbits(~(low | high), bitorder="little")[0]


def passed_8(dx: Float32s, dy: Float32s, i: Index, bits: np.uint8) -> None:
    """dx[i + l] = dy[i + l] for the l < 8 that are meant, 0 for the others; dx may be dy."""
    dx[i : i + LANES] = np.where(_meant(bits), dy[i : i + LANES], np.float32(0))


def _booleans(builder, bits):
    """The lowest eight bits of an integer as booleans."""
    return builder.bitcast(bits if bits.type == BITS else builder.trunc(bits, BITS), BOOLEANS)


@in_llvm(subtract_window_8)
def _subtract_window_8(builder, y, i, y_line, x, j, x_line, step, rows, columns, a, delta, e, bits):
    factors, meant = builder.fmul(spread(builder, a), vector(builder, delta, e)), _booleans(builder, bits)
    with cgutils.for_range(builder, rows) as row:
        top = builder.add(i, builder.mul(row.index, y_line)), builder.add(j, builder.mul(row.index, x_line))
        with cgutils.for_range(builder, columns) as column:
            p, q = (builder.add(first, builder.mul(column.index, step)) for first in top)
            products = builder.select(meant, builder.fmul(factors, vector(builder, x, q)), ZEROS)
            store(builder, builder.fsub(vector(builder, y, p), products), y, p)


@in_llvm(bits_of)
def _bits_of(builder, kept, begin, end, first):
    bits = cgutils.alloca_once_value(builder, first.type(0))
    with cgutils.for_range_slice(builder, begin, end, end.type(1), end.type) as (m, _):
        place = builder.sub(builder.zext(element(builder, kept, m), first.type), first)
        builder.store(builder.or_(builder.load(bits), builder.shl(first.type(1), place)), bits)
    return builder.load(bits)


@in_llvm(clipped_8)
def _clipped_8(builder, out, x, i, limit):
    values, limits = vector(builder, x, i), spread(builder, limit)
    low, high = builder.fcmp_ordered("<=", values, ZEROS), builder.fcmp_ordered(">=", values, limits)
    store(builder, builder.select(low, ZEROS, builder.select(high, limits, values)), out, i)
    return builder.bitcast(builder.not_(builder.or_(low, high)), BITS)


@in_llvm(passed_8)
def _passed_8(builder, dx, dy, i, bits):
    store(builder, builder.select(_booleans(builder, bits), vector(builder, dy, i), ZEROS), dx, i)
