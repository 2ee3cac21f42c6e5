"""What runs the instructions of mcuref/kernels/int8/softmax.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.int8.softmax import softmax_forward_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8, words
from mcuref.operators.columns import IN, OUT, D


@kernel(inlined=True)
def run_softmax_forward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 y[n] from i8 x[n], i32 table[256]."""
    n = np.int64(row[D])
    softmax_forward_s8(i8(memory, row[OUT], n), i8(memory, row[IN], n), words(memory, row[IN + 1], 256))
    return GO_ON
