"""Vectors of eight float32 in LLVM: what sums (mcuref.kernels.lanes) and runs (mcuref.kernels.runs) are made of."""

from llvmlite import ir
from numba import types

LANES = 8
F32 = ir.FloatType()
I32 = ir.IntType(32)
VECTOR = ir.VectorType(F32, LANES)


def data(context, builder, array_type, value):
    """Address of the first element of an array."""
    return context.make_array(array_type)(context, builder, value).data


def vector(builder, pointer, index):
    """The eight elements from pointer[index] on."""
    # align 4: an arena offset is a multiple of 4 and nothing more is promised
    return builder.load(builder.bitcast(builder.gep(pointer, [index]), VECTOR.as_pointer()), align=4)


def shuffle(builder, a, b, lanes):
    """Lanes of a (0 to 7) and b (8 to 15), as listed."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(I32, LANES), lanes))


def spread(builder, scalar):
    """A vector with ``scalar`` in every lane."""
    vector = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), scalar, I32(0))
    return shuffle(builder, vector, vector, [0] * LANES)


def pointers(context, builder, signature, arguments, pairs):
    """Addresses of the elements [array][index] that pairs of argument positions name; integers as intp."""
    addresses = []
    for array, index in pairs:
        start = context.cast(builder, arguments[index], signature.args[index], types.intp)
        addresses.append(builder.gep(data(context, builder, signature.args[array], arguments[array]), [start]))
    return addresses


def element(builder, pointer, index):
    """The element pointer[index]."""
    return builder.load(builder.gep(pointer, [index]))
