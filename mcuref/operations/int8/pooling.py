"""What runs the instructions of mcuref/kernels/int8/pooling.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.int8.pooling import (
    average_pool_apart_backward_s8,
    average_pool_backward_s8,
    average_pool_forward_s8,
    max_pool_apart_backward_s8,
    max_pool_backward_s8,
    max_pool_forward_s8,
    mean_forward_s8,
)
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8, u8, words
from mcuref.operators.columns import IN, OUT, D, F


@kernel(inlined=True)
def run_max_pool_forward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 y[HO, WO, O], u8 taps[HO, WO, O]? from i8 x[H, W, C]."""
    H, W, C, HO, WO, O = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
    )
    max_pool_forward_s8(
        i8(memory, row[OUT], HO * WO * O),
        u8(memory, row[OUT + 1], HO * WO * O),
        i8(memory, row[IN], H * W * C),
        row[F],
        row[F + 1],
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_average_pool_forward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 y[HO, WO, O] from i8 x[H, W, C]."""
    H, W, C, HO, WO, O = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
    )
    average_pool_forward_s8(i8(memory, row[OUT], HO * WO * O), i8(memory, row[IN], H * W * C), row[F], row[F + 1], row[D:F])
    return GO_ON


@kernel(inlined=True)
def run_mean_forward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 y[O] from i8 x[H, W, C], i8 exponents[E]?, i8 slots[2]?."""
    H, W, C, O, E = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 2]), np.int64(row[D + 5]), np.int64(row[D + 12])
    mean_forward_s8(
        i8(memory, row[OUT], O),
        i8(memory, row[IN], H * W * C),
        i8(memory, row[IN + 1], E),
        i8(memory, row[IN + 2], 2),
        row[F],
        row[F + 1],
        row[F + 2],
        row[F + 3],
        row[F + 4],
        row[F + 5],
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_max_pool_backward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i32 dx[H, W, C] from i8 dy[HO, WO, O], u8 taps[HO, WO, O]."""
    H, W, C, HO, WO, O = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
    )
    max_pool_backward_s8(
        words(memory, row[OUT], H * W * C), i8(memory, row[IN], HO * WO * O), u8(memory, row[IN + 1], HO * WO * O), row[D:F]
    )
    return GO_ON


@kernel(inlined=True)
def run_average_pool_backward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i32 dx[H, W, C] from i8 dy[HO, WO, O]."""
    H, W, C, HO, WO, O = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
    )
    average_pool_backward_s8(words(memory, row[OUT], H * W * C), i8(memory, row[IN], HO * WO * O), row[D:F])
    return GO_ON


@kernel(inlined=True)
def run_max_pool_apart_backward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 dx[H, W, C] from i8 dy[HO, WO, O], u8 taps[HO, WO, O]."""
    H, W, C, HO, WO, O = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
    )
    max_pool_apart_backward_s8(
        i8(memory, row[OUT], H * W * C), i8(memory, row[IN], HO * WO * O), u8(memory, row[IN + 1], HO * WO * O), row[D:F]
    )
    return GO_ON


@kernel(inlined=True)
def run_average_pool_apart_backward_s8(
    row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts
) -> int:
    """i8 dx[H, W, C] from i8 dy[HO, WO, O]."""
    H, W, C, HO, WO, O = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
    )
    average_pool_apart_backward_s8(i8(memory, row[OUT], H * W * C), i8(memory, row[IN], HO * WO * O), row[D:F])
    return GO_ON
