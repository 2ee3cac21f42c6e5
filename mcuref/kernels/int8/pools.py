"""One position of a pooling window over int8 values, all C channels: forward, and its errors back into sums of int32.

The taps inside the input are ``rows`` of ``columns`` each, from x[source] on, ``line`` elements from row to row; they have
the numbers tap + ky width + kx. Outputs are the C elements from y[base] on.

Each function is a pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

from collections.abc import Callable

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from mcuref.kernels.arrays import Index, Int8s, Int32s, Uint8s
from mcuref.kernels.int8.runs import WIDTHS, in_blocks
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import I32, part, spread, store, vector

I8, I64 = ir.IntType(8), ir.IntType(64)
BITS = 54  # of the reciprocal of a number of values


def largest_of_taps(
    y: Int8s,
    x: Int8s,
    channels: Index,
    base: Index,
    source: Index,
    line: Index,
    rows: Index,
    columns: Index,
    low: np.int8,
    high: np.int8,
) -> None:
    """y[C] = the largest value of the window, -128 if it has none, clamped to low..high."""
    outs, values = _seen(y, x, channels, base, source, line, rows, columns)
    outs[:] = np.minimum(np.maximum(values.max(axis=0, initial=-128), low), high)


def first_largest_of_taps(
    y: Int8s,
    taps: Uint8s,
    x: Int8s,
    channels: Index,
    base: Index,
    source: Index,
    line: Index,
    rows: Index,
    columns: Index,
    tap: Index,
    width: Index,
    low: np.int8,
    high: np.int8,
) -> None:
    """The same, and taps[C] = the number of the tap that it was before it was clamped, of equal ones the first."""
    outs, values = _seen(y, x, channels, base, source, line, rows, columns)
    outs[:] = np.minimum(np.maximum(values.max(axis=0), low), high)
    first = values.argmax(axis=0)
    taps[base : base + channels] = tap + first // columns * width + first % columns


def average_of_taps(
    y: Int8s,
    x: Int8s,
    channels: Index,
    base: Index,
    source: Index,
    line: Index,
    rows: Index,
    columns: Index,
    low: np.int8,
    high: np.int8,
) -> None:
    """y[C] = sum of the window / number of its values, halves away from 0, clamped to low..high; at most 2^23 values.

    In LLVM a magnitude N below 129 n is divided by n as N R / 2^54, rounded down, R = 2^54 / n rounded up. R is less than 1
    too large, so the product less than N / 2^54, and that is below 1 / n as long as 129 n^2 <= 2^54.
    """
    outs, values = _seen(y, x, channels, base, source, line, rows, columns)
    totals, n = values.sum(axis=0), rows * columns
    means = np.sign(totals) * ((abs(totals) + (n >> 1)) // n)
    outs[:] = np.minimum(np.maximum(means, low), high)


def _seen(y, x, channels, base, source, line, rows, columns):
    """(the outputs, int64[taps, C] of what the window sees)."""
    ky, kx = np.divmod(np.arange(rows * columns), columns)
    starts = source + ky * line + kx * channels
    return y[base : base + channels], x[starts[:, np.newaxis] + np.arange(channels)].astype(np.int64)


def add_to_tap(dx: Int32s, target: Index, dy: Int8s, base: Index, channels: Index, factor: np.int32) -> None:
    """dx[target + c] += dy[base + c] factor for c < C."""
    dx[target : target + channels] += dy[base : base + channels].astype(np.int32) * np.int32(factor)


def add_to_chosen_tap(
    dx: Int32s, target: Index, dy: Int8s, taps: Uint8s, base: Index, channels: Index, tap: np.uint8
) -> None:
    """dx[target + c] += dy[base + c] where taps[base + c] is that number, for c < C."""
    here = taps[base : base + channels] == tap
    dx[target : target + channels] += dy[base : base + channels].astype(np.int32) * here


def copy_to_chosen_tap(
    dx: Int8s, target: Index, dy: Int8s, taps: Uint8s, base: Index, channels: Index, tap: np.uint8
) -> None:
    """dx[target + c] = dy[base + c] where taps[base + c] is that number, else 0, for c < C."""
    dx[target : target + channels] = dy[base : base + channels] * (taps[base : base + channels] == tap)


def _over_taps(
    builder: ir.IRBuilder, rows: ir.Value, columns: ir.Value, line: ir.Value, channels: ir.Value, each: Callable
) -> None:
    """Emit each(index of the tap's first value, ky, kx) of every tap."""
    with cgutils.for_range(builder, rows) as ky, cgutils.for_range(builder, columns) as kx:
        each(builder.add(builder.mul(ky.index, line), builder.mul(kx.index, channels)), ky.index, kx.index)


def _clamp(builder, values, low, high):
    low, high = (spread(builder, value, values.type.count) for value in (low, high))
    values = builder.select(builder.icmp_signed("<", values, low), low, values)
    return builder.select(builder.icmp_signed(">", values, high), high, values)


@in_llvm(largest_of_taps)
def _largest_of_taps(builder, y, x, channels, base, source, line, rows, columns, low, high):
    y, x = part(builder, y, base), part(builder, x, source)

    def block(c, lanes):
        kind = ir.VectorType(I8, lanes)
        largest = cgutils.alloca_once(builder, kind)
        builder.store(ir.Constant(kind, [-128] * lanes), largest)

        def each(i, ky, kx):
            values, before = vector(builder, x, builder.add(i, c), lanes), builder.load(largest)
            builder.store(builder.select(builder.icmp_signed(">", values, before), values, before), largest)

        _over_taps(builder, rows, columns, line, channels, each)
        store(builder, _clamp(builder, builder.load(largest), low, high), y, c)

    in_blocks(builder, channels, block)


@in_llvm(first_largest_of_taps)
def _first_largest_of_taps(builder, y, taps, x, channels, base, source, line, rows, columns, tap, width, low, high):
    y, taps, x = part(builder, y, base), part(builder, taps, base), part(builder, x, source)

    def block(c, lanes):
        kind = ir.VectorType(I8, lanes)
        largest, which = cgutils.alloca_once(builder, kind), cgutils.alloca_once(builder, kind)
        builder.store(ir.Constant(kind, [-128] * lanes), largest)
        builder.store(spread(builder, builder.trunc(tap, I8), lanes), which)

        def each(i, ky, kx):
            values, before = vector(builder, x, builder.add(i, c), lanes), builder.load(largest)
            larger = builder.icmp_signed(">", values, before)
            number = builder.add(tap, builder.add(builder.mul(ky, width), kx))
            here = spread(builder, builder.trunc(number, I8), lanes)
            builder.store(builder.select(larger, values, before), largest)
            builder.store(builder.select(larger, here, builder.load(which)), which)

        _over_taps(builder, rows, columns, line, channels, each)
        store(builder, _clamp(builder, builder.load(largest), low, high), y, c)
        store(builder, builder.load(which), taps, c)

    in_blocks(builder, channels, block)


@in_llvm(average_of_taps)
def _average_of_taps(builder, y, x, channels, base, source, line, rows, columns, low, high):
    y, x, number = part(builder, y, base), part(builder, x, source), builder.mul(rows, columns)
    reciprocal = builder.udiv(builder.add(I64((1 << BITS) - 1), number), number)
    half = builder.lshr(number, I64(1))

    def block(c, lanes):
        sums, wide = ir.VectorType(I32, lanes), ir.VectorType(I64, lanes)
        total = cgutils.alloca_once(builder, sums)
        builder.store(ir.Constant(sums, [0] * lanes), total)

        def each(i, ky, kx):
            values = builder.sext(vector(builder, x, builder.add(i, c), lanes), sums)
            builder.store(builder.add(builder.load(total), values), total)

        _over_taps(builder, rows, columns, line, channels, each)
        found = builder.load(total)
        below = builder.icmp_signed("<", found, ir.Constant(sums, [0] * lanes))
        magnitude = builder.sext(builder.select(below, builder.neg(found), found), wide)
        product = builder.mul(builder.add(magnitude, spread(builder, half, lanes)), spread(builder, reciprocal, lanes))
        mean = builder.trunc(builder.lshr(product, ir.Constant(wide, [BITS] * lanes)), sums)
        limits = (builder.sext(value, I32) for value in (low, high))
        mean = _clamp(builder, builder.select(below, builder.neg(mean), mean), *limits)
        store(builder, builder.trunc(mean, ir.VectorType(I8, lanes)), y, c)

    in_blocks(builder, channels, block)


def _add_in_parts(builder, dx, n, terms):
    """Emit dx[i] += terms(i, lanes) for i < n, each once: whole vectors, then what is left by halves."""
    widest = n.type(WIDTHS[0])

    def add(i, lanes):
        store(builder, builder.add(vector(builder, dx, i, lanes), terms(i, lanes)), dx, i)

    whole = builder.and_(n, n.type(-WIDTHS[0]))
    with cgutils.for_range_slice(builder, n.type(0), whole, widest, n.type) as (i, _):
        add(i, WIDTHS[0])
    for lanes in WIDTHS[1:]:
        with builder.if_then(builder.icmp_signed("!=", builder.and_(n, n.type(lanes)), n.type(0))):
            add(builder.and_(n, n.type(-2 * lanes)), lanes)


@in_llvm(add_to_tap)
def _add_to_tap(builder, dx, target, dy, base, channels, factor):
    dx, dy = part(builder, dx, target), part(builder, dy, base)

    def terms(i, lanes):
        wide = builder.sext(vector(builder, dy, i, lanes), ir.VectorType(I32, lanes))
        return builder.mul(wide, spread(builder, factor, lanes))

    _add_in_parts(builder, dx, channels, terms)


def _chosen(builder, dy, taps, i, tap, lanes):
    """Errors from dy[i] on of those that chose a tap, 0 of the others."""
    here = builder.icmp_unsigned("==", vector(builder, taps, i, lanes), spread(builder, tap, lanes))
    values = vector(builder, dy, i, lanes)
    return builder.select(here, values, ir.Constant(values.type, [0] * lanes))


@in_llvm(add_to_chosen_tap)
def _add_to_chosen_tap(builder, dx, target, dy, taps, base, channels, tap):
    dx, dy, taps = part(builder, dx, target), part(builder, dy, base), part(builder, taps, base)

    def terms(i, lanes):
        return builder.sext(_chosen(builder, dy, taps, i, tap, lanes), ir.VectorType(I32, lanes))

    _add_in_parts(builder, dx, channels, terms)


@in_llvm(copy_to_chosen_tap)
def _copy_to_chosen_tap(builder, dx, target, dy, taps, base, channels, tap):
    dx, dy, taps = part(builder, dx, target), part(builder, dy, base), part(builder, taps, base)
    in_blocks(builder, channels, lambda i, lanes: store(builder, _chosen(builder, dy, taps, i, tap, lanes), dx, i))
