"""Sums in eight lanes: the order in which every float32 dot product and absolute sum is added up.

Lane l takes the elements i = l, l + 8, l + 16, ... in order, the tail included; then the lanes are added as a tree:
a[l] += a[l + 4] for l < 4, then + 2, then + 1. That order gives the same bits at any vector width, in C with eight
scalar accumulators, and in the NumPy twins below, which run when Numba's JIT is switched off.

Each function is a triple: the NumPy twin (the definition), the LLVM code, and the overload that ties them together.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from mcuref.kernels.vectors import I32, LANES, VECTOR, data, shuffle, vector


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


def _reduce(builder, vectors):
    """Tree sums of one or eight vectors: of each a[l] + a[l + 4], then + 2, then + 1; eight share their additions.

    One sum is a scalar, eight are a vector.
    """
    if len(vectors) == 1:
        (vector,) = vectors
        for half in (4, 2, 1):
            vector = builder.fadd(vector, shuffle(builder, vector, vector, [(i + half) % LANES for i in range(LANES)]))
        return builder.extract_element(vector, I32(0))
    for width in (8, 4, 2):  # a vector holds 8 // width sums of ``width`` lanes; two of them are halved into one
        low = [i for i in range(2 * LANES) if i % width < width // 2]
        high = [i + width // 2 for i in low]
        pairs = zip(vectors[0::2], vectors[1::2])
        vectors = [builder.fadd(shuffle(builder, a, b, low), shuffle(builder, a, b, high)) for a, b in pairs]
    return vectors[0]


def _masked(builder, n):
    """A function (pointer, index) that loads the n < 8 elements there, and +0 for the lanes behind them."""
    lanes = ir.VectorType(I32, LANES)
    count = builder.insert_element(ir.Constant(lanes, ir.Undefined), builder.trunc(n, I32), I32(0))
    count = shuffle(builder, count, count, [0] * LANES)
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
        add(lambda pointer, index: vector(builder, pointer, index), i)
    with builder.if_then(builder.icmp_signed("<", whole, n)):
        add(_masked(builder, builder.sub(n, whole)), whole)
    return _reduce(builder, [builder.load(accumulator) for accumulator in accumulators])


def _accumulators(builder, count):
    return [cgutils.alloca_once_value(builder, ir.Constant(VECTOR, [0.0] * LANES)) for _ in range(count)]


def _dot_rows_intrinsic(rows):
    @intrinsic
    def dot(typing_context, out, x, w, b, row):
        def generate(context, builder, signature, arguments):
            out_p, x_p, w_p, b_p = (data(context, builder, t, v) for t, v in zip(signature.args[:4], arguments[:4]))
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
                total = builder.fadd(sums, vector(builder, b_p, first))
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
        x_p = data(context, builder, signature.args[0], arguments[0])
        n = context.make_array(signature.args[0])(context, builder, arguments[0]).nitems
        integers = ir.VectorType(I32, LANES)
        no_sign = ir.Constant(integers, [0x7FFFFFFF] * LANES)

        def terms(load, i):
            return [builder.bitcast(builder.and_(builder.bitcast(load(x_p, i), integers), no_sign), VECTOR)]

        total = _in_lanes(builder, n, _accumulators(builder, 1), terms)
        return total

    return types.float32(x), generate


@overload(dot_rows_1)
def _overload_dot_rows_1(out, x, w, b, row):
    return lambda out, x, w, b, row: _dot_1(out, x, w, b, row)


@overload(dot_rows_8)
def _overload_dot_rows_8(out, x, w, b, row):
    return lambda out, x, w, b, row: _dot_8(out, x, w, b, row)


@overload(abs_sum)
def _overload_abs_sum(x):
    return lambda x: _abs_sum(x)
