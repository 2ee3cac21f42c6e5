"""Room on the stack of what computes here, for what a core has in registers or does one at a time.

It is no operand: a core that takes one patch, entry or channel after the other comes to the same and needs none of it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import Signature, signature
from numba.extending import lower_builtin, type_callable
from numba.np.arrayobj import make_array, populate_array

from mcuref.kernels.arrays import Float32s, Int32s

VALUES = 4096
TAPS = VALUES // 8
LINE = 64  # bytes of a cache line, on which each begins: vectors that lie across two take twice the time


def on_stack(function: Callable, kind: Any, size: int) -> None:
    """Have compiled code that calls ``function`` get that many elements, of any values, of its own stack frame."""
    result = types.Array(kind, 1, "C")
    type_callable(function)(lambda context: lambda: signature(result))

    @lower_builtin(function)
    def lower(context: Any, builder: ir.IRBuilder, signature: Signature, arguments: list) -> ir.Value:
        array = make_array(result)(context, builder)
        intp, item = context.get_value_type(types.intp), kind.bitwidth // 8
        data = cgutils.alloca_once(builder, context.get_data_type(kind), size=intp(size))
        data.align = LINE
        populate_array(array, data, [intp(size)], [intp(item)], intp(item), None)
        return array._getvalue()


def values_on_stack() -> Float32s:
    """float32[4096] of any values, gone when the function that asks for it returns."""
    return np.empty(VALUES, np.float32)


def taps_on_stack() -> Int32s:
    """int32[2, 512], flat, likewise."""
    return np.empty(2 * TAPS, np.int32)


on_stack(values_on_stack, types.float32, VALUES)
on_stack(taps_on_stack, types.int32, 2 * TAPS)
