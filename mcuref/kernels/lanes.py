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


def _data(context, builder, array_type, value):
    return context.make_array(array_type)(context, builder, value).data


def _vector(builder, pointer, index):
    # align 4: an arena offset is a multiple of 4 and nothing more is promised
    return builder.load(builder.bitcast(builder.gep(pointer, [index]), VECTOR.as_pointer()), align=4)


def _reduce(builder, vector):
    undefined = ir.Constant(VECTOR, ir.Undefined)
    for half in (4, 2, 1):
        mask = ir.Constant(ir.VectorType(I32, LANES), [(i + half) % LANES for i in range(LANES)])
        vector = builder.fadd(vector, builder.shuffle_vector(vector, undefined, mask))
    return builder.extract_element(vector, I32(0))


def _in_lanes(builder, n, accumulators, vector_step, scalar_step):
    """Emit the two loops of every lane sum: whole vectors, then the tail, each element into its own lane."""
    whole = builder.and_(n, n.type(-LANES))
    with cgutils.for_range_slice(builder, n.type(0), whole, n.type(LANES), n.type) as (i, _):
        for accumulator, term in zip(accumulators, vector_step(i)):
            builder.store(builder.fadd(builder.load(accumulator), term), accumulator)
    with cgutils.for_range_slice(builder, whole, n, n.type(1), n.type) as (i, _):
        lane = builder.sub(i, whole)
        for accumulator, term in zip(accumulators, scalar_step(i)):
            lanes = builder.load(accumulator)
            total = builder.fadd(builder.extract_element(lanes, lane), term)
            builder.store(builder.insert_element(lanes, total, lane), accumulator)
    return [_reduce(builder, builder.load(accumulator)) for accumulator in accumulators]


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

            def vector_step(i):
                values = _vector(builder, x_p, i)
                return [builder.fmul(_vector(builder, p, i), values) for p in row_p]

            def scalar_step(i):
                value = builder.load(builder.gep(x_p, [i]))
                return [builder.fmul(builder.load(builder.gep(p, [i])), value) for p in row_p]

            sums = _in_lanes(builder, n, _accumulators(builder, rows), vector_step, scalar_step)
            for i, total in zip(index, sums):
                bias = builder.load(builder.gep(b_p, [i]))
                builder.store(builder.fadd(total, bias), builder.gep(out_p, [i]))
            return context.get_dummy_value()

        return types.void(out, x, w, b, row), generate

    return dot


_dot_1, _dot_8 = _dot_rows_intrinsic(1), _dot_rows_intrinsic(8)


def _magnitude(builder, value, bits, mask):
    """|value| of a float or vector: the sign bit cleared."""
    return builder.bitcast(builder.and_(builder.bitcast(value, bits), ir.Constant(bits, mask)), value.type)


@intrinsic
def _abs_sum(typing_context, x):
    def generate(context, builder, signature, arguments):
        x_p = _data(context, builder, signature.args[0], arguments[0])
        n = context.make_array(signature.args[0])(context, builder, arguments[0]).nitems
        (total,) = _in_lanes(
            builder,
            n,
            _accumulators(builder, 1),
            lambda i: [_magnitude(builder, _vector(builder, x_p, i), ir.VectorType(I32, LANES), [0x7FFFFFFF] * LANES)],
            lambda i: [_magnitude(builder, builder.load(builder.gep(x_p, [i])), I32, 0x7FFFFFFF)],
        )
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
