"""What runs the instructions of mcuref/kernels/depthwise.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.depthwise import depthwise_backward_input_f32, depthwise_forward_f32, depthwise_update_f32
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, f32, i32, indices, of_sample, rate
from mcuref.operators.columns import IN, KEPT, OUT, D, F


@kernel(inlined=True)
def run_depthwise_forward_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """z[HO, WO, O] from x[H, W, C], w[KH, KW, C], b[C]."""
    H, W, C, HO, WO, O, KH, KW = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
        np.int64(row[D + 6]),
        np.int64(row[D + 7]),
    )
    depthwise_forward_f32(
        f32(memory, row[OUT], HO * WO * O),
        f32(memory, row[IN], H * W * C),
        f32(memory, row[IN + 1], KH * KW * C),
        f32(memory, row[IN + 2], C),
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_depthwise_backward_input_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """dx[H, W, C] from delta[HO, WO, O], w[KH, KW, C], index kept[], i32 count[1]."""
    H, W, C, HO, WO, O, KH, KW = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
        np.int64(row[D + 6]),
        np.int64(row[D + 7]),
    )
    count = i32(memory, row[IN + 3])
    counts[KEPT] += count
    depthwise_backward_input_f32(
        f32(memory, row[OUT], H * W * C),
        f32(memory, row[IN], HO * WO * O),
        f32(memory, row[IN + 1], KH * KW * C),
        indices(memory, row[IN + 2], count),
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_depthwise_update_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """w[KH, KW, C], b[C] from delta[HO, WO, O], x[H, W, C], index kept[], i32 count[1]."""
    H, W, C, HO, WO, O, KH, KW = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
        np.int64(row[D + 6]),
        np.int64(row[D + 7]),
    )
    count = i32(memory, row[IN + 3])
    counts[KEPT] += count
    depthwise_update_f32(
        f32(memory, row[OUT], KH * KW * C),
        f32(memory, row[OUT + 1], C),
        f32(memory, row[IN], HO * WO * O),
        f32(memory, row[IN + 1], H * W * C),
        indices(memory, row[IN + 2], count),
        rate(f[0], sample),
        row[D + 12],
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_depthwise_forward_of_values(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """z[HO, WO, O] from outside x[H, W, C], w[KH, KW, C], b[C]."""
    H, W, C, HO, WO, O, KH, KW = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
        np.int64(row[D + 6]),
        np.int64(row[D + 7]),
    )
    depthwise_forward_f32(
        f32(memory, row[OUT], HO * WO * O),
        of_sample(host.samples_f32, sample, H * W * C),
        f32(memory, row[IN], KH * KW * C),
        f32(memory, row[IN + 1], C),
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_depthwise_update_of_values(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """w[KH, KW, C], b[C] from delta[HO, WO, O], outside x[H, W, C], index kept[], i32 count[1]."""
    H, W, C, HO, WO, O, KH, KW = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
        np.int64(row[D + 6]),
        np.int64(row[D + 7]),
    )
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    depthwise_update_f32(
        f32(memory, row[OUT], KH * KW * C),
        f32(memory, row[OUT + 1], C),
        f32(memory, row[IN], HO * WO * O),
        of_sample(host.samples_f32, sample, H * W * C),
        indices(memory, row[IN + 1], count),
        rate(f[0], sample),
        row[D + 12],
        row[D:F],
    )
    return GO_ON
