"""Weights of eight filters at a time, which stay in registers while all positions of the window move them.

A weight takes its positions in ascending order, whichever weights are moved before it: so the loop over weights can be
outside. An error of exactly 0 moves nothing.

Each function is a pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

import numpy as np
from numba.core import cgutils

from mcuref.kernels.arrays import Float32s, Index
from mcuref.kernels.eights import ZEROS
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import LANES, VECTOR, element, part, shuffle, spread, store, vector


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

                def move(t, at, condition):
                    old = builder.load(weights[t])
                    new = builder.fsub(old, builder.fmul(factors, spread(builder, element(builder, values, at))))
                    builder.store(builder.select(condition, new, old), weights[t])

                last = builder.add(u, u.type(taps))
                inside = builder.and_(builder.icmp_signed(">=", u, u.type(0)), builder.icmp_signed("<=", last, line))
                with builder.if_else(inside, likely=True) as (all_of_them, some):
                    with all_of_them:
                        for t in range(taps):
                            move(t, builder.add(u, u.type(t)), meant)
                    with some:
                        for t in range(taps):
                            at = builder.add(u, u.type(t))
                            with builder.if_then(builder.icmp_unsigned("<", at, line)):
                                move(t, at, meant)
        moved = _concatenated(builder, [builder.load(place) for place in weights])
        for r, source in enumerate(sources):
            store(builder, shuffle(builder, moved, moved, range(r, LANES * taps, LANES)), w, source)

    whole = builder.and_(width, width.type(-LANES))
    with cgutils.for_range_slice(builder, width.type(0), whole, width.type(LANES), width.type) as (first, _):
        tile(LANES, first)
    for taps, bits in ((4, 4), (3, 3), (2, 3), (1, 3)):  # of the rest its four, then what is behind them
        with builder.if_then(builder.icmp_signed("==", builder.and_(width, width.type(bits)), width.type(taps))):
            tile(taps, builder.and_(width, width.type(-8 if taps == 4 else -4)))
