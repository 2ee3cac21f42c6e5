"""Values of a sample, normalised as they are read: v[i] = (x[i] - mean[i % c]) * scale[i % c], as a load would write them.

x[n] is of any type that samples have, mean[c] and scale[c] are float32, c divides n. Eight values at a time are in
registers, for several rows of weights each; they are written nowhere.

Each function is a pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from mcuref.kernels.arrays import Float32s, Index, Samples
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.lanes import dot_rows_1, dot_rows_8
from mcuref.kernels.vectors import F32, LANES, VECTOR, Elements, element, part, spread, store, totals, vector


def _values(x, mean, scale):
    """NumPy twin: all values of a sample."""
    pair = np.arange(x.size) % mean.size
    return (x.astype(np.float32) - mean[pair]) * scale[pair]


def dot_rows_of_1(out: Float32s, x: Samples, mean: Float32s, scale: Float32s, w: Float32s, b: Float32s, row: Index) -> None:
    """:func:`mcuref.kernels.lanes.dot_rows_1` of the values v."""
    dot_rows_1(out, _values(x, mean, scale), w, b, row)


def dot_rows_of_8(out: Float32s, x: Samples, mean: Float32s, scale: Float32s, w: Float32s, b: Float32s, row: Index) -> None:
    """:func:`mcuref.kernels.lanes.dot_rows_8` of the values v: each is normalised once for all eight rows."""
    dot_rows_8(out, _values(x, mean, scale), w, b, row)


def add_scaled_of(y: Float32s, i: Index, x: Samples, mean: Float32s, scale: Float32s, a: np.float32) -> None:
    """y[i + t] = y[i + t] + a * v[t] for every value of the sample."""
    y[i : i + x.size] = y[i : i + x.size] + a * _values(x, mean, scale)


def add_scaled_of_to_4(
    y: Float32s,
    i0: Index,
    i1: Index,
    i2: Index,
    i3: Index,
    x: Samples,
    mean: Float32s,
    scale: Float32s,
    a0: np.float32,
    a1: np.float32,
    a2: np.float32,
    a3: np.float32,
) -> None:
    """Four of :func:`add_scaled_of` into runs of y that do not overlap, in one pass."""
    for i, a in ((i0, a0), (i1, a1), (i2, a2), (i3, a3)):
        add_scaled_of(y, i, x, mean, scale, a)


def _one_pair(builder, mean, scale):
    """A function (lanes) that gives the pair that all values have, so many times."""
    zero = mean.size.type(0)
    offset, factor = element(builder, mean, zero), element(builder, scale, zero)
    wide = spread(builder, offset), spread(builder, factor)
    return lambda lanes: wide if lanes > 1 else (offset, factor)


def _pairs(builder, mean, scale):
    """A function (lanes) that gives the pairs of the next so many values, one after the other and then from the first on."""
    place = cgutils.alloca_once_value(builder, mean.size.type(0))

    def following(lanes):
        number, found = builder.load(place), []
        for _ in range(lanes):
            found.append([element(builder, pairs, number) for pairs in (mean, scale)])
            number = builder.add(number, number.type(1))
            number = builder.select(builder.icmp_signed("==", number, mean.size), number.type(0), number)
        builder.store(number, place)
        return found[0] if lanes == 1 else [_together(builder, column) for column in zip(*found)]

    return following


def _together(builder, elements):
    """A vector of elements."""
    made = ir.Constant(VECTOR, ir.Undefined)
    for lane, value in enumerate(elements):
        made = builder.insert_element(made, value, ir.IntType(32)(lane))
    return made


def _as_float(builder, x, value):
    """Samples as float32."""
    if x.type == F32:
        return value
    convert = builder.sitofp if x.signed else builder.uitofp
    return convert(value, VECTOR if isinstance(value.type, ir.VectorType) else F32)


def _read(
    builder: ir.IRBuilder,
    x: Elements,
    mean: Elements,
    scale: Elements,
    whole: Callable[..., None],
    single: Callable[..., None],
) -> None:
    """Emit the passes over a sample: ``whole(i, v)`` for the eight values from each i on, then ``single(i, v)`` for others.

    Twice: where all values have one pair, that is read once.
    """

    def passes(pairs):
        n = x.size
        end = builder.and_(n, n.type(-LANES))

        def value(load, i, lanes):
            offset, factor = pairs(lanes)
            return builder.fmul(builder.fsub(_as_float(builder, x, load(builder, x, i)), offset), factor)

        with cgutils.for_range_slice(builder, n.type(0), end, n.type(LANES), n.type) as (i, _):
            whole(i, value(vector, i, LANES))
        with cgutils.for_range_slice(builder, end, n, n.type(1), n.type) as (i, _):
            single(i, value(element, i, 1))

    with builder.if_else(builder.icmp_signed("==", mean.size, mean.size.type(1))) as (one, several):
        with one:
            passes(_one_pair(builder, mean, scale))
        with several:
            passes(_pairs(builder, mean, scale))


def _dot_rows_of(rows, builder, out, x, mean, scale, w, b, row):
    index = [builder.add(row, row.type(r)) for r in range(rows)]
    weights = [part(builder, w, builder.mul(i, x.size)) for i in index]
    sums = [cgutils.alloca_once_value(builder, ir.Constant(VECTOR, [0.0] * LANES)) for _ in range(rows)]

    def whole(i, values):
        for total, run in zip(sums, weights):
            product = builder.fmul(vector(builder, run, i), values)
            builder.store(builder.fadd(builder.load(total), product), total)

    def single(i, value):
        lane = builder.and_(i, i.type(LANES - 1))
        for total, run in zip(sums, weights):
            lanes, product = builder.load(total), builder.fmul(element(builder, run, i), value)
            added = builder.fadd(builder.extract_element(lanes, lane), product)
            builder.store(builder.insert_element(lanes, added, lane), total)

    _read(builder, x, mean, scale, whole, single)
    found = totals(builder, [builder.load(total) for total in sums], builder.fadd)
    bias = vector if rows == LANES else element
    store(builder, builder.fadd(found, bias(builder, b, row)), out, row)


in_llvm(dot_rows_of_1)(partial(_dot_rows_of, 1))
in_llvm(dot_rows_of_8)(partial(_dot_rows_of, LANES))


def _add_scaled_of(builder, y, starts, x, mean, scale, factors):
    """y[i + t] += a * v[t] for each of some starts i and its factor a."""
    runs = [part(builder, y, i) for i in starts]
    wide = [spread(builder, a) for a in factors]

    def renew(load, factors, t, value):
        for run, a in zip(runs, factors):
            store(builder, builder.fadd(load(builder, run, t), builder.fmul(a, value)), run, t)

    _read(builder, x, mean, scale, partial(renew, vector, wide), partial(renew, element, factors))


@in_llvm(add_scaled_of)
def _add_scaled_of_1(builder, y, i, x, mean, scale, a):
    _add_scaled_of(builder, y, [i], x, mean, scale, [a])


@in_llvm(add_scaled_of_to_4)
def _add_scaled_of_4(builder, y, i0, i1, i2, i3, x, mean, scale, *factors):
    _add_scaled_of(builder, y, [i0, i1, i2, i3], x, mean, scale, factors)
