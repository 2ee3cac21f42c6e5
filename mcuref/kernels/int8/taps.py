"""One position of a depthwise convolution of int8 values, all channels.

A pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from mcuref.kernels.arrays import Index, Int8s, Int32s
from mcuref.kernels.int8.exponents import moved_shift, shifted_bias
from mcuref.kernels.int8.fixed import clamped, scaled_twice
from mcuref.kernels.int8.runs import in_blocks
from mcuref.kernels.int8.scaling import Scaling, store_scaled
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import I32, element, part, spread, vector

I16 = ir.IntType(16)


def depthwise_taps(
    z: Int8s,
    x: Int8s,
    w: Int8s,
    b: Int32s,
    multiplier: Int32s,
    shift: Int8s,
    channels: Index,
    source: Index,
    line: Index,
    tap: Index,
    rows: Index,
    columns: Index,
    width: Index,
    x_zero: np.int32,
    z_zero: np.int32,
    low: np.int32,
    high: np.int32,
    ex: np.int64,
    more: np.int64,
) -> None:
    """z[O] = sum over ky < rows, kx < columns of w[tap + (ky width + kx) O + o] (x[source + ky line + kx C + c] - x_zero),
    + b[O], scaled with two roundings, + z_zero, clamped to low..high; of C channels, output o sees c = o // (O / C).

    multiplier[O], shift[O]; sums are int32. ``ex`` is the exponent of x, and ``more`` what shifts grow by.
    """
    outputs, total = z.size, np.array([shifted_bias(bias, ex) for bias in b], np.int64)
    for ky in range(rows):
        for kx in range(columns):
            i, j = source + ky * line + kx * channels, tap + (ky * width + kx) * outputs
            values = np.repeat(x[i : i + channels].astype(np.int64) - x_zero, outputs // channels)
            total += values * w[j : j + outputs]
    for o, value in enumerate(total.astype(np.int32)):
        output = scaled_twice(value, multiplier[o], moved_shift(shift[o], more))
        z[o] = clamped(output + np.int64(z_zero), low, high)


@in_llvm(depthwise_taps)
def _depthwise_taps(
    builder, z, x, w, b, multiplier, shift, channels, source, line, tap, rows, columns, width, x_zero, z_zero, *rest
):
    outputs, scaling = z.size, Scaling(b, multiplier, shift, z_zero, *rest, True)
    x, w = part(builder, x, source), part(builder, w, tap)

    def block(o, lanes, load):
        """Outputs from o on; load(i): of the tap whose first channel is x[i], what each of them sees."""
        short, sums = ir.VectorType(I16, lanes), ir.VectorType(I32, lanes)
        zeros = spread(builder, builder.trunc(x_zero, I16), lanes)
        total = cgutils.alloca_once(builder, sums)
        builder.store(ir.Constant(sums, [0] * lanes), total)
        with cgutils.for_range(builder, rows) as ky, cgutils.for_range(builder, columns) as kx:
            i = builder.add(builder.mul(ky.index, line), builder.mul(kx.index, channels))
            j = builder.add(builder.mul(builder.add(builder.mul(ky.index, width), kx.index), outputs), o)
            values = builder.sub(builder.sext(load(i), short), zeros)
            # at most 255 128 in magnitude, which 16 bits hold
            products = builder.mul(values, builder.sext(vector(builder, w, j, lanes), short))
            builder.store(builder.add(builder.load(total), builder.sext(products, sums)), total)
        store_scaled(builder, z, builder.load(total), o, scaling)

    def one_each(o, lanes):
        block(o, lanes, lambda i: vector(builder, x, builder.add(i, o), lanes))

    with builder.if_else(builder.icmp_signed("==", channels, outputs)) as (one, several):
        with one:
            in_blocks(builder, outputs, one_each)
        with several:
            copies = builder.sdiv(outputs, channels)
            with cgutils.for_range(builder, channels) as c:

                def several_each(t, lanes):
                    def load(i):
                        return spread(builder, element(builder, x, builder.add(i, c.index)), lanes)

                    block(builder.add(builder.mul(c.index, copies), t), lanes, load)

                in_blocks(builder, copies, several_each)
