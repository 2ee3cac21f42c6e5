"""What runs the instructions of mcuref/kernels/int8/add.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.int8.add import add_backward_s8, add_forward_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8, words
from mcuref.operators.columns import IN, OUT, D, F


@kernel(inlined=True)
def run_add_forward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 y[n] from i8 a[n], i8 b[n], i8 exponents[E]?."""
    n, E = np.int64(row[D]), np.int64(row[D + 12])
    add_forward_s8(
        i8(memory, row[OUT], n),
        i8(memory, row[IN], n),
        i8(memory, row[IN + 1], n),
        i8(memory, row[IN + 2], E),
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
        row[F],
        row[F + 1],
        row[F + 2],
    )
    return GO_ON


@kernel(inlined=True)
def run_add_backward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i32 dx[n], i32 dx_exponent[1] from i8 a[n], i8 b[n], i32 a_exponent[1], i32 b_exponent[1]."""
    n = np.int64(row[D])
    add_backward_s8(
        words(memory, row[OUT], n),
        words(memory, row[OUT + 1], 1),
        i8(memory, row[IN], n),
        i8(memory, row[IN + 1], n),
        words(memory, row[IN + 2], 1),
        words(memory, row[IN + 3], 1),
        row[D + 1],
        row[D + 2],
        row[D + 3],
        row[D + 4],
    )
    return GO_ON
