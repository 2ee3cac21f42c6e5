"""Runs of int32 sums to which runs of int8 values are added, each times a number: what layers send back, and patches summed.

All is exact, so four runs are added in any order, two products of 16 bits at a time, which x86 and others have an
instruction for.

Each function is a pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from mcuref.kernels.arrays import Index, Int8s, Int32s
from mcuref.kernels.int8.runs import in_parts
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import I32, element, part, shuffle, spread, store, vector

I16, I64 = ir.IntType(16), ir.IntType(64)
TILE = 16  # columns at a time
ROWS = 8


def add_scaled_4_s8(
    y: Int32s,
    i: Index,
    x: Int8s,
    j0: Index,
    j1: Index,
    j2: Index,
    j3: Index,
    n: Index,
    a0: np.int16,
    a1: np.int16,
    a2: np.int16,
    a3: np.int16,
    constant: np.int32,
) -> None:
    """y[i + t] = y[i + t] + a0 x[j0 + t] + ... + a3 x[j3 + t] + constant for t < n; no factor is -2^15."""
    for j, a in ((j0, a0), (j1, a1), (j2, a2), (j3, a3)):
        y[i : i + n] += np.int32(a) * x[j : j + n].astype(np.int32)
    y[i : i + n] += np.int32(constant)


def add_scaled_2_s8(
    y: Int32s, i: Index, x: Int8s, j0: Index, j1: Index, n: Index, a0: np.int16, a1: np.int16, constant: np.int32
) -> None:
    """As :func:`add_scaled_4_s8`, of two runs."""
    for j, a in ((j0, a0), (j1, a1)):
        y[i : i + n] += np.int32(a) * x[j : j + n].astype(np.int32)
    y[i : i + n] += np.int32(constant)


def add_rows_s8(
    y: Int32s, i: Index, y_line: Index, x: Int8s, j: Index, x_line: Index, rows: Index, n: Index, a: np.int32
) -> None:
    """y[i + r y_line + t] += a x[j + r x_line + t] for r < rows, t < n."""
    for r in range(rows):
        first, start = i + r * y_line, j + r * x_line
        y[first : first + n] += np.int32(a) * x[start : start + n].astype(np.int32)


def pair_factors(factors: Int32s, at: Index, delta: Int8s, e0: Index, e1: Index, totals: Int32s, seen: Int32s) -> Index:
    """factors[at + r] = delta[e0 + r], and delta[e1 + r] in its upper half, for r < 8; both are added to totals[r], and
    or-ed into seen[r]. Returns 0 if all of them are 0.
    """
    low, high = (delta[e : e + ROWS].astype(np.int32) for e in (e0, e1))
    factors[at : at + ROWS] = (low & 0xFFFF) | (high << 16)
    totals[:ROWS] += low + high
    seen[:ROWS] |= low | high
    return int((low | high).any())


def add_run_s32(y: Int32s, i: Index, x: Int32s, j: Index, n: Index) -> None:
    """y[i + t] = y[i + t] + x[j + t] for t < n; the two runs do not overlap."""
    y[i : i + n] += x[j : j + n]


def copy_less_s32(y: Int32s, i: Index, x: Int32s, j: Index, n: Index, less: np.int32) -> None:
    """y[i + t] = x[j + t] - less for t < n; the two runs do not overlap."""
    y[i : i + n] = x[j : j + n] - np.int32(less)


def multiply_8(
    y: Int32s,
    columns: Index,
    x: Int8s,
    line: Index,
    rows: Index,
    factors: Int32s,
    across: Index,
    down: Index,
    order: Int32s,
    count: Index,
    add: Index,
) -> None:
    """y[8, columns] = sum over l < count of both factors of each row of y times rows 2 i and 2 i + 1 of x, i = order[l].

    Rows of x have ``line`` elements each, of which the first ``columns`` are taken, 16 or more; there are ``rows``, and the
    factor of one that is not there is 0. factors[i across + r down] has two of 16 bits for row r of y, that of row 2 i of x
    in its lower half. Unless ``add`` is 0 the sums are added to what is in y, and columns are a multiple of 16.
    """
    sums = y[: 8 * columns].reshape(8, columns)
    if not add:
        sums[:] = 0
    for i in order[:count].tolist():
        pair = np.array([factors[i * across + r * down] for r in range(8)], np.int32)
        both = pair.astype(np.int16), (pair >> 16).astype(np.int16)
        for row, factor in zip((2 * i, min(2 * i + 1, rows - 1)), both):
            sums += factor.astype(np.int32)[:, None] * x[row * line : row * line + columns].astype(np.int32)


def _add(builder, y, i, x, sources, n, factors, constant):
    y, inputs = part(builder, y, i), [part(builder, x, j) for j in sources]

    def block(t, lanes):
        wide, long = ir.VectorType(I16, 2 * lanes), ir.VectorType(I32, 2 * lanes)
        turns = [lane + which * lanes for lane in range(lanes) for which in (0, 1)]  # the first of each, the second of each
        total = builder.add(vector(builder, y, t, lanes), spread(builder, constant, lanes))
        for first in range(0, len(inputs), 2):
            runs = [vector(builder, run, t, lanes) for run in inputs[first : first + 2]]
            values = builder.sext(shuffle(builder, *runs, turns), wide)
            pair = builder.insert_element(ir.Constant(ir.VectorType(I16, 2), ir.Undefined), factors[first], I32(0))
            pair = builder.insert_element(pair, factors[first + 1], I32(1))
            pairs = shuffle(builder, pair, pair, [0, 1] * lanes)
            products = builder.mul(builder.sext(values, long), builder.sext(pairs, long))
            even, odd = (shuffle(builder, products, products, range(which, 2 * lanes, 2)) for which in (0, 1))
            total = builder.add(total, builder.add(even, odd))
        store(builder, total, y, t)

    in_parts(builder, n, block)


@in_llvm(add_scaled_4_s8)
def _add_scaled_4_s8(builder, y, i, x, j0, j1, j2, j3, n, a0, a1, a2, a3, constant):
    _add(builder, y, i, x, [j0, j1, j2, j3], n, [a0, a1, a2, a3], constant)


@in_llvm(add_scaled_2_s8)
def _add_scaled_2_s8(builder, y, i, x, j0, j1, n, a0, a1, constant):
    _add(builder, y, i, x, [j0, j1], n, [a0, a1], constant)


@in_llvm(add_rows_s8)
def _add_rows_s8(builder, y, i, y_line, x, j, x_line, rows, n, a):
    with cgutils.for_range(builder, rows) as row:
        to, run = (
            part(builder, array, builder.add(start, builder.mul(row.index, line)))
            for array, start, line in ((y, i, y_line), (x, j, x_line))
        )

        def block(t, lanes):
            values = builder.sext(vector(builder, run, t, lanes), ir.VectorType(I32, lanes))
            products = builder.mul(values, spread(builder, a, lanes))
            store(builder, builder.add(vector(builder, to, t, lanes), products), to, t)

        in_parts(builder, n, block)


@in_llvm(pair_factors)
def _pair_factors(builder, factors, at, delta, e0, e1, totals, seen):
    wide, zero = ir.VectorType(I32, ROWS), at.type(0)
    runs = [vector(builder, delta, e, ROWS) for e in (e0, e1)]
    pairs = shuffle(builder, *runs, [lane + which * ROWS for lane in range(ROWS) for which in (0, 1)])
    store(builder, builder.bitcast(builder.sext(pairs, ir.VectorType(I16, 2 * ROWS)), wide), factors, at)
    low, high = (builder.sext(run, wide) for run in runs)
    store(builder, builder.add(vector(builder, totals, zero, ROWS), builder.add(low, high)), totals, zero)
    store(builder, builder.or_(vector(builder, seen, zero, ROWS), builder.or_(low, high)), seen, zero)
    return builder.zext(builder.icmp_signed("!=", builder.bitcast(builder.or_(*runs), I64), I64(0)), at.type)


@in_llvm(add_run_s32)
def _add_run_s32(builder, y, i, x, j, n):
    y, x = part(builder, y, i), part(builder, x, j)
    in_parts(builder, n, lambda t, lanes: store(builder, builder.add(*(vector(builder, a, t, lanes) for a in (y, x))), y, t))


@in_llvm(copy_less_s32)
def _copy_less_s32(builder, y, i, x, j, n, less):
    y, x = part(builder, y, i), part(builder, x, j)

    def block(t, lanes):
        store(builder, builder.sub(vector(builder, x, t, lanes), spread(builder, less, lanes)), y, t)

    in_parts(builder, n, block)


@in_llvm(multiply_8)
def _multiply_8(builder, y, columns, x, line, rows, factors, across, down, order, count, add):
    intp, sums = columns.type, ir.VectorType(I32, TILE)
    wide, long, two = ir.VectorType(I16, 2 * TILE), ir.VectorType(I32, 2 * TILE), ir.VectorType(I16, 2)
    turns = [lane + which * TILE for lane in range(TILE) for which in (0, 1)]
    last_row, last_column = builder.sub(rows, intp(1)), builder.sub(columns, intp(TILE))
    totals = [cgutils.alloca_once(builder, sums) for _ in range(ROWS)]

    def smaller(a, b):
        return builder.select(builder.icmp_signed("<", a, b), a, b)

    with cgutils.for_range_slice(builder, intp(0), columns, intp(TILE), intp) as (tile, _):
        column = smaller(tile, last_column)
        places = [builder.add(builder.mul(columns, intp(r)), column) for r in range(ROWS)]
        for total in totals:
            builder.store(ir.Constant(sums, [0] * TILE), total)
        with builder.if_then(builder.icmp_signed("!=", add, intp(0))):
            for total, place in zip(totals, places):
                builder.store(vector(builder, y, place, TILE), total)
        with cgutils.for_range(builder, count) as loop:
            i = builder.sext(element(builder, order, loop.index), intp)
            first = builder.shl(i, intp(1))
            starts = [builder.mul(row, line) for row in (first, smaller(builder.add(first, intp(1)), last_row))]
            runs = [vector(builder, x, builder.add(start, column), TILE) for start in starts]
            values = builder.sext(builder.sext(shuffle(builder, *runs, turns), wide), long)
            for r, total in enumerate(totals):
                pair = element(builder, factors, builder.add(builder.mul(i, across), builder.mul(down, intp(r))))
                pair = shuffle(builder, builder.bitcast(pair, two), builder.bitcast(pair, two), [0, 1] * TILE)
                products = builder.mul(values, builder.sext(pair, long))
                even, odd = (shuffle(builder, products, products, range(which, 2 * TILE, 2)) for which in (0, 1))
                builder.store(builder.add(builder.load(total), builder.add(even, odd)), total)
        for total, place in zip(totals, places):
            store(builder, builder.load(total), y, place)
