"""Sums in eight lanes: the order in which every float32 dot product and absolute sum is added up; and runs of products.

Lane l takes the elements i = l, l + 8, l + 16, ... in order, the tail included; then the lanes are added as a tree:
a[l] += a[l + 4] for l < 4, then + 2, then + 1. That order gives the same bits at any vector width, in C with eight
scalar accumulators, and in the NumPy twins below, which run when Numba's JIT is switched off.

The runs (:func:`add_scaled` and its kin) have one element per output, so there is no order to define; they are written
here because the short ones that convolution consists of would lose most of their time to a vectoriser's checks.

Each function is a triple: the NumPy twin (the definition), the LLVM code, and the overload that ties them together.
"""

from functools import partial

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

LANES = 8
F32 = ir.FloatType()
I32 = ir.IntType(32)
VECTOR = ir.VectorType(F32, LANES)


def _tree(lanes):
    """Sum of lanes[..., 8] by halves, float32."""
    for half in (4, 2, 1):
        lanes = lanes[..., :half] + lanes[..., half : 2 * half]
    return lanes[..., 0]


def _dot_rows(rows, out, x, w, b, row):
    """NumPy twin: out[row + r] = dot(w[row + r, :], x) + b[row + r] for r < rows; w flat [O * I]."""
    n = x.size
    weights = w[row * n : (row + rows) * n].reshape(rows, n)
    lanes = np.zeros((rows, LANES), np.float32)
    for i in range(0, n, LANES):
        width = min(LANES, n - i)
        lanes[:, :width] = lanes[:, :width] + weights[:, i : i + width] * x[i : i + width]
    out[row : row + rows] = _tree(lanes) + b[row : row + rows]


def dot_rows_1(out, x, w, b, row):
    """out[row] = dot(w[row, :], x) + b[row]: one row; float32 out[O], x[I], w flat [O * I], b[O]."""
    _dot_rows(1, out, x, w, b, row)


def dot_rows_8(out, x, w, b, row):
    """Eight rows from ``row`` on, each exactly as :func:`dot_rows_1`: x is read once for all eight, so it is faster."""
    _dot_rows(8, out, x, w, b, row)


def abs_sum(x):
    """Sum of |x[i]| in eight lanes, float32; NaN and infinity propagate."""
    lanes = np.zeros(LANES, np.float32)
    for i in range(0, x.size, LANES):
        width = min(LANES, x.size - i)
        lanes[:width] = lanes[:width] + np.abs(x[i : i + width])
    return _tree(lanes)


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


def _data(context, builder, array_type, value):
    return context.make_array(array_type)(context, builder, value).data


def _vector(builder, pointer, index):
    # align 4: an arena offset is a multiple of 4 and nothing more is promised
    return builder.load(builder.bitcast(builder.gep(pointer, [index]), VECTOR.as_pointer()), align=4)


def _shuffle(builder, a, b, lanes):
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, LANES), lanes))


def _reduce(builder, vectors):
    """Tree sums of one or eight vectors: of each a[l] + a[l + 4], then + 2, then + 1; eight share their additions.

    One sum is a scalar, eight are a vector.
    """
    if len(vectors) == 1:
        (vector,) = vectors
        for half in (4, 2, 1):
            vector = builder.fadd(vector, _shuffle(builder, vector, vector, [(i + half) % LANES for i in range(LANES)]))
        return builder.extract_element(vector, I32(0))
    for width in (8, 4, 2):  # a vector holds 8 // width sums of ``width`` lanes; two of them are halved into one
        low = [i for i in range(2 * LANES) if i % width < width // 2]
        high = [i + width // 2 for i in low]
        pairs = zip(vectors[0::2], vectors[1::2])
        vectors = [builder.fadd(_shuffle(builder, a, b, low), _shuffle(builder, a, b, high)) for a, b in pairs]
    return vectors[0]


def _masked(builder, n):
    """A function (pointer, index) that loads the n < 8 elements there, and +0 for the lanes behind them."""
    lanes = ir.VectorType(I32, LANES)
    count = builder.insert_element(ir.Constant(lanes, ir.Undefined), builder.trunc(n, I32), I32(0))
    count = _shuffle(builder, count, count, [0] * LANES)
    mask = builder.icmp_signed("<", ir.Constant(lanes, list(range(LANES))), count)
    nothing = ir.Constant(VECTOR, [0.0] * LANES)

    def load(pointer, index):
        place = builder.bitcast(builder.gep(pointer, [index]), VECTOR.as_pointer())
        function_type = ir.FunctionType(VECTOR, (place.type, I32, mask.type, VECTOR))
        suffix = "p0" if str(place.type) == "ptr" else "p0v8f32"  # llvmlite writes either kind of pointer
        function = cgutils.get_or_insert_function(builder.module, function_type, f"llvm.masked.load.v8f32.{suffix}")
        return builder.call(function, (place, I32(4), mask, nothing))

    return load


def _in_lanes(builder, n, accumulators, terms):
    """Emit the two parts of every lane sum: whole vectors, then the tail, each element into its own lane.

    ``terms(load, i)`` gives what is added to each accumulator, from vectors that ``load(pointer, i)`` brings. The lanes
    that the tail lacks add +0, which changes no sum that began at +0.
    """

    def add(load, i):
        for accumulator, term in zip(accumulators, terms(load, i)):
            builder.store(builder.fadd(builder.load(accumulator), term), accumulator)

    whole = builder.and_(n, n.type(-LANES))
    with cgutils.for_range_slice(builder, n.type(0), whole, n.type(LANES), n.type) as (i, _):
        add(lambda pointer, index: _vector(builder, pointer, index), i)
    with builder.if_then(builder.icmp_signed("<", whole, n)):
        add(_masked(builder, builder.sub(n, whole)), whole)
    return _reduce(builder, [builder.load(accumulator) for accumulator in accumulators])


def _accumulators(builder, count):
    return [cgutils.alloca_once_value(builder, ir.Constant(VECTOR, [0.0] * LANES)) for _ in range(count)]


def _dot_rows_intrinsic(rows):
    @intrinsic
    def dot(typing_context, out, x, w, b, row):
        def generate(context, builder, signature, arguments):
            out_p, x_p, w_p, b_p = (_data(context, builder, t, v) for t, v in zip(signature.args[:4], arguments[:4]))
            first = context.cast(builder, arguments[4], signature.args[4], types.intp)
            n = context.make_array(signature.args[1])(context, builder, arguments[1]).nitems
            index = [builder.add(first, first.type(r)) for r in range(rows)]
            row_p = [builder.gep(w_p, [builder.mul(i, n)]) for i in index]

            def terms(load, i):
                values = load(x_p, i)
                return [builder.fmul(load(p, i), values) for p in row_p]

            sums = _in_lanes(builder, n, _accumulators(builder, rows), terms)
            place = builder.gep(out_p, [first])
            if rows == LANES:
                total = builder.fadd(sums, _vector(builder, b_p, first))
                builder.store(total, builder.bitcast(place, VECTOR.as_pointer()), align=4)
            else:
                builder.store(builder.fadd(sums, builder.load(builder.gep(b_p, [first]))), place)
            return context.get_dummy_value()

        return types.void(out, x, w, b, row), generate

    return dot


_dot_1, _dot_8 = _dot_rows_intrinsic(1), _dot_rows_intrinsic(8)


@intrinsic
def _abs_sum(typing_context, x):
    def generate(context, builder, signature, arguments):
        x_p = _data(context, builder, signature.args[0], arguments[0])
        n = context.make_array(signature.args[0])(context, builder, arguments[0]).nitems
        integers = ir.VectorType(I32, LANES)
        no_sign = ir.Constant(integers, [0x7FFFFFFF] * LANES)

        def terms(load, i):
            return [builder.bitcast(builder.and_(builder.bitcast(load(x_p, i), integers), no_sign), VECTOR)]

        total = _in_lanes(builder, n, _accumulators(builder, 1), terms)
        return total

    return types.float32(x), generate


def _run(builder, outputs, n, vector_values, scalar_values):
    """Emit out[t] = value(t, out[t]) for each of ``outputs`` and t < n: whole vectors, then single elements."""
    whole = builder.and_(n, n.type(-LANES))
    with cgutils.for_range_slice(builder, n.type(0), whole, n.type(LANES), n.type) as (t, _):
        values = vector_values(t, [_vector(builder, p, t) for p in outputs])
        for value, p in zip(values, outputs):
            builder.store(value, builder.bitcast(builder.gep(p, [t]), VECTOR.as_pointer()), align=4)
    with cgutils.for_range_slice(builder, whole, n, n.type(1), n.type) as (t, _):
        places = [builder.gep(p, [t]) for p in outputs]
        for value, place in zip(scalar_values(t, [builder.load(place) for place in places]), places):
            builder.store(value, place)


def _spread(builder, scalar):
    """A vector with ``scalar`` in every lane."""
    vector = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), scalar, I32(0))
    return _shuffle(builder, vector, vector, [0] * LANES)


def _pointers(context, builder, signature, arguments, pairs):
    """Addresses of the elements [array][index] that pairs of argument positions name; integers as intp."""
    addresses = []
    for array, index in pairs:
        start = context.cast(builder, arguments[index], signature.args[index], types.intp)
        addresses.append(builder.gep(_data(context, builder, signature.args[array], arguments[array]), [start]))
    return addresses


def _element(builder, pointer, index):
    return builder.load(builder.gep(pointer, [index]))


def _scaled_run(outputs, terms):
    """y[i] += a * x[j]: ``terms`` of them one after the other into one run, or one into each of several ``outputs``.

    Arguments y, i..., x, j..., n, a...
    """

    def generate(context, builder, signature, arguments):
        x, first = 1 + outputs, 2 + outputs
        size, factors = arguments[first + terms], arguments[first + terms + 1 :]
        y_p = _pointers(context, builder, signature, arguments, [(0, 1 + r) for r in range(outputs)])
        x_p = _pointers(context, builder, signature, arguments, [(x, first + r) for r in range(terms)])
        n = context.cast(builder, size, signature.args[first + terms], types.intp)

        def values(load, scales, t, old):
            runs = [load(builder, p, t) for p in x_p]
            if terms == 1:
                return [builder.fadd(y, builder.fmul(a, runs[0])) for y, a in zip(old, scales)]
            (y,) = old
            for a, run in zip(scales, runs):
                y = builder.fadd(y, builder.fmul(a, run))
            return [y]

        vectors = [_spread(builder, a) for a in factors]
        _run(builder, y_p, n, partial(values, _vector, vectors), partial(values, _element, factors))
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
        y_p, x_p, w_p = _pointers(context, builder, signature, arguments, [(0, 1), (2, 3), (4, 5)])
        count = context.cast(builder, arguments[6], signature.args[6], types.intp)

        def values(load, t, old):
            return [builder.fadd(old[0], builder.fmul(load(builder, x_p, t), load(builder, w_p, t)))]

        _run(builder, [y_p], count, partial(values, _vector), partial(values, _element))
        return context.get_dummy_value()

    return types.void(y, i, x, j, w, k, n), generate


def _all_of(context, builder, signature, arguments, others):
    """(outputs, addresses of the other arrays, number of elements) of an operation from element 0 to the end."""
    out_p, *other_p = (_data(context, builder, signature.args[a], arguments[a]) for a in (0, *others))
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
        spread = _spread(builder, limit), ir.Constant(VECTOR, [0.0] * LANES)
        _run(builder, outputs, n, partial(values, _vector, *spread), partial(values, _element, limit, zero))
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
        spread = _spread(builder, limit), ir.Constant(VECTOR, [0.0] * LANES)
        _run(builder, outputs, n, partial(values, _vector, *spread), partial(values, _element, limit, zero))
        return context.get_dummy_value()

    return types.void(dx, dy, y, types.float32), generate


@intrinsic
def _copy_run(typing_context, y, i, x, j, n):
    def generate(context, builder, signature, arguments):
        y_p, x_p = _pointers(context, builder, signature, arguments, [(0, 1), (2, 3)])
        count = context.cast(builder, arguments[4], signature.args[4], types.intp)

        def values(load, t, old):
            return [load(builder, x_p, t)]

        _run(builder, [y_p], count, partial(values, _vector), partial(values, _element))
        return context.get_dummy_value()

    return types.void(y, i, x, j, n), generate


@overload(dot_rows_1)
def _overload_dot_rows_1(out, x, w, b, row):
    return lambda out, x, w, b, row: _dot_1(out, x, w, b, row)


@overload(dot_rows_8)
def _overload_dot_rows_8(out, x, w, b, row):
    return lambda out, x, w, b, row: _dot_8(out, x, w, b, row)


@overload(abs_sum)
def _overload_abs_sum(x):
    return lambda x: _abs_sum(x)


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
