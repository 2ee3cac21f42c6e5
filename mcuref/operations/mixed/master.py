"""What runs the instructions of mcuref/kernels/mixed/master.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.jit import kernel
from mcuref.kernels.mixed.master import conv_update_master, dense_update_master, depthwise_update_master
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, f32, i8, i32, u8, words
from mcuref.operators.columns import IN, KEPT, MORE, OUT, D, F


@kernel(inlined=True)
def run_dense_update_master(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 w[O, I], i32 b[O], master[O, I]
    from i8 delta[O], i8 x[I], i32 count[1], u8 rate[2 * M], i32 exponent[1], i8 exponents[E]?."""
    O, I, M, E = np.int64(row[D]), np.int64(row[D + 1]), np.int64(row[D + 2]), np.int64(row[D + 3])
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    dense_update_master(
        i8(memory, row[OUT], O * I),
        words(memory, row[OUT + 1], O),
        f32(memory, row[OUT + 2], O * I),
        i8(memory, row[IN], O),
        i8(memory, row[IN + 1], I),
        u8(memory, row[IN + 3], 2 * M),
        words(memory, row[IN + 4], 1),
        i8(memory, row[MORE[0]], E),
        sample.rate,
        row[F],
        row[F + 1],
        row[F + 2],
        row[F + 3],
    )
    return GO_ON


@kernel(inlined=True)
def run_conv_update_master(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 w[O, KH, KW, C], i32 b[O], master[O, KH, KW, C], i32 sums[KH, KW, C]
    from i8 delta[HO, WO, O], i8 x[H, W, C], i32 count[1], u8 rate[2 * O], i32 exponent[1], i8 exponents[E]?."""
    H, W, C, HO, WO, O, KH, KW, E = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
        np.int64(row[D + 6]),
        np.int64(row[D + 7]),
        np.int64(row[D + 12]),
    )
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    conv_update_master(
        i8(memory, row[OUT], O * KH * KW * C),
        words(memory, row[OUT + 1], O),
        f32(memory, row[OUT + 2], O * KH * KW * C),
        words(memory, row[MORE[0]], KH * KW * C),
        i8(memory, row[IN], HO * WO * O),
        i8(memory, row[IN + 1], H * W * C),
        u8(memory, row[IN + 3], 2 * O),
        words(memory, row[IN + 4], 1),
        i8(memory, row[MORE[1]], E),
        sample.rate,
        row[F],
        row[F + 1],
        row[F + 2],
        row[F + 3],
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_depthwise_update_master(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 w[KH, KW, O], i32 b[O], master[KH, KW, O], i32 sums[KH, KW]
    from i8 delta[HO, WO, O], i8 x[H, W, C], i32 count[1], u8 rate[2 * O], i32 exponent[1], i8 exponents[E]?."""
    H, W, C, HO, WO, O, KH, KW, E = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
        np.int64(row[D + 6]),
        np.int64(row[D + 7]),
        np.int64(row[D + 12]),
    )
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    depthwise_update_master(
        i8(memory, row[OUT], KH * KW * O),
        words(memory, row[OUT + 1], O),
        f32(memory, row[OUT + 2], KH * KW * O),
        words(memory, row[MORE[0]], KH * KW),
        i8(memory, row[IN], HO * WO * O),
        i8(memory, row[IN + 1], H * W * C),
        u8(memory, row[IN + 3], 2 * O),
        words(memory, row[IN + 4], 1),
        i8(memory, row[MORE[1]], E),
        sample.rate,
        row[F],
        row[F + 1],
        row[F + 2],
        row[F + 3],
        row[D:F],
    )
    return GO_ON
