"""Runs of int32 sums to which runs of int8 values are added, each times a number: what layers send back, and patches summed.

All is exact, so four runs are added in any order, two products of 16 bits at a time, which x86 and others have an
instruction for.

Each function is a pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

import numpy as np
from llvmlite import ir

from mcuref.kernels.arrays import Index, Int8s, Int32s
from mcuref.kernels.int8.runs import in_parts
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import I32, part, shuffle, spread, store, vector

I16 = ir.IntType(16)


def add_scaled_4_s8(
    y: Int32s,
    i: Index,
    x: Int8s,
    j0: Index,
    j1: Index,
    j2: Index,
    j3: Index,
    n: Index,
    a0: np.int16,
    a1: np.int16,
    a2: np.int16,
    a3: np.int16,
    constant: np.int32,
) -> None:
    """y[i + t] = y[i + t] + a0 x[j0 + t] + ... + a3 x[j3 + t] + constant for t < n; no factor is -2^15."""
    for j, a in ((j0, a0), (j1, a1), (j2, a2), (j3, a3)):
        y[i : i + n] += np.int32(a) * x[j : j + n].astype(np.int32)
    y[i : i + n] += np.int32(constant)


def add_scaled_2_s8(
    y: Int32s, i: Index, x: Int8s, j0: Index, j1: Index, n: Index, a0: np.int16, a1: np.int16, constant: np.int32
) -> None:
    """As :func:`add_scaled_4_s8`, of two runs."""
    for j, a in ((j0, a0), (j1, a1)):
        y[i : i + n] += np.int32(a) * x[j : j + n].astype(np.int32)
    y[i : i + n] += np.int32(constant)


def _add(builder, y, i, x, sources, n, factors, constant):
    y, inputs = part(builder, y, i), [part(builder, x, j) for j in sources]

    def block(t, lanes):
        wide, long = ir.VectorType(I16, 2 * lanes), ir.VectorType(I32, 2 * lanes)
        turns = [lane + which * lanes for lane in range(lanes) for which in (0, 1)]  # the first of each, the second of each
        total = builder.add(vector(builder, y, t, lanes), spread(builder, constant, lanes))
        for first in range(0, len(inputs), 2):
            runs = [vector(builder, run, t, lanes) for run in inputs[first : first + 2]]
            values = builder.sext(shuffle(builder, *runs, turns), wide)
            pair = builder.insert_element(ir.Constant(ir.VectorType(I16, 2), ir.Undefined), factors[first], I32(0))
            pair = builder.insert_element(pair, factors[first + 1], I32(1))
            pairs = shuffle(builder, pair, pair, [0, 1] * lanes)
            products = builder.mul(builder.sext(values, long), builder.sext(pairs, long))
            even, odd = (shuffle(builder, products, products, range(which, 2 * lanes, 2)) for which in (0, 1))
            total = builder.add(total, builder.add(even, odd))
        store(builder, total, y, t)

    in_parts(builder, n, block)


@in_llvm(add_scaled_4_s8)
def _add_scaled_4_s8(builder, y, i, x, j0, j1, j2, j3, n, a0, a1, a2, a3, constant):
    _add(builder, y, i, x, [j0, j1, j2, j3], n, [a0, a1, a2, a3], constant)


@in_llvm(add_scaled_2_s8)
def _add_scaled_2_s8(builder, y, i, x, j0, j1, n, a0, a1, constant):
    _add(builder, y, i, x, [j0, j1], n, [a0, a1], constant)
