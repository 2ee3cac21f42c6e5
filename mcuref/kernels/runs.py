"""Runs: element-wise operations on contiguous float32, with one element per output, so there is no order to define.

They are written in LLVM because the short runs that convolution consists of would lose most of their time to a vectoriser's
checks, and because those checks always fail where a result overwrites its operand.

Each function is a pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

import numpy as np
from numba.core import cgutils

from mcuref.kernels.arrays import Float32s, Index
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import F32, LANES, element, part, spread, store, vector


def add_scaled(y: Float32s, i: Index, x: Float32s, j: Index, n: Index, a: np.float32) -> None:
    """y[i + t] = y[i + t] + a * x[j + t] for t < n; the two runs do not overlap."""
    y[i : i + n] = y[i : i + n] + a * x[j : j + n]


def add_scaled_4(
    y: Float32s,
    i: Index,
    x: Float32s,
    j0: Index,
    j1: Index,
    j2: Index,
    j3: Index,
    n: Index,
    a0: np.float32,
    a1: np.float32,
    a2: np.float32,
    a3: np.float32,
) -> None:
    """Four of :func:`add_scaled` into the same run, one after the other, in one pass: same order, same bits."""
    run = y[i : i + n]
    run[:] = (((run + a0 * x[j0 : j0 + n]) + a1 * x[j1 : j1 + n]) + a2 * x[j2 : j2 + n]) + a3 * x[j3 : j3 + n]


def add_scaled_to_4(
    y: Float32s,
    i0: Index,
    i1: Index,
    i2: Index,
    i3: Index,
    x: Float32s,
    j: Index,
    n: Index,
    a0: np.float32,
    a1: np.float32,
    a2: np.float32,
    a3: np.float32,
) -> None:
    """Four of :func:`add_scaled` from the same run of x into four runs of y that do not overlap, in one pass."""
    for i, a in ((i0, a0), (i1, a1), (i2, a2), (i3, a3)):
        y[i : i + n] = y[i : i + n] + a * x[j : j + n]


def add_quotients(y: Float32s, i: Index, x: Float32s, j: Index, n: Index, a: np.float32) -> None:
    """y[i + t] = y[i + t] + x[j + t] / a for t < n; the two runs do not overlap."""
    y[i : i + n] = y[i : i + n] + x[j : j + n] / a


def clipped(out: Float32s, x: Float32s, limit: np.float32) -> None:
    """out[i] = 0 where x[i] <= 0, limit where x[i] >= limit, else x[i]; out may be x."""
    values = np.where(x >= limit, limit, x)
    out[:] = np.where(values <= 0, np.float32(0), values)


def passed_back(dx: Float32s, dy: Float32s, y: Float32s, limit: np.float32) -> None:
    """dx[i] = 0 where y[i] <= 0 or y[i] >= limit, else dy[i]; dx may be dy."""
    dx[:] = np.where((y <= 0) | (y >= limit), np.float32(0), dy)


def copy_run(y: Float32s, i: Index, x: Float32s, j: Index, n: Index) -> None:
    """y[i + t] = x[j + t] for t < n; the two runs do not overlap."""
    y[i : i + n] = x[j : j + n]


def _run(builder, outputs, n, scalars, values):
    """Emit the new elements t < n of each of ``outputs``: whole vectors, then single ones.

    ``values(load, t, old, *scalars)`` gives them from the old ones and from what ``load(builder, x, t)`` brings; all are
    either vectors or single elements.
    """
    whole, rest = builder.and_(n, n.type(-LANES)), builder.and_(n, n.type(LANES - 1))
    spreads = [spread(builder, scalar) for scalar in scalars]

    def renew(load, t, numbers):
        old = [load(builder, out, t) for out in outputs]
        for new, out in zip(values(load, t, old, *numbers), outputs):
            store(builder, new, out, t)

    with cgutils.for_range_slice(builder, n.type(0), whole, n.type(LANES), n.type) as (t, _):
        renew(vector, t, spreads)
    with cgutils.for_range(builder, rest) as single:  # so counted, it is seen that there are fewer than eight
        renew(element, builder.add(whole, single.index), scalars)


def _add_scaled_runs(builder, y, starts, x, sources, n, factors):
    """y[i] += a * x[j]: one after the other into one run, or one into each of several."""
    outputs = [part(builder, y, i) for i in starts]
    inputs = [part(builder, x, j) for j in sources]

    def values(load, t, old, *factors):
        runs = [load(builder, run, t) for run in inputs]
        if len(runs) == 1:
            return [builder.fadd(total, builder.fmul(a, runs[0])) for total, a in zip(old, factors)]
        (total,) = old
        for a, run in zip(factors, runs):
            total = builder.fadd(total, builder.fmul(a, run))
        return [total]

    _run(builder, outputs, n, factors, values)


@in_llvm(add_scaled)
def _add_scaled(builder, y, i, x, j, n, a):
    _add_scaled_runs(builder, y, [i], x, [j], n, [a])


@in_llvm(add_scaled_4)
def _add_scaled_4(builder, y, i, x, j0, j1, j2, j3, n, *factors):
    _add_scaled_runs(builder, y, [i], x, [j0, j1, j2, j3], n, factors)


@in_llvm(add_scaled_to_4)
def _add_scaled_to_4(builder, y, i0, i1, i2, i3, x, j, n, *factors):
    _add_scaled_runs(builder, y, [i0, i1, i2, i3], x, [j], n, factors)


@in_llvm(add_quotients)
def _add_quotients(builder, y, i, x, j, n, a):
    x = part(builder, x, j)

    def values(load, t, old, a):
        return [builder.fadd(old[0], builder.fdiv(load(builder, x, t), a))]

    _run(builder, [part(builder, y, i)], n, [a], values)


@in_llvm(clipped)
def _clipped(builder, out, x, limit):
    def values(load, t, old, limit, zero):
        value = load(builder, x, t)
        value = builder.select(builder.fcmp_ordered(">=", value, limit), limit, value)
        return [builder.select(builder.fcmp_ordered("<=", value, zero), zero, value)]

    _run(builder, [out], out.size, [limit, F32(0.0)], values)


@in_llvm(passed_back)
def _passed_back(builder, dx, dy, y, limit):
    def values(load, t, old, limit, zero):
        value = load(builder, y, t)
        outside = builder.or_(builder.fcmp_ordered("<=", value, zero), builder.fcmp_ordered(">=", value, limit))
        return [builder.select(outside, zero, load(builder, dy, t))]

    _run(builder, [dx], dx.size, [limit, F32(0.0)], values)


@in_llvm(copy_run)
def _copy_run(builder, y, i, x, j, n):
    x = part(builder, x, j)
    _run(builder, [part(builder, y, i)], n, [], lambda load, t, old: [load(builder, x, t)])
