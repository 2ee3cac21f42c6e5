"""One position of a depthwise convolution of int8 values, all channels.

A pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from mcuref.kernels.arrays import Index, Int8s, Int32s
from mcuref.kernels.int8.fixed import clamped, scaled_twice
from mcuref.kernels.int8.runs import in_blocks
from mcuref.kernels.int8.scaling import Scaling, store_scaled
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import I32, part, spread, vector

I16 = ir.IntType(16)


def depthwise_taps(
    z: Int8s,
    x: Int8s,
    w: Int8s,
    b: Int32s,
    multiplier: Int32s,
    shift: Int8s,
    source: Index,
    line: Index,
    tap: Index,
    width: Index,
    rows: Index,
    columns: Index,
    x_zero: np.int32,
    z_zero: np.int32,
    low: np.int32,
    high: np.int32,
) -> None:
    """z[C] = sum over ky < rows, kx < columns of w[tap + ky width + kx C + c] (x[source + ky line + kx C + c] - x_zero),
    + b[C], scaled with two roundings, + z_zero, clamped to low..high; multiplier[C], shift[C]; sums are int32."""
    c = z.size
    total = b.astype(np.int64)
    for ky in range(rows):
        for kx in range(columns):
            i, j = source + ky * line + kx * c, tap + ky * width + kx * c
            total += (x[i : i + c].astype(np.int64) - x_zero) * w[j : j + c]
    for o, value in enumerate(total.astype(np.int32)):
        z[o] = clamped(scaled_twice(value, multiplier[o], shift[o]) + np.int64(z_zero), low, high)


@in_llvm(depthwise_taps)
def _depthwise_taps(
    builder, z, x, w, b, multiplier, shift, source, line, tap, width, rows, columns, x_zero, z_zero, low, high
):
    x, w, scaling = part(builder, x, source), part(builder, w, tap), Scaling(b, multiplier, shift, z_zero, low, high, True)

    def block(channel, lanes):
        short, sums = ir.VectorType(I16, lanes), ir.VectorType(I32, lanes)
        zeros = spread(builder, builder.trunc(x_zero, I16), lanes)
        total = cgutils.alloca_once_value(builder, ir.Constant(sums, [0] * lanes))
        builder.store(ir.Constant(sums, [0] * lanes), total)
        with cgutils.for_range(builder, rows) as ky, cgutils.for_range(builder, columns) as kx:
            across = builder.add(builder.mul(kx.index, z.size), channel)
            i, j = (builder.add(builder.mul(ky.index, pitch), across) for pitch in (line, width))
            values = builder.sub(builder.sext(vector(builder, x, i, lanes), short), zeros)
            # at most 255 128 in magnitude, which 16 bits hold
            products = builder.mul(values, builder.sext(vector(builder, w, j, lanes), short))
            builder.store(builder.add(builder.load(total), builder.sext(products, sums)), total)
        store_scaled(builder, z, builder.load(total), channel, scaling)

    in_blocks(builder, z.size, block)
