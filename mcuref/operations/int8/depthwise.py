"""What runs the instructions of mcuref/kernels/int8/depthwise.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.int8.depthwise import depthwise_forward_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8, words
from mcuref.operators.columns import IN, OUT, D, F


@kernel(inlined=True)
def run_depthwise_forward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 z[HO, WO, O] from i8 x[H, W, C], i8 w[KH, KW, O], i32 b[O], i32 multiplier[O], i8 shift[O]."""
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
    depthwise_forward_s8(
        i8(memory, row[OUT], HO * WO * O),
        i8(memory, row[IN], H * W * C),
        i8(memory, row[IN + 1], KH * KW * O),
        words(memory, row[IN + 2], O),
        words(memory, row[IN + 3], O),
        i8(memory, row[IN + 4], O),
        row[F],
        row[F + 1],
        row[F + 2],
        row[F + 3],
        row[D:F],
    )
    return GO_ON
