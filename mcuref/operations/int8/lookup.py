"""What runs the instructions of mcuref/kernels/int8/lookup.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.int8.lookup import lookup_s8, sigmoid_backward_s8, tanh_backward_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8, words
from mcuref.operators.columns import IN, OUT, D


@kernel(inlined=True)
def run_tanh_forward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 y[n] from i8 x[n], i8 table[256]."""
    n = np.int64(row[D])
    lookup_s8(i8(memory, row[OUT], n), i8(memory, row[IN], n), i8(memory, row[IN + 1], 256))
    return GO_ON


@kernel(inlined=True)
def run_sigmoid_forward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 y[n] from i8 x[n], i8 table[256]."""
    return run_tanh_forward_s8(row, f, memory, host, sample, counts)


@kernel(inlined=True)
def run_tanh_backward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i32 dx[n] from i8 dy[n], i8 y[n]."""
    n = np.int64(row[D])
    tanh_backward_s8(words(memory, row[OUT], n), i8(memory, row[IN], n), i8(memory, row[IN + 1], n))
    return GO_ON


@kernel(inlined=True)
def run_sigmoid_backward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i32 dx[n] from i8 dy[n], i8 y[n]."""
    n = np.int64(row[D])
    sigmoid_backward_s8(words(memory, row[OUT], n), i8(memory, row[IN], n), i8(memory, row[IN + 1], n))
    return GO_ON
