"""The executor: one compiled loop over samples and over the rows of the program table; no allocation, no Python.

The loop owns the order of the work (:mod:`mcuref.operations.loop`); what runs a row is in :mod:`mcuref.operations`, the
arithmetic is the kernels'. What it takes from outside the arena and leaves there is the
:class:`mcuref.operations.views.Host`'s, and the counts, for statistics that a microcontroller would not keep. The executor
of float32 programs is here, that of int8 programs in :mod:`mcuref.program.executor_int8`.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import McurefError
from mcuref.kernels.jit import compile_anew, forget, kernel
from mcuref.operations.dispatch import run
from mcuref.operations.loop import loop
from mcuref.operations.views import Host, Memory
from mcuref.program.arithmetic import FLOAT32, Arithmetic


@kernel
def execute(
    table: NDArray[np.int32],
    constants: NDArray[np.float32],
    memory: Memory,
    host: Host,
    begin_row: int,
    first_row: int,
    end_row: int,
    results: NDArray[np.uint8],
    result_offset: int,
    counts: NDArray[np.int64],
    status: NDArray[np.int64],
) -> None:
    """:func:`loop` over the rows of a float32 program."""
    loop(run, table, constants, memory, host, begin_row, first_row, end_row, results, result_offset, counts, status)


def compiled_loop(arithmetic: Arithmetic) -> Any:
    """The compiled loop over programs of an arithmetic: ``execute`` of the module that it names."""
    return import_module(arithmetic.executor).execute


@cache
def _signature(index_type, arithmetic=FLOAT32):
    """The signature of that loop for kept indices of that type: compiled once each, for C-contiguous arrays."""
    from numba import types as t

    def a(dtype, dimensions=1):
        return t.Array(getattr(t, dtype), dimensions, "C")

    memory = t.NamedTuple([a("uint8"), a(index_type), a("int32"), a("float32"), a("int8")], Memory)
    samples, rate, loss, target = ("uint8", "int8", "int16", "float32"), arithmetic.rate, arithmetic.loss, arithmetic.target
    host = t.NamedTuple(
        [a(dtype) for dtype in (*samples, "int32", target, "int32", rate, loss, "uint8", "uint8", "int32", "int32")], Host
    )
    rows = t.int64, t.int64, t.int64
    return a("int32", 2), a("float32", 2), memory, host, *rows, a("uint8", 2), t.int64, a("int64", 2), a("int64")


def is_compiled(index_type: str = "uint16", arithmetic: Arithmetic = FLOAT32) -> bool:
    """Whether the executor is ready to run programs with kept indices of this type, without compiling or loading it."""
    execute = compiled_loop(arithmetic)
    return not hasattr(execute, "signatures") or _signature(index_type, arithmetic) in execute.signatures


def is_kept(index_type: str = "uint16", arithmetic: Arithmetic = FLOAT32) -> bool:
    """Whether :func:`compile_executor` would load the executor from the disk, and not compile it for half a minute."""
    execute = compiled_loop(arithmetic)
    return execute._cache.has(_signature(index_type, arithmetic), execute.targetctx)


def compile_executor(index_type: str, fault: Callable[[str], str | None], arithmetic: Arithmetic = FLOAT32) -> None:
    """Compile the executor, or load it from the cache; returns at once if that is done. Takes seconds when fresh.

    Each arithmetic has an executor of its own, and programs that train a layer of more than 65,536 outputs, whose indices
    are of type "uint32", have another. Each must take its first steps right: ``fault(index_type)`` is a sentence about what
    it computes wrong, or None (:func:`mcuref.program.first_steps.fault`). If one from the disk does not, everything is
    compiled anew; McurefError if one just compiled does not.
    """
    if is_compiled(index_type, arithmetic):
        return
    execute, signature = compiled_loop(arithmetic), _signature(index_type, arithmetic)
    execute.compile(signature)
    wrong = fault(index_type)
    if wrong and execute.stats.cache_hits[signature]:
        compile_anew()
        wrong = fault(index_type)
    if wrong:
        forget(execute)
        raise McurefError(wrong)
