"""Short runs of int8 values, copied or filled: what patches consist of, and what a vectoriser's checks would slow down.

Each function is a pair: the NumPy twin (the definition), and the LLVM code (:mod:`mcuref.kernels.intrinsics`).
"""

from collections.abc import Callable, Sequence

import numpy as np
from llvmlite import ir
from numba.core import cgutils

from mcuref.kernels.arrays import Index, Int8s
from mcuref.kernels.intrinsics import in_llvm
from mcuref.kernels.vectors import part, spread, store, vector

WIDTHS = (16, 8, 4, 2, 1)  # of vectors


def copy_run_s8(y: Int8s, i: Index, x: Int8s, j: Index, n: Index) -> None:
    """y[i + t] = x[j + t] for t < n; the two runs do not overlap."""
    y[i : i + n] = x[j : j + n]


def fill_run_s8(y: Int8s, i: Index, n: Index, value: np.int8) -> None:
    """y[i + t] = value for t < n."""
    y[i : i + n] = value


def in_blocks(
    builder: ir.IRBuilder, n: ir.Value, block: Callable[[ir.Value, int], None], widths: Sequence[int] = WIDTHS
) -> None:
    """Emit block(t, width) until all of n elements have been in one, of the widest width that n is not below.

    The last block ends with the last element: what is in it and in the one before is done twice, to the same result.
    """
    with builder.if_else(builder.icmp_signed(">=", n, n.type(widths[0]))) as (long, short):
        with long:
            last = builder.sub(n, n.type(widths[0]))
            with cgutils.for_range_slice(builder, n.type(0), last, n.type(widths[0]), n.type) as (t, _):
                block(t, widths[0])
            block(last, widths[0])
        with short:
            if widths[1:]:
                in_blocks(builder, n, block, widths[1:])


@in_llvm(copy_run_s8)
def _copy_run_s8(builder, y, i, x, j, n):
    y, x = part(builder, y, i), part(builder, x, j)
    in_blocks(builder, n, lambda t, width: store(builder, vector(builder, x, t, width), y, t))


@in_llvm(fill_run_s8)
def _fill_run_s8(builder, y, i, n, value):
    y = part(builder, y, i)
    in_blocks(builder, n, lambda t, width: store(builder, spread(builder, value, width), y, t))


def in_parts(
    builder: ir.IRBuilder, n: ir.Value, block: Callable[[ir.Value, int], None], widths: Sequence[int] = WIDTHS
) -> None:
    """Emit block(t, width) until each of n elements has been in one, and in no other; the widest come first."""
    done, first = n.type(0), widths[0]
    for width in widths:
        end = builder.and_(n, n.type(-width))
        if width == first:
            with cgutils.for_range_slice(builder, done, end, n.type(width), n.type) as (t, _):
                block(t, width)
        else:
            with builder.if_then(builder.icmp_signed("<", done, end)):
                block(done, width)
        done = end
