"""Runs: element-wise operations on contiguous float32, with one element per output, so there is no order to define.

They are written in LLVM because the short runs that convolution consists of would lose most of their time to a vectoriser's
checks, and because those checks always fail where a result overwrites its operand.

Each function is a triple: the NumPy twin (the definition), the LLVM code, and the overload that ties them together.
"""

from functools import partial

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from mcuref.kernels.vectors import F32, LANES, VECTOR, data, element, pointers, spread, vector


def add_scaled(y, i, x, j, n, a):
    """y[i + t] = y[i + t] + a * x[j + t] for t < n; the two runs do not overlap."""
    y[i : i + n] = y[i : i + n] + a * x[j : j + n]


def add_scaled_4(y, i, x, j0, j1, j2, j3, n, a0, a1, a2, a3):
    """Four of :func:`add_scaled` into the same run, one after the other, in one pass: same order, same bits."""
    run = y[i : i + n]
    run[:] = (((run + a0 * x[j0 : j0 + n]) + a1 * x[j1 : j1 + n]) + a2 * x[j2 : j2 + n]) + a3 * x[j3 : j3 + n]


def add_scaled_to_4(y, i0, i1, i2, i3, x, j, n, a0, a1, a2, a3):
    """Four of :func:`add_scaled` from the same run of x into four runs of y that do not overlap, in one pass."""
    for i, a in ((i0, a0), (i1, a1), (i2, a2), (i3, a3)):
        y[i : i + n] = y[i : i + n] + a * x[j : j + n]


def add_products(y, i, x, j, w, k, n):
    """y[i + t] = y[i + t] + x[j + t] * w[k + t] for t < n; y overlaps neither."""
    y[i : i + n] = y[i : i + n] + x[j : j + n] * w[k : k + n]


def clipped(out, x, limit):
    """out[i] = 0 where x[i] <= 0, limit where x[i] >= limit, else x[i]; out may be x."""
    values = np.where(x >= limit, limit, x)
    out[:] = np.where(values <= 0, np.float32(0), values)


def passed_back(dx, dy, y, limit):
    """dx[i] = 0 where y[i] <= 0 or y[i] >= limit, else dy[i]; dx may be dy."""
    dx[:] = np.where((y <= 0) | (y >= limit), np.float32(0), dy)


def copy_run(y, i, x, j, n):
    """y[i + t] = x[j + t] for t < n; the two runs do not overlap."""
    y[i : i + n] = x[j : j + n]


def _run(builder, outputs, n, vector_values, scalar_values):
    """Emit out[t] = value(t, out[t]) for each of ``outputs`` and t < n: whole vectors, then single elements."""
    whole = builder.and_(n, n.type(-LANES))
    with cgutils.for_range_slice(builder, n.type(0), whole, n.type(LANES), n.type) as (t, _):
        values = vector_values(t, [vector(builder, p, t) for p in outputs])
        for value, p in zip(values, outputs):
            builder.store(value, builder.bitcast(builder.gep(p, [t]), VECTOR.as_pointer()), align=4)
    with cgutils.for_range_slice(builder, whole, n, n.type(1), n.type) as (t, _):
        places = [builder.gep(p, [t]) for p in outputs]
        for value, place in zip(scalar_values(t, [builder.load(place) for place in places]), places):
            builder.store(value, place)


def _scaled_run(outputs, terms):
    """y[i] += a * x[j]: ``terms`` of them one after the other into one run, or one into each of several ``outputs``.

    Arguments y, i..., x, j..., n, a...
    """

    def generate(context, builder, signature, arguments):
        x, first = 1 + outputs, 2 + outputs
        size, factors = arguments[first + terms], arguments[first + terms + 1 :]
        y_p = pointers(context, builder, signature, arguments, [(0, 1 + r) for r in range(outputs)])
        x_p = pointers(context, builder, signature, arguments, [(x, first + r) for r in range(terms)])
        n = context.cast(builder, size, signature.args[first + terms], types.intp)

        def values(load, scales, t, old):
            runs = [load(builder, p, t) for p in x_p]
            if terms == 1:
                return [builder.fadd(y, builder.fmul(a, runs[0])) for y, a in zip(old, scales)]
            (y,) = old
            for a, run in zip(scales, runs):
                y = builder.fadd(y, builder.fmul(a, run))
            return [y]

        vectors = [spread(builder, a) for a in factors]
        _run(builder, y_p, n, partial(values, vector, vectors), partial(values, element, factors))
        return context.get_dummy_value()

    return generate


@intrinsic
def _add_scaled(typing_context, y, i, x, j, n, a):
    return types.void(y, i, x, j, n, types.float32), _scaled_run(1, 1)


@intrinsic
def _add_scaled_4(typing_context, y, i, x, j0, j1, j2, j3, n, a0, a1, a2, a3):
    return types.void(y, i, x, j0, j1, j2, j3, n, *[types.float32] * 4), _scaled_run(1, 4)


@intrinsic
def _add_scaled_to_4(typing_context, y, i0, i1, i2, i3, x, j, n, a0, a1, a2, a3):
    return types.void(y, i0, i1, i2, i3, x, j, n, *[types.float32] * 4), _scaled_run(4, 1)


@intrinsic
def _add_products(typing_context, y, i, x, j, w, k, n):
    def generate(context, builder, signature, arguments):
        y_p, x_p, w_p = pointers(context, builder, signature, arguments, [(0, 1), (2, 3), (4, 5)])
        count = context.cast(builder, arguments[6], signature.args[6], types.intp)

        def values(load, t, old):
            return [builder.fadd(old[0], builder.fmul(load(builder, x_p, t), load(builder, w_p, t)))]

        _run(builder, [y_p], count, partial(values, vector), partial(values, element))
        return context.get_dummy_value()

    return types.void(y, i, x, j, w, k, n), generate


def _all_of(context, builder, signature, arguments, others):
    """(outputs, addresses of the other arrays, number of elements) of an operation from element 0 to the end."""
    out_p, *other_p = (data(context, builder, signature.args[a], arguments[a]) for a in (0, *others))
    return [out_p], other_p, context.make_array(signature.args[0])(context, builder, arguments[0]).nitems


@intrinsic
def _clipped(typing_context, out, x, limit):
    def generate(context, builder, signature, arguments):
        outputs, (x_p,), n = _all_of(context, builder, signature, arguments, (1,))

        def values(load, limit, zero, t, old):
            v = load(builder, x_p, t)
            v = builder.select(builder.fcmp_ordered(">=", v, limit), limit, v)
            return [builder.select(builder.fcmp_ordered("<=", v, zero), zero, v)]

        limit, zero = arguments[2], F32(0.0)
        wide = spread(builder, limit), ir.Constant(VECTOR, [0.0] * LANES)
        _run(builder, outputs, n, partial(values, vector, *wide), partial(values, element, limit, zero))
        return context.get_dummy_value()

    return types.void(out, x, types.float32), generate


@intrinsic
def _passed_back(typing_context, dx, dy, y, limit):
    def generate(context, builder, signature, arguments):
        outputs, (dy_p, y_p), n = _all_of(context, builder, signature, arguments, (1, 2))

        def values(load, limit, zero, t, old):
            y = load(builder, y_p, t)
            outside = builder.or_(builder.fcmp_ordered("<=", y, zero), builder.fcmp_ordered(">=", y, limit))
            return [builder.select(outside, zero, load(builder, dy_p, t))]

        limit, zero = arguments[3], F32(0.0)
        wide = spread(builder, limit), ir.Constant(VECTOR, [0.0] * LANES)
        _run(builder, outputs, n, partial(values, vector, *wide), partial(values, element, limit, zero))
        return context.get_dummy_value()

    return types.void(dx, dy, y, types.float32), generate


@intrinsic
def _copy_run(typing_context, y, i, x, j, n):
    def generate(context, builder, signature, arguments):
        y_p, x_p = pointers(context, builder, signature, arguments, [(0, 1), (2, 3)])
        count = context.cast(builder, arguments[4], signature.args[4], types.intp)

        def values(load, t, old):
            return [load(builder, x_p, t)]

        _run(builder, [y_p], count, partial(values, vector), partial(values, element))
        return context.get_dummy_value()

    return types.void(y, i, x, j, n), generate


@overload(add_scaled)
def _overload_add_scaled(y, i, x, j, n, a):
    return lambda y, i, x, j, n, a: _add_scaled(y, i, x, j, n, a)


@overload(add_scaled_4)
def _overload_add_scaled_4(y, i, x, j0, j1, j2, j3, n, a0, a1, a2, a3):
    def call(y, i, x, j0, j1, j2, j3, n, a0, a1, a2, a3):
        return _add_scaled_4(y, i, x, j0, j1, j2, j3, n, a0, a1, a2, a3)

    return call


@overload(add_scaled_to_4)
def _overload_add_scaled_to_4(y, i0, i1, i2, i3, x, j, n, a0, a1, a2, a3):
    def call(y, i0, i1, i2, i3, x, j, n, a0, a1, a2, a3):
        return _add_scaled_to_4(y, i0, i1, i2, i3, x, j, n, a0, a1, a2, a3)

    return call


@overload(add_products)
def _overload_add_products(y, i, x, j, w, k, n):
    return lambda y, i, x, j, w, k, n: _add_products(y, i, x, j, w, k, n)


@overload(copy_run)
def _overload_copy_run(y, i, x, j, n):
    return lambda y, i, x, j, n: _copy_run(y, i, x, j, n)


@overload(clipped)
def _overload_clipped(out, x, limit):
    return lambda out, x, limit: _clipped(out, x, limit)


@overload(passed_back)
def _overload_passed_back(dx, dy, y, limit):
    return lambda dx, dy, y, limit: _passed_back(dx, dy, y, limit)
