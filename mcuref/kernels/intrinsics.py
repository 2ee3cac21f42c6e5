"""Functions written in LLVM, each with a twin in NumPy: the twin is the definition, and what runs without the JIT.

    def twice(x: np.float32) -> np.float32:
        '''x + x.'''
        return x + x

    @in_llvm(twice)
    def _twice(builder, x):
        return builder.fadd(x, x)

Compiled code that calls the twin gets what ``_twice`` emits, in place. The twin's type hints are its signature there:

    NDArray[np.float32]    a contiguous array of such elements; the LLVM code gets its :class:`Elements`
    several with | between an array of one of these
    Index                  an index or a count: an intp
    np.float32, np.int8    a number of that type, converted where it is of another
    None                   nothing is returned
"""

import inspect
from collections.abc import Callable
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.typing import Signature, signature
from numba.extending import lower_builtin, type_callable
from numba.np.numpy_support import from_dtype

from mcuref.kernels.arrays import Index
from mcuref.kernels.vectors import Elements


def in_llvm(twin: Callable) -> Callable:
    """A decorator of what emits the LLVM code of ``twin``: a function of an IR builder and of the twin's arguments."""
    *parameters, result = (_machine_type(hint) for hint in get_type_hints(twin).values())

    def typer(*arguments: types.Type) -> Signature | None:
        taken = list(map(_taken, parameters, arguments))
        return None if None in taken else signature(result, *taken)

    typer.__signature__ = inspect.signature(twin)  # type: ignore[attr-defined]  # how many arguments, and their names
    type_callable(twin)(lambda context: typer)

    def tie(body: Callable) -> Callable:
        @lower_builtin(twin, types.VarArg(types.Any))
        def lower(context: Any, builder: ir.IRBuilder, signature: Signature, arguments: list) -> ir.Value:
            operands = [_operand(context, builder, *pair) for pair in zip(signature.args, arguments)]
            value = body(builder, *operands)
            return context.get_dummy_value() if result == types.none else value

        return body

    return tie


def _machine_type(hint: Any) -> Any:
    """Numba's type for a hint of a twin; a tuple of them where it may be one of several."""
    if hint == Index:
        return types.intp
    if get_origin(hint) is UnionType:
        return tuple(map(_machine_type, get_args(hint)))
    if hint is type(None):
        return types.none
    if get_origin(hint) is np.ndarray:
        (element,) = get_args(get_args(hint)[1])
        return types.Array(_machine_type(element), 1, "C")
    return from_dtype(np.dtype(hint))


def _taken(wanted: Any, given: types.Type) -> types.Type | None:
    """As what an argument is taken: a number as the type that is wanted, an array as it is; None if it does not fit."""
    if isinstance(wanted, tuple):
        return next(filter(None, (_taken(one, given) for one in wanted)), None)
    if not isinstance(wanted, types.Array):
        return wanted if isinstance(types.unliteral(given), types.Number) else None
    if isinstance(given, types.Array) and (given.dtype, given.ndim, given.layout) == (wanted.dtype, 1, "C"):
        return given
    return None


def _operand(context: Any, builder: ir.IRBuilder, kind: types.Type, value: ir.Value) -> ir.Value | Elements:
    """An argument as LLVM code gets it."""
    if not isinstance(kind, types.Array):
        return value
    array = context.make_array(kind)(context, builder, value)
    signed = getattr(kind.dtype, "signed", True)
    return Elements(array.data, array.nitems, context.get_data_type(kind.dtype), kind.dtype.bitwidth // 8, signed)
