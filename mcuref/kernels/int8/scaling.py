"""Sums as int8 outputs in LLVM: a vector of what :mod:`mcuref.kernels.int8.fixed` does to one sum."""

from typing import NamedTuple

from llvmlite import ir

from mcuref.kernels.vectors import Elements, spread, store, vector

I8, I64 = ir.IntType(8), ir.IntType(64)


class Scaling(NamedTuple):
    """How sums become outputs.

    Attributes
    ----------
    b : Elements, of each output.
    multiplier, shift : Elements, of each output, or one of all.
    zero, low, high : ir.Value, int32: the output's zero, and what it is clamped to.
    twice : bool, whether there are two roundings.
    """

    b: Elements
    multiplier: Elements
    shift: Elements
    zero: ir.Value
    low: ir.Value
    high: ir.Value
    twice: bool


def store_scaled(builder: ir.IRBuilder, z: Elements, sums: ir.Value, first: ir.Value, how: Scaling) -> None:
    """z[first + l] = lane l of the sums and its bias, int32, scaled, + zero, clamped."""
    lanes = sums.type.count
    wide = ir.VectorType(I64, lanes)
    sums = builder.add(sums, vector(builder, how.b, first, lanes))
    load = vector if how.twice else _of_each  # a dense layer's outputs may share them
    multiplier, shift = (builder.sext(load(builder, x, first, lanes), wide) for x in (how.multiplier, how.shift))
    zero, low, high = (spread(builder, builder.sext(value, I64), lanes) for value in (how.zero, how.low, how.high))
    outputs = builder.add((_scaled_twice if how.twice else _scaled_once)(builder, sums, multiplier, shift), zero)
    outputs = builder.select(builder.icmp_signed("<", outputs, low), low, outputs)
    outputs = builder.select(builder.icmp_signed(">", outputs, high), high, outputs)
    store(builder, builder.trunc(outputs, ir.VectorType(I8, lanes)), z, first)


def _of_each(builder, x, first, lanes):
    """x[first], x[first + 1], ..., or x[0] for all where there is no other."""
    with builder.if_else(builder.icmp_signed("==", x.size, x.size.type(1))) as (one, several):
        with one:
            same, from_one = spread(builder, builder.load(x.pointer), lanes), builder.block
        with several:
            different, from_several = vector(builder, x, first, lanes), builder.block
    found = builder.phi(same.type)
    found.add_incoming(same, from_one)
    found.add_incoming(different, from_several)
    return found


def _all(kind, value):
    """A vector of one constant."""
    return ir.Constant(kind, [value] * kind.count)


def _divided(builder, x, bits):
    """x / 2^bits, halves away from 0: :func:`mcuref.kernels.int8.fixed.divided`."""
    one = _all(x.type, 1)
    half = builder.lshr(builder.shl(one, bits), one)
    below = builder.and_(builder.icmp_signed("<", x, _all(x.type, 0)), builder.icmp_signed("!=", bits, _all(x.type, 0)))
    return builder.ashr(builder.sub(builder.add(x, half), builder.zext(below, x.type)), bits)


def _scaled_once(builder, sums, multiplier, shift):
    wide = multiplier.type
    return _divided(builder, builder.mul(builder.sext(sums, wide), multiplier), builder.sub(_all(wide, 31), shift))


def _scaled_twice(builder, sums, multiplier, shift):
    wide = multiplier.type
    left = builder.select(builder.icmp_signed(">", shift, _all(wide, 0)), shift, _all(wide, 0))
    shifted = builder.sext(builder.shl(sums, builder.trunc(left, sums.type)), wide)
    product = builder.add(builder.mul(shifted, multiplier), _all(wide, 1 << 30))
    return _divided(builder, builder.ashr(product, _all(wide, 31)), builder.sub(left, shift))
