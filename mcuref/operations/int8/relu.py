"""What runs the instructions of mcuref/kernels/int8/relu.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.int8.relu import rescale_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8
from mcuref.operators.columns import IN, OUT, D, F


@kernel(inlined=True)
def run_relu_forward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 y[n] from i8 x[n]."""
    n = np.int64(row[D])
    rescale_s8(
        i8(memory, row[OUT], n), i8(memory, row[IN], n), row[F], row[F + 1], row[F + 2], row[F + 3], row[F + 4], row[F + 5]
    )
    return GO_ON
