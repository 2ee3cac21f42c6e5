"""Views of arrays that are not counted as references: what they look at outlives every operation.

Counting references, which Numba does for every array that is taken out of a tuple or another array, would be most of the
cost of a small row. Each function is plain Python; what compiled code gets in its place stands below.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import lower_builtin, type_callable
from numba.np.arrayobj import populate_array


def uncounted(arrays: Any) -> Any:
    """The same tuple of arrays, to work with as long as that tuple is there."""
    return arrays


def line(table: np.ndarray, index: int, first: int) -> np.ndarray:
    """Row number ``index`` of a table, from column ``first`` on."""
    return table[index, first:]


def compiled_as(function: Callable, typer: Callable) -> Callable:
    """A decorator of what emits the LLVM code of ``function``; ``typer`` gives its signature for types of arguments."""
    typer.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]  # how many arguments, and their names
    type_callable(function)(lambda context: typer)
    return lower_builtin(function, types.VarArg(types.Any))


def view(context: Any, builder: Any, kind: Any, data: Any, offset: Any, count: Any) -> Any:
    """LLVM code of a view: ``count`` elements from byte ``offset`` behind ``data`` on, without a reference."""
    size = count.type(kind.dtype.bitwidth // 8)
    made = context.make_array(kind)(context, builder)
    populate_array(made, cgutils.pointer_add(builder, data, offset, data.type), [count], [size], size, None)
    return made._getvalue()


def elements_of(number: int, function: Callable) -> None:
    """Compile ``function(memory, offset, n)`` as a view of array ``number`` of a tuple, empty at a negative offset."""

    @compiled_as(function, lambda memory, offset, n: signature(memory.types[number], memory, types.intp, types.intp))
    def _elements(context, builder, signature, arguments):
        memory, offset, count = arguments
        kind = signature.return_type
        whole = context.make_array(kind)(context, builder, builder.extract_value(memory, number))
        there, nothing = builder.icmp_signed(">=", offset, offset.type(0)), offset.type(0)
        place, count = builder.select(there, offset, nothing), builder.select(there, count, nothing)
        return view(context, builder, kind, whole.data, place, count)


@compiled_as(uncounted, lambda arrays: signature(arrays, arrays))
def _uncounted(context, builder, signature, arguments):
    (found,) = arguments
    for i, kind in enumerate(signature.return_type.types):
        array = context.make_array(kind)(context, builder, builder.extract_value(found, i))
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        found = builder.insert_value(found, array._getvalue(), i)
    return found


def _line_type(table, index, first):
    return signature(types.Array(table.dtype, 1, "C"), table, types.intp, types.intp)


@compiled_as(line, _line_type)
def _line(context, builder, signature, arguments):
    table, index, first = arguments
    whole = context.make_array(signature.args[0])(context, builder, table)
    width = builder.extract_value(whole.shape, 1)
    offset = builder.mul(builder.add(builder.mul(index, width), first), whole.itemsize)
    return view(context, builder, signature.return_type, whole.data, offset, builder.sub(width, first))
