"""What runs the instructions that bring errors from int32 to int8; what they clamp is counted."""

import numpy as np

from mcuref.kernels.int8.narrow import narrow_s8, relu_backward_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8, words
from mcuref.operators.columns import IN, OUT, SATURATED, D


@kernel(inlined=True)
def run_narrow_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """y[n], y_exponent[1] from x[n], exponent[1]."""
    n = np.int64(row[D])
    outputs = i8(memory, row[OUT], n), words(memory, row[OUT + 1], 1)
    counts[SATURATED] += narrow_s8(*outputs, words(memory, row[IN], n), words(memory, row[IN + 1], 1))
    return GO_ON


@kernel(inlined=True)
def run_relu_backward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """dx[n], dx_exponent[1] from dy[n], y[n], exponent[1]."""
    n = np.int64(row[D])
    outputs = i8(memory, row[OUT], n), words(memory, row[OUT + 1], 1)
    inputs = words(memory, row[IN], n), i8(memory, row[IN + 1], n), words(memory, row[IN + 2], 1)
    counts[SATURATED] += relu_backward_s8(*outputs, *inputs, row[D + 1], row[D + 2])
    return GO_ON
