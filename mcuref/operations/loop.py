"""The loop over samples and over the rows of the program table: what executors compile, each with what runs its rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcuref.kernels.jit import kernel
from mcuref.operations.uncounted import line, uncounted
from mcuref.operations.views import END, JUMP, OUTSIDE, Host, Memory, Sample
from mcuref.operators.columns import JUMP as JUMP_COLUMN
from mcuref.operators.columns import RUNS, F

# Columns of the status, int64[3], and what its code may be
CODE, POSITION, ROW = range(3)
DONE, NONFINITE, UNKNOWN = range(3)


@kernel(inlined=True)
def loop(
    run: Any,
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

    run : what runs a row, of the arithmetic; table int32[rows, 32] and ``constants``, the same bytes as float32; memory,
    host : the tuples of :mod:`mcuref.operations.views`; results uint8[S, bytes]: takes that many bytes of the arena from
    ``result_offset`` on after each sample; counts int64[rows, 5]; status int64[3]: why it ended, at which position, and the
    row there.
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
