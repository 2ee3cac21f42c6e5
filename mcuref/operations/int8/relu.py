"""What runs the instructions of mcuref/kernels/int8/relu.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.int8.relu import relu_masked_s8, rescale_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8
from mcuref.operators.columns import IN, OUT, D, F


@kernel(inlined=True)
def run_relu_forward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 y[n] from i8 x[n], i8 exponents[E]?."""
    n, E = np.int64(row[D]), np.int64(row[D + 1])
    rescale_s8(
        i8(memory, row[OUT], n),
        i8(memory, row[IN], n),
        i8(memory, row[IN + 1], E),
        row[F],
        row[F + 1],
        row[F + 2],
        row[F + 3],
        row[F + 4],
        row[F + 5],
        row[D + 2],
        row[D + 3],
    )
    return GO_ON


@kernel(inlined=True)
def run_relu_masked_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 dx[n] from i8 dy[n], i8 y[n]."""
    n = np.int64(row[D])
    relu_masked_s8(i8(memory, row[OUT], n), i8(memory, row[IN], n), i8(memory, row[IN + 1], n), row[D + 1], row[D + 2])
    return GO_ON
