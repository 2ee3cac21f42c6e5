"""What runs the instructions of mcuref/kernels/tanh.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.jit import kernel
from mcuref.kernels.tanh import tanh_backward_f32, tanh_forward_f32
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, f32
from mcuref.operators.columns import IN, OUT, D


@kernel(inlined=True)
def run_tanh_forward_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """y[n] from x[n]."""
    n = np.int64(row[D])
    tanh_forward_f32(f32(memory, row[OUT], n), f32(memory, row[IN], n))
    return GO_ON


@kernel(inlined=True)
def run_tanh_backward_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """dx[n] from dy[n], y[n]."""
    n = np.int64(row[D])
    tanh_backward_f32(f32(memory, row[OUT], n), f32(memory, row[IN], n), f32(memory, row[IN + 1], n))
    return GO_ON
