"""The executor of float32 programs whose first layer reads the sample in place, see :mod:`mcuref.program.executor`."""

import numpy as np
from numpy.typing import NDArray

from mcuref.kernels.jit import kernel
from mcuref.operations.loop import loop
from mcuref.operations.sample.dispatch import run
from mcuref.operations.views import Host, Memory


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
    """:func:`mcuref.operations.loop.loop` over the rows of such a program."""
    loop(run, table, constants, memory, host, begin_row, first_row, end_row, results, result_offset, counts, status)
