"""What runs the instructions of mcuref/kernels/add.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.add import add_f32
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, f32
from mcuref.operators.columns import IN, OUT, D


@kernel(inlined=True)
def run_add_forward_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """y[n] from a[n], b[n]."""
    n = np.int64(row[D])
    add_f32(f32(memory, row[OUT], n), f32(memory, row[IN], n), f32(memory, row[IN + 1], n))
    return GO_ON


@kernel(inlined=True)
def run_add_backward_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """dx[n] from a[n], b[n]."""
    return run_add_forward_f32(row, f, memory, host, sample, counts)
