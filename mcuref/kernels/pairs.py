"""Dot products of two patches at once with the weights of every filter: what is read serves more than one sum.

Sums are in eight lanes, then the bias, as :mod:`mcuref.kernels.lanes` has them. Where weights lie by columns, a vector holds
eight filters: a patch of few values, as a first layer has, would fill a vector badly, and moving the lanes of its sums
would cost more than its products.

Each function is a pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

from itertools import product

import numpy as np
from numba.core import cgutils

from mcuref.kernels.arrays import Float32s, Index, Int32s
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.lanes import dot_rows, tree
from mcuref.kernels.vectors import LANES, VECTOR, element, opaque, part, shuffle, spread, store, store_some, totals, vector


def dot_pair(
    out: Float32s,
    o0: Index,
    o1: Index,
    x: Float32s,
    i0: Index,
    i1: Index,
    line: Index,
    lines: Index,
    width: Index,
    w: Float32s,
    b: Float32s,
) -> None:
    """out[o0 + f] = dot(w[f, :], patch) + b[f] for every filter f < b.size, and out[o1 + f] of a second patch.

    A patch is ``lines`` runs of ``width`` elements, a multiple of 8, which begin at x[i0], x[i0 + line], ..., or at x[i1].
    """
    for o, i in ((o0, i0), (o1, i1)):
        patch = np.concatenate([x[i + y * line : i + y * line + width] for y in range(lines)])
        dot_rows(b.size, out[o : o + b.size], patch, w, b, 0)


def dot_pair_columns(
    out: Float32s,
    o0: Index,
    o1: Index,
    x: Float32s,
    i0: Index,
    i1: Index,
    taps: Int32s,
    size: Index,
    columns: Float32s,
    filters: Index,
) -> None:
    """out[o0 + f] = the dot product of filter f < ``filters`` with a patch, + its bias, and out[o1 + f] of a second patch.

    columns[F, size + 1, 8] has of each eight filters the biases, then the weights of each tap; the last eight may be fewer.
    Tap t < size of the patches is x[i0 + taps[t]], x[i1 + taps[t]], and belongs to lane t % 8.
    """
    whole = -(-filters // LANES) * LANES
    rows = columns[: (size + 1) * whole].reshape(-1, size + 1, LANES).swapaxes(0, 1).reshape(-1, whole)[:, :filters]
    for o, i in ((o0, i0), (o1, i1)):
        lanes, patch = np.zeros((LANES, filters), np.float32), x[i + taps[:size], None]
        for t in range(0, size, LANES):
            width = min(LANES, size - t)
            lanes[:width] = lanes[:width] + rows[t + 1 : t + 1 + width] * patch[t : t + width]
        out[o : o + filters] = tree(lanes.T) + rows[0]


@in_llvm(dot_pair)
def _dot_pair(builder, out, o0, o1, x, i0, i1, line, lines, width, w, b):
    patches, many = [part(builder, x, i) for i in (i0, i1)], builder.and_(b.size, b.size.type(-4))
    size = builder.mul(lines, width)
    for begin, end, rows in ((b.size.type(0), many, 4), (many, b.size, 1)):  # four filters at a time, then single ones
        with cgutils.for_range_slice(builder, begin, end, begin.type(rows), begin.type) as (index, _):
            row = opaque(builder, index)
            weights = [part(builder, w, builder.mul(builder.add(row, row.type(r)), size)) for r in range(rows)]
            sums = _sums(builder, patches, line, lines, width, weights)
            if rows == 1:
                results, bias = [totals(builder, [lanes], builder.fadd) for lanes in sums], element(builder, b, row)
            else:
                both, bias = totals(builder, sums, builder.fadd), vector(builder, b, row, rows)
                results = [shuffle(builder, both, both, range(r, r + rows)) for r in (0, rows)]
            for o, result in zip((o0, o1), results):
                store(builder, builder.fadd(result, bias), out, builder.add(o, row))


def _sums(builder, patches, line, lines, width, weights):
    """The lanes of the dot products of each patch with each row of weights."""
    sums = [_zeros(builder) for _ in product(patches, weights)]
    with cgutils.for_range(builder, lines) as run:
        first, begin = builder.mul(run.index, line), builder.mul(run.index, width)
        with cgutils.for_range_slice(builder, width.type(0), width, width.type(LANES), width.type) as (index, _):
            i = opaque(builder, index)
            values = [vector(builder, patch, builder.add(first, i)) for patch in patches]
            factors = [vector(builder, row, builder.add(begin, i)) for row in weights]
            for total, (value, factor) in zip(sums, product(values, factors)):
                builder.store(builder.fadd(builder.load(total), builder.fmul(factor, value)), total)
    return [builder.load(total) for total in sums]


@in_llvm(dot_pair_columns)
def _dot_pair_columns(builder, out, o0, o1, x, i0, i1, taps, size, columns, filters):
    patches, zero = [part(builder, x, i) for i in (i0, i1)], size.type(0)
    with cgutils.for_range_slice(builder, zero, filters, zero.type(LANES), zero.type) as (row, _):
        block = part(builder, columns, builder.mul(row, builder.add(size, zero.type(1))))  # the biases, then each tap
        weights = part(builder, block, zero.type(LANES))
        # Half of the lanes at a time, those that meet in the last but one addition: the others would find no registers
        halves = [_lanes_of(builder, lanes, patches, taps, size, weights) for lanes in (range(0, 8, 2), range(1, 8, 2))]
        for o, even, odd in zip((o0, o1), *halves):
            result = builder.fadd(builder.fadd(even, odd), vector(builder, block, zero))
            left = builder.sub(filters, row)
            with builder.if_else(builder.icmp_signed(">=", left, zero.type(LANES))) as (all_of_them, some):
                with all_of_them:
                    store(builder, result, out, builder.add(o, row))
                with some:
                    store_some(builder, result, left, out, builder.add(o, row))


def _lanes_of(builder, lanes, patches, taps, size, weights):
    """Of each patch the sum of four lanes, of eight filters."""
    whole, sums = builder.and_(size, size.type(-LANES)), [[_zeros(builder) for _ in lanes] for _ in patches]

    def add(n, t):
        place = builder.sext(element(builder, taps, t), t.type)
        factors = vector(builder, weights, builder.mul(t, t.type(LANES)))
        for patch, of_lanes in zip(patches, sums):
            term = builder.fmul(factors, spread(builder, element(builder, patch, place)))
            builder.store(builder.fadd(builder.load(of_lanes[n]), term), of_lanes[n])

    def add_rest(n):
        t = builder.add(whole, size.type(lanes[n]))
        with builder.if_then(builder.icmp_signed("<", t, size)):
            add(n, t)
            if n + 1 < len(lanes):
                add_rest(n + 1)

    with cgutils.for_range_slice(builder, size.type(0), whole, size.type(LANES), size.type) as (t, _):
        for n, lane in enumerate(lanes):
            add(n, builder.add(t, t.type(lane)))
    add_rest(0)
    first = [[builder.fadd(builder.load(totals[n]), builder.load(totals[n + 2])) for n in (0, 1)] for totals in sums]
    return [builder.fadd(*pair) for pair in first]


def _zeros(builder):
    """A vector in a register, 0 at first."""
    register = cgutils.alloca_once(builder, VECTOR)
    builder.store(VECTOR(None), register)
    return register
