"""What convolution's way back keeps in registers: errors while all kept entries of a position add to them, weights of eight
filters while all positions move them.

An error takes the kept entries in order, a weight its positions, whichever of their neighbours come first: so the loop over
errors, or over weights, can be outside.

Each function is a pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

import numpy as np
from numba.core import cgutils

from mcuref.kernels.arrays import Float32s, Index, Indices
from mcuref.kernels.eights import ZEROS
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import LANES, VECTOR, element, part, shuffle, spread, store, vector

WHOLE = 8  # vectors of errors that stay in registers


def add_kept_rows(
    dx: Float32s,
    i: Index,
    n: Index,
    w: Float32s,
    j: Index,
    size: Index,
    delta: Float32s,
    kept: Indices,
    begin: Index,
    end: Index,
    base: Index,
) -> None:
    """dx[i + t] = dx[i + t] + delta[e] * w[j + (e - base) size + t] for t < n, for e in kept[begin:end] in order."""
    run = dx[i : i + n]
    for e in map(int, kept[begin:end]):
        row = j + (e - base) * size
        run[:] = run + delta[e] * w[row : row + n]


def update_rows_8(
    w: Float32s,
    i: Index,
    size: Index,
    x: Float32s,
    j: Index,
    x_rows: Index,
    q: Index,
    step: Index,
    line: Index,
    delta: Float32s,
    e: Index,
    outputs: Index,
    rows: Index,
    columns: Index,
    width: Index,
    rate: np.float32,
) -> None:
    """w[i + l size + t] -= (rate * error) * value, of eight filters l, for the taps t < width of one row of their patches.

    At row r < ``rows`` and column s < ``columns``, in order, the errors are those of delta[e + (r columns + s) outputs + l]
    that are not 0, the values are x[j + r x_rows + u] with u = q + s step + t; nothing is moved unless 0 <= u < line.
    """
    for r in range(rows):
        for s in range(columns):
            at, first = e + (r * columns + s) * outputs, q + s * step
            begin, end = max(0, -first), min(width, line - first)
            values = x[j + r * x_rows + first + begin : j + r * x_rows + first + end]
            for lane in np.flatnonzero(delta[at : at + LANES]) if begin < end else ():
                run = w[i + lane * size + begin : i + lane * size + end]
                run[:] = run - (rate * delta[at + lane]) * values


def _concatenated(builder, vectors):
    """All lanes of vectors of one length, one vector after the other; behind them may be more."""
    while len(vectors) > 1:
        lanes, vectors = (
            range(2 * vectors[0].type.count),
            [*vectors, vectors[-1]],
        )  # one more than pairs need, or the last one
        vectors = [shuffle(builder, a, b, lanes) for a, b in zip(vectors[0::2], vectors[1::2])]
    return vectors[0]


@in_llvm(add_kept_rows)
def _add_kept_rows(builder, dx, i, n, w, j, size, delta, kept, begin, end, base):
    dx, origin = part(builder, dx, i), builder.sub(j, builder.mul(base, size))  # of the row of an entry 0

    def tile(first, count, load, spread):
        """Add to ``count`` vectors, or to a single element, from dx[first] on."""
        target, tap = part(builder, dx, first), builder.add(origin, first)
        at = [first.type(LANES * v) for v in range(count)]
        sums = [cgutils.alloca_once_value(builder, load(builder, target, t)) for t in at]
        with cgutils.for_range_slice(builder, begin, end, end.type(1), end.type) as (m, _):
            e = builder.zext(element(builder, kept, m), size.type)
            error, row = (
                spread(builder, element(builder, delta, e)),
                part(builder, w, builder.add(tap, builder.mul(e, size))),
            )
            for t, place in zip(at, sums):
                builder.store(builder.fadd(builder.load(place), builder.fmul(error, load(builder, row, t))), place)
        for t, place in zip(at, sums):
            store(builder, builder.load(place), target, t)

    whole = builder.and_(n, n.type(-LANES * WHOLE))
    with cgutils.for_range_slice(builder, n.type(0), whole, n.type(LANES * WHOLE), n.type) as (first, _):
        tile(first, WHOLE, vector, spread)
    rest = builder.sub(n, whole)
    for count in range(1, WHOLE):
        with builder.if_then(builder.icmp_signed("==", builder.lshr(rest, rest.type(3)), rest.type(count))):
            tile(whole, count, vector, spread)
    with cgutils.for_range_slice(builder, builder.and_(n, n.type(-LANES)), n, n.type(1), n.type) as (t, _):
        tile(t, 1, element, lambda _, error: error)


@in_llvm(update_rows_8)
def _update_rows_8(builder, w, i, size, x, j, x_rows, q, step, line, delta, e, outputs, rows, columns, width, rate):
    rates = spread(builder, rate)

    def tile(taps, first):
        """Move the weights of ``taps`` taps from ``first`` on."""
        sources = [builder.add(builder.add(i, first), builder.mul(size, size.type(r))) for r in range(LANES)]
        loaded = _concatenated(builder, [vector(builder, w, source, taps) for source in sources])
        weights = [cgutils.alloca_once(builder, VECTOR) for _ in range(taps)]
        for t, place in enumerate(weights):
            builder.store(shuffle(builder, loaded, loaded, range(t, LANES * taps, taps)), place)
        start = builder.add(q, first)
        with cgutils.for_range(builder, rows) as r:
            values = part(builder, x, builder.add(j, builder.mul(r.index, x_rows)))
            errors = part(builder, delta, builder.add(e, builder.mul(builder.mul(r.index, columns), outputs)))
            with cgutils.for_range(builder, columns) as s:
                error = vector(builder, errors, builder.mul(s.index, outputs))
                factors, meant = builder.fmul(rates, error), builder.fcmp_unordered("!=", error, ZEROS)
                u = builder.add(start, builder.mul(s.index, step))

                def move(t, at):
                    moves = builder.fmul(factors, spread(builder, element(builder, values, at)))
                    moves = builder.select(meant, moves, ZEROS)  # - 0 changes no bit of a weight
                    builder.store(builder.fsub(builder.load(weights[t]), moves), weights[t])

                last = builder.add(u, u.type(taps))
                inside = builder.and_(builder.icmp_signed(">=", u, u.type(0)), builder.icmp_signed("<=", last, line))
                with builder.if_else(inside, likely=True) as (all_of_them, some):
                    with all_of_them:
                        for t in range(taps):
                            move(t, builder.add(u, u.type(t)))
                    with some:
                        for t in range(taps):
                            at = builder.add(u, u.type(t))
                            with builder.if_then(builder.icmp_unsigned("<", at, line)):
                                move(t, at)
        moved = _concatenated(builder, [builder.load(place) for place in weights])
        for r, source in enumerate(sources):
            store(builder, shuffle(builder, moved, moved, range(r, LANES * taps, LANES)), w, source)

    whole = builder.and_(width, width.type(-LANES))
    with cgutils.for_range_slice(builder, width.type(0), whole, width.type(LANES), width.type) as (first, _):
        tile(LANES, first)
    for taps, bits in ((4, 4), (3, 3), (2, 3), (1, 3)):  # of the rest its four, then what is behind them
        with builder.if_then(builder.icmp_signed("==", builder.and_(width, width.type(bits)), width.type(taps))):
            tile(taps, builder.and_(width, width.type(-8 if taps == 4 else -4)))
