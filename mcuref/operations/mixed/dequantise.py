"""What runs the instructions of mcuref/kernels/mixed/dequantise.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.jit import kernel
from mcuref.kernels.mixed.dequantise import dequantise_s8_f32
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, f32, i8
from mcuref.operators.columns import IN, OUT, D, F


@kernel(inlined=True)
def run_dequantise_s8_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """y[n] from i8 x[n]."""
    n = np.int64(row[D])
    dequantise_s8_f32(f32(memory, row[OUT], n), i8(memory, row[IN], n), f[0], row[F + 1])
    return GO_ON
