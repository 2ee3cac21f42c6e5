"""What runs the instructions of mcuref/kernels/relu.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.jit import kernel
from mcuref.kernels.relu import relu_backward_f32, relu_forward_f32, relu_mask_backward_f32, relu_mask_forward_f32
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, f32, u8
from mcuref.operators.columns import IN, OUT, D


@kernel(inlined=True)
def run_relu_forward_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """y[n] from x[n]."""
    n = np.int64(row[D])
    relu_forward_f32(f32(memory, row[OUT], n), f32(memory, row[IN], n), f[0])
    return GO_ON


@kernel(inlined=True)
def run_relu_mask_forward_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """y[n], u8 mask[(n + 7) // 8] from x[n]."""
    n = np.int64(row[D])
    relu_mask_forward_f32(f32(memory, row[OUT], n), u8(memory, row[OUT + 1], (n + 7) // 8), f32(memory, row[IN], n), f[0])
    return GO_ON


@kernel(inlined=True)
def run_relu_backward_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """dx[n] from dy[n], y[n]."""
    n = np.int64(row[D])
    relu_backward_f32(f32(memory, row[OUT], n), f32(memory, row[IN], n), f32(memory, row[IN + 1], n), f[0])
    return GO_ON


@kernel(inlined=True)
def run_relu_mask_backward_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """dx[n] from dy[n], u8 mask[(n + 7) // 8]."""
    n = np.int64(row[D])
    relu_mask_backward_f32(f32(memory, row[OUT], n), f32(memory, row[IN], n), u8(memory, row[IN + 1], (n + 7) // 8))
    return GO_ON
