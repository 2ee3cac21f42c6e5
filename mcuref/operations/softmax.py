"""What runs the instructions of mcuref/kernels/softmax.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.jit import kernel
from mcuref.kernels.softmax import softmax_forward_f32
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, f32
from mcuref.operators.columns import IN, OUT, D


@kernel(inlined=True)
def run_softmax_forward_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """y[n] from x[n]."""
    n = np.int64(row[D])
    softmax_forward_f32(f32(memory, row[OUT], n), f32(memory, row[IN], n))
    return GO_ON
