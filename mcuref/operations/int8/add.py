"""What runs the instructions of mcuref/kernels/int8/add.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.int8.add import add_forward_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8
from mcuref.operators.columns import IN, OUT, D


@kernel(inlined=True)
def run_add_forward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 y[n] from i8 a[n], i8 b[n]."""
    n = np.int64(row[D])
    add_forward_s8(
        i8(memory, row[OUT], n),
        i8(memory, row[IN], n),
        i8(memory, row[IN + 1], n),
        row[D + 1],
        row[D + 2],
        row[D + 3],
        row[D + 4],
        row[D + 5],
        row[D + 6],
        row[D + 7],
        row[D + 8],
        row[D + 9],
        row[D + 10],
        row[D + 11],
    )
    return GO_ON
