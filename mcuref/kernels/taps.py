"""Sums over the taps of a window, channel by channel: what a depthwise convolution computes at one position.

Written in LLVM, where the sums of many channels stay in registers over all taps. The function is a pair: the NumPy twin
(the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from mcuref.kernels.arrays import Float32s, Index
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import F32, LANES, part, store, vector


def sum_taps(
    out: Float32s,
    o: Index,
    x: Float32s,
    i: Index,
    line: Index,
    w: Float32s,
    j: Index,
    row: Index,
    rows: Index,
    columns: Index,
    b: Float32s,
) -> None:
    """out[o + t] = sum over taps (ky < rows, kx < columns) of x[i + ky line + kx C + t] * w[j + ky row + kx C + t], + b[t].

    For each of the C = b.size channels t: from +0 on, one product after the other, row by row; the bias comes last.
    """
    c = b.size
    total = np.zeros(c, np.float32)
    for ky in range(rows):
        for kx in range(columns):
            source, tap = i + ky * line + kx * c, j + ky * row + kx * c
            total = total + x[source : source + c] * w[tap : tap + c]
    out[o : o + c] = total + b


@in_llvm(sum_taps)
def _sum_taps(builder, out, o, x, i, line, w, j, row, rows, columns, b):
    out, x, w, zero = part(builder, out, o), part(builder, x, i), part(builder, w, j), o.type(0)
    begin = zero
    for lanes in (4 * LANES, LANES, 1):  # as many channels at once as there are, then eight, then single ones
        kind = ir.VectorType(F32, lanes)
        total = cgutils.alloca_once(builder, kind)
        end = builder.and_(b.size, b.size.type(-lanes))
        with cgutils.for_range_slice(builder, begin, end, zero.type(lanes), zero.type) as (t, _):
            builder.store(kind(None), total)
            with cgutils.for_range(builder, rows) as tap_row:
                source = builder.add(t, builder.mul(tap_row.index, line))
                taps = builder.add(t, builder.mul(tap_row.index, row))
                with cgutils.for_range(builder, columns) as tap:
                    place = builder.mul(tap.index, b.size)
                    values = vector(builder, x, builder.add(source, place), lanes)
                    weights = vector(builder, w, builder.add(taps, place), lanes)
                    builder.store(builder.fadd(builder.load(total), builder.fmul(values, weights)), total)
            store(builder, builder.fadd(builder.load(total), vector(builder, b, t, lanes)), out, t)
        begin = end
