"""Room on the stack of what computes here, for what a core has in registers or does one at a time.

It is no operand: a core that takes one entry, or one channel, after the other comes to the same and needs none of it.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import Signature, signature
from numba.extending import lower_builtin, type_callable
from numba.np.arrayobj import make_array, populate_array

from mcuref.kernels.arrays import Int8s, Int32s

ENTRIES = 2048  # of a list
COLUMNS = 2304  # of eight rows of sums
BYTES = 1 << 15
LINE = 64  # bytes of a cache line, on which each begins: vectors that lie across two take twice the time


def list_on_stack() -> Int32s:
    """int32[2048] of any values, gone when the function that asks for it returns."""
    return np.empty(ENTRIES, np.int32)


def rows_on_stack() -> Int32s:
    """int32[8 2304], likewise."""
    return np.empty(8 * COLUMNS, np.int32)


def bytes_on_stack() -> Int8s:
    """int8[32768], likewise."""
    return np.empty(BYTES, np.int8)


def _on_stack(function, kind, size):
    result = types.Array(kind, 1, "C")
    type_callable(function)(lambda context: lambda: signature(result))

    @lower_builtin(function)
    def lower(context: Any, builder: ir.IRBuilder, signature: Signature, arguments: list) -> ir.Value:
        array = make_array(result)(context, builder)
        intp, item = context.get_value_type(types.intp), kind.bitwidth // 8
        data = cgutils.alloca_once(builder, ir.IntType(kind.bitwidth), size=intp(size))
        data.align = LINE
        populate_array(array, data, [intp(size)], [intp(item)], intp(item), None)
        return array._getvalue()


_on_stack(list_on_stack, types.int32, ENTRIES)
_on_stack(rows_on_stack, types.int32, 8 * COLUMNS)
_on_stack(bytes_on_stack, types.int8, BYTES)
