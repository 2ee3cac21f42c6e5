"""Room on the stack of what computes here (:mod:`mcuref.kernels.stack`): lists, rows and bytes of int8 layers."""

import numpy as np
from numba import types

from mcuref.kernels.arrays import Int8s, Int32s
from mcuref.kernels.stack import on_stack

ENTRIES = 2048  # of a list
COLUMNS = 2304  # of eight rows of sums
BYTES = 1 << 15


def list_on_stack() -> Int32s:
    """int32[2048] of any values, gone when the function that asks for it returns."""
    return np.empty(ENTRIES, np.int32)


def rows_on_stack() -> Int32s:
    """int32[8 2304], likewise."""
    return np.empty(8 * COLUMNS, np.int32)


def bytes_on_stack() -> Int8s:
    """int8[32768], likewise."""
    return np.empty(BYTES, np.int8)


on_stack(list_on_stack, types.int32, ENTRIES)
on_stack(rows_on_stack, types.int32, 8 * COLUMNS)
on_stack(bytes_on_stack, types.int8, BYTES)
