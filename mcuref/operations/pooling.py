"""What runs the instructions of mcuref/kernels/pooling.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.jit import kernel
from mcuref.kernels.pooling import (
    average_pool_backward_f32,
    average_pool_forward_f32,
    max_pool_backward_f32,
    max_pool_forward_f32,
)
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, f32, u8
from mcuref.operators.columns import IN, OUT, D, F


@kernel(inlined=True)
def run_max_pool_forward_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """y[HO, WO, O], u8 taps[HO, WO, O]? from x[H, W, C]."""
    H, W, C, HO, WO, O = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
    )
    max_pool_forward_f32(
        f32(memory, row[OUT], HO * WO * O), u8(memory, row[OUT + 1], HO * WO * O), f32(memory, row[IN], H * W * C), row[D:F]
    )
    return GO_ON


@kernel(inlined=True)
def run_average_pool_forward_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """y[HO, WO, O] from x[H, W, C]."""
    H, W, C, HO, WO, O = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
    )
    average_pool_forward_f32(f32(memory, row[OUT], HO * WO * O), f32(memory, row[IN], H * W * C), row[D:F])
    return GO_ON


@kernel(inlined=True)
def run_max_pool_backward_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """dx[H, W, C] from dy[HO, WO, O], u8 taps[HO, WO, O]."""
    H, W, C, HO, WO, O = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
    )
    max_pool_backward_f32(
        f32(memory, row[OUT], H * W * C), f32(memory, row[IN], HO * WO * O), u8(memory, row[IN + 1], HO * WO * O), row[D:F]
    )
    return GO_ON


@kernel(inlined=True)
def run_average_pool_backward_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """dx[H, W, C] from dy[HO, WO, O]."""
    H, W, C, HO, WO, O = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
    )
    average_pool_backward_f32(f32(memory, row[OUT], H * W * C), f32(memory, row[IN], HO * WO * O), row[D:F])
    return GO_ON
