"""The executor: one compiled loop over samples and over the rows of the program table; no allocation, no Python.

It owns the order of the work; what runs a row is in :mod:`mcuref.operations`, the arithmetic is the kernels'. What it takes
from outside the arena and leaves there is the :class:`mcuref.operations.views.Host`'s, and the counts, for statistics that a
microcontroller would not keep.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mcuref.errors import McurefError
from mcuref.kernels.jit import compile_anew, forget, kernel
from mcuref.operations.dispatch import run
from mcuref.operations.uncounted import line, uncounted
from mcuref.operations.views import END, JUMP, OUTSIDE, Host, Memory, Sample
from mcuref.operators import columns
from mcuref.operators.columns import RUNS, F

JUMP_COLUMN = columns.JUMP
# Columns of the status, int64[3], and what its code may be
CODE, POSITION, ROW = range(3)
DONE, NONFINITE, UNKNOWN = range(3)


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
    """Run rows first_row .. end_row - 1 of the program for every sample that is to be shown, of the first from begin_row.

    table int32[rows, 32] and ``constants``, the same bytes as float32; memory, host : the tuples of
    :mod:`mcuref.operations.views`; results uint8[S, bytes]: takes that many bytes of the arena from ``result_offset`` on
    after each sample; counts int64[rows, 4]; status int64[3]: why it ended, at which position, and the row there.
    """
    memory, host = uncounted(memory), uncounted(host)
    status[CODE] = DONE
    for position in range(host.order.size):
        sample = Sample(position, np.int64(host.order[position]), host.rates[position])
        index = begin_row if position == 0 else first_row
        while index < end_row:
            counts[index, RUNS] += 1
            following = run(line(table, index, 0), line(constants, index, F), memory, host, sample, line(counts, index, 0))
            if following == END:
                status[CODE], status[POSITION], status[ROW] = NONFINITE, position, index
                return
            if following == OUTSIDE:
                status[CODE], status[POSITION], status[ROW] = UNKNOWN, position, index
                return
            index = table[index, JUMP_COLUMN] if following == JUMP else index + 1
        status[POSITION], status[ROW] = position, index
        for j in range(results.shape[1]):
            results[position, j] = memory.u8[result_offset + j]


@cache
def _signature(index_type):
    """The signature of :func:`execute` for kept indices of that type: compiled once each, for C-contiguous arrays."""
    from numba import types as t

    def a(dtype, dimensions=1):
        return t.Array(dtype, dimensions, "C")

    memory = t.NamedTuple([a(t.uint8), a(getattr(t, index_type)), a(t.int32), a(t.float32)], Memory)
    samples = [a(t.uint8), a(t.int8), a(t.int16), a(t.float32)]
    host = t.NamedTuple([*samples, *map(a, (t.int32, t.float32, t.int32, t.float32, t.float32, t.uint8))], Host)
    return (
        a(t.int32, 2),
        a(t.float32, 2),
        memory,
        host,
        t.int64,
        t.int64,
        t.int64,
        a(t.uint8, 2),
        t.int64,
        a(t.int64, 2),
        a(t.int64),
    )


def is_compiled(index_type: str = "uint16") -> bool:
    """Whether the executor is ready to run programs with kept indices of this type, without compiling or loading it."""
    return not hasattr(execute, "signatures") or _signature(index_type) in execute.signatures


def is_kept(index_type: str = "uint16") -> bool:
    """Whether :func:`compile_executor` would load the executor from the disk, and not compile it for half a minute."""
    return execute._cache.has(_signature(index_type), execute.targetctx)


def compile_executor(index_type: str, fault: Callable[[str], str | None]) -> None:
    """Compile the executor, or load it from the cache; returns at once if that is done. Takes seconds when fresh.

    Programs that train a layer of more than 65,536 outputs have indices of type "uint32" and an executor of their own.
    Either must take its first steps right: ``fault(index_type)`` is a sentence about what it computes wrong, or None
    (:func:`mcuref.program.first_steps.fault`). If one from the disk does not, everything is compiled anew; McurefError if
    one just compiled does not.
    """
    if is_compiled(index_type):
        return
    signature = _signature(index_type)
    execute.compile(signature)
    wrong = fault(index_type)
    if wrong and execute.stats.cache_hits[signature]:
        compile_anew()
        wrong = fault(index_type)
    if wrong:
        forget(execute)
        raise McurefError(wrong)
