"""Sums in eight lanes: the order in which every float32 dot product and absolute sum is added up.

Lane l takes the elements i = l, l + 8, l + 16, ... in order, the tail included; then the lanes are added as a tree:
a[l] += a[l + 4] for l < 4, then + 2, then + 1. That order gives the same bits at any vector width, in C with eight
scalar accumulators, and in the NumPy twins below, which run when Numba's JIT is switched off.

Each function is a pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numpy.typing import NDArray

from mcuref.kernels.arrays import Float32s, Index
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import I32, LANES, VECTOR, element, part, some, store, totals, vector


def tree(lanes: NDArray[np.float32]) -> Any:
    """Sum of lanes[..., 8] by halves, float32."""
    for half in (4, 2, 1):
        lanes = lanes[..., :half] + lanes[..., half : 2 * half]
    return lanes[..., 0]


def dot_rows(rows: int, out: Float32s, x: Float32s, w: Float32s, b: Float32s, row: Index) -> None:
    """NumPy twin: out[row + r] = dot(w[row + r, :], x) + b[row + r] for r < rows; w flat [O * I]."""
    n = x.size
    weights = w[row * n : (row + rows) * n].reshape(rows, n)
    lanes = np.zeros((rows, LANES), np.float32)
    for i in range(0, n, LANES):
        width = min(LANES, n - i)
        lanes[:, :width] = lanes[:, :width] + weights[:, i : i + width] * x[i : i + width]
    out[row : row + rows] = tree(lanes) + b[row : row + rows]


def dot_rows_1(out: Float32s, x: Float32s, w: Float32s, b: Float32s, row: Index) -> None:
    """out[row] = dot(w[row, :], x) + b[row]: one row; float32 out[O], x[I], w flat [O * I], b[O]."""
    dot_rows(1, out, x, w, b, row)


def dot_rows_8(out: Float32s, x: Float32s, w: Float32s, b: Float32s, row: Index) -> None:
    """Eight rows from ``row`` on, each exactly as :func:`dot_rows_1`: x is read once for all eight, so it is faster."""
    dot_rows(8, out, x, w, b, row)


def abs_sum(x: Float32s) -> np.float32:
    """Sum of |x[i]| in eight lanes, float32; NaN and infinity propagate."""
    lanes = np.zeros(LANES, np.float32)
    for i in range(0, x.size, LANES):
        width = min(LANES, x.size - i)
        lanes[:width] = lanes[:width] + np.abs(x[i : i + width])
    return tree(lanes)


def _in_lanes(builder, n, count, terms):
    """Emit the two parts of ``count`` lane sums: whole vectors, then the tail, each element into its own lane.

    ``terms(load, i)`` gives what is added to each sum, from vectors that ``load(builder, x, i)`` brings. The lanes that
    the tail lacks add +0, which changes no sum that began at +0.
    """
    accumulators = [cgutils.alloca_once_value(builder, ir.Constant(VECTOR, [0.0] * LANES)) for _ in range(count)]

    def add(load, i):
        for accumulator, term in zip(accumulators, terms(load, i)):
            builder.store(builder.fadd(builder.load(accumulator), term), accumulator)

    whole = builder.and_(n, n.type(-LANES))
    with cgutils.for_range_slice(builder, n.type(0), whole, n.type(LANES), n.type) as (i, _):
        add(vector, i)
    with builder.if_then(builder.icmp_signed("<", whole, n)):
        rest = builder.sub(n, whole)
        add(lambda builder, x, i: some(builder, x, i, rest), whole)
    return totals(builder, [builder.load(accumulator) for accumulator in accumulators], builder.fadd)


def _dot_rows_in_llvm(rows, builder, out, x, w, b, row):
    index = [builder.add(row, row.type(r)) for r in range(rows)]
    weights = [part(builder, w, builder.mul(i, x.size)) for i in index]

    def terms(load, i):
        values = load(builder, x, i)
        return [builder.fmul(load(builder, r, i), values) for r in weights]

    sums = _in_lanes(builder, x.size, rows, terms)
    bias = vector if rows == LANES else element
    store(builder, builder.fadd(sums, bias(builder, b, row)), out, row)


in_llvm(dot_rows_1)(partial(_dot_rows_in_llvm, 1))
in_llvm(dot_rows_8)(partial(_dot_rows_in_llvm, LANES))


@in_llvm(abs_sum)
def _abs_sum(builder, x):
    integers = ir.VectorType(I32, LANES)
    no_sign = ir.Constant(integers, [0x7FFFFFFF] * LANES)

    def terms(load, i):
        return [builder.bitcast(builder.and_(builder.bitcast(load(builder, x, i), integers), no_sign), VECTOR)]

    return _in_lanes(builder, x.size, 1, terms)
