"""One position of a depthwise convolution of int8 values: outputs, sums of weights, what is sent back.

Each function is a pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from mcuref.kernels.arrays import Index, Int8s, Int32s
from mcuref.kernels.int8.exponents import moved_shift, shifted_bias
from mcuref.kernels.int8.fixed import clamped, scaled_twice
from mcuref.kernels.int8.runs import in_blocks, in_parts
from mcuref.kernels.int8.scaling import Scaling, store_scaled
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import I32, element, part, spread, store, vector

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


def add_taps(
    sums: Int32s,
    errors: Int8s,
    first: Index,
    x: Int8s,
    source: Index,
    line: Index,
    channels: Index,
    tap: Index,
    rows: Index,
    columns: Index,
    width: Index,
    lanes: Index,
    x_zero: np.int32,
) -> None:
    """sums[tap + ky width + kx, l] += errors[first + l] (x[source + ky line + kx channels + l] - x_zero), ky < rows,
    kx < columns, l < lanes, which are 16 or 8; sums have 16 lanes each.
    """
    values = errors[first : first + lanes].astype(np.int32)
    for ky in range(rows):
        for kx in range(columns):
            i, j = source + ky * line + kx * channels, 16 * (tap + ky * width + kx)
            sums[j : j + lanes] += values * (x[i : i + lanes].astype(np.int32) - np.int32(x_zero))


def send_taps(
    dx: Int32s,
    errors: Int32s,
    w: Int8s,
    tap: Index,
    outputs: Index,
    target: Index,
    line: Index,
    channels: Index,
    rows: Index,
    columns: Index,
    width: Index,
    n: Index,
) -> None:
    """dx[target + ky line + kx channels + l] += errors[l] w[(ky width + kx) outputs + tap + l], ky < rows, kx < columns,
    l < n; errors fit 16 bits.
    """
    for ky in range(rows):
        for kx in range(columns):
            i, j = target + ky * line + kx * channels, (ky * width + kx) * outputs + tap
            dx[i : i + n] += errors[:n] * w[j : j + n].astype(np.int32)


def _each_tap(builder, rows, columns, width, body):
    """Emit body(ky, kx, ky width + kx)."""
    with cgutils.for_range(builder, rows) as ky, cgutils.for_range(builder, columns) as kx:
        body(ky.index, kx.index, builder.add(builder.mul(ky.index, width), kx.index))


@in_llvm(add_taps)
def _add_taps(builder, sums, errors, first, x, source, line, channels, tap, rows, columns, width, lanes, x_zero):
    def of(lanes):
        short, wide = ir.VectorType(I16, lanes), ir.VectorType(I32, lanes)
        values = builder.sext(vector(builder, errors, first, lanes), short)
        zeros = spread(builder, builder.trunc(x_zero, I16), lanes)

        def body(ky, kx, number):
            i = builder.add(source, builder.add(builder.mul(ky, line), builder.mul(kx, channels)))
            j = builder.shl(builder.add(tap, number), tap.type(4))
            seen = builder.sub(builder.sext(vector(builder, x, i, lanes), short), zeros)
            # at most 127 255 in magnitude, which 16 bits hold
            products = builder.sext(builder.mul(values, seen), wide)
            store(builder, builder.add(vector(builder, sums, j, lanes), products), sums, j)

        _each_tap(builder, rows, columns, width, body)

    with builder.if_else(builder.icmp_signed("==", lanes, lanes.type(16))) as (sixteen, eight):
        with sixteen:
            of(16)
        with eight:
            of(8)


@in_llvm(send_taps)
def _send_taps(builder, dx, errors, w, tap, outputs, target, line, channels, rows, columns, width, n):
    def block(t, lanes):
        wide = ir.VectorType(I32, lanes)
        values = vector(builder, errors, t, lanes)

        def body(ky, kx, number):
            i = builder.add(target, builder.add(builder.mul(ky, line), builder.mul(kx, channels)))
            i, j = builder.add(i, t), builder.add(builder.mul(number, outputs), builder.add(tap, t))
            products = builder.mul(values, builder.sext(vector(builder, w, j, lanes), wide))
            store(builder, builder.add(vector(builder, dx, i, lanes), products), dx, i)

        _each_tap(builder, rows, columns, width, body)

    in_parts(builder, n, block)
