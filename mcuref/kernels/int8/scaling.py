"""Sums as int8 outputs in LLVM: a vector of what :mod:`mcuref.kernels.int8.fixed` does to one sum."""

from typing import NamedTuple

from llvmlite import ir

from mcuref.kernels.int8.exponents import BIAS_LIMIT
from mcuref.kernels.vectors import Elements, spread, store, vector

I8, I64 = ir.IntType(8), ir.IntType(64)


class Scaling(NamedTuple):
    """How sums become outputs.

    Attributes
    ----------
    b : Elements, of each output.
    multiplier, shift : Elements, of each output, or one of all.
    zero, low, high : ir.Value, int32: the output's zero, and what it is clamped to.
    ex, more : ir.Value, int64: the exponent of the input, and what shifts grow by.
    twice : bool, whether there are two roundings.
    """

    b: Elements
    multiplier: Elements
    shift: Elements
    zero: ir.Value
    low: ir.Value
    high: ir.Value
    ex: ir.Value
    more: ir.Value
    twice: bool


def store_scaled(builder: ir.IRBuilder, z: Elements, sums: ir.Value, first: ir.Value, how: Scaling) -> None:
    """z[first + l] = lane l of the sums and its bias, int32, scaled, + zero, clamped."""
    lanes = sums.type.count
    wide = ir.VectorType(I64, lanes)
    sums = builder.add(sums, _bias(builder, how, first, lanes))
    load = vector if how.twice else _of_each  # a dense layer's outputs may share them
    multiplier, shift = (builder.sext(load(builder, x, first, lanes), wide) for x in (how.multiplier, how.shift))
    shift = _within(builder, builder.add(shift, spread(builder, how.more, lanes)), _all(wide, -31), _all(wide, 30))
    zero, low, high = (spread(builder, builder.sext(value, I64), lanes) for value in (how.zero, how.low, how.high))
    outputs = builder.add((_scaled_twice if how.twice else _scaled_once)(builder, sums, multiplier, shift), zero)
    store(builder, builder.trunc(_within(builder, outputs, low, high), ir.VectorType(I8, lanes)), z, first)


def _within(builder, values, low, high):
    """Values, or the end of low..high that they are beyond."""
    values = builder.select(builder.icmp_signed("<", values, low), low, values)
    return builder.select(builder.icmp_signed(">", values, high), high, values)


def _bias(builder, how, first, lanes):
    """b[first], b[first + 1], ...: :func:`mcuref.kernels.int8.exponents.shifted_bias` of each."""
    plain = vector(builder, how.b, first, lanes)
    start = builder.block
    with builder.if_then(builder.icmp_signed("!=", how.ex, I64(0)), likely=False):
        wide, limit = ir.VectorType(I64, lanes), BIAS_LIMIT
        value, zero, most = builder.sext(plain, wide), I64(0), I64(62)
        right = builder.select(builder.icmp_signed(">", how.ex, zero), how.ex, zero)
        left = builder.select(builder.icmp_signed("<", how.ex, zero), builder.neg(how.ex), zero)
        right, left = (builder.select(builder.icmp_signed(">", n, most), most, n) for n in (right, left))
        half = spread(builder, builder.lshr(builder.shl(I64(1), right), I64(1)), lanes)
        moved = builder.ashr(builder.add(value, half), spread(builder, right, lanes))
        moved = _within(builder, builder.shl(moved, spread(builder, left, lanes)), _all(wide, -limit), _all(wide, limit))
        shifted, end = builder.trunc(moved, plain.type), builder.block
    found = builder.phi(plain.type)
    found.add_incoming(plain, start)
    found.add_incoming(shifted, end)
    return found


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
