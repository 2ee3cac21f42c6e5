"""What runs the instructions of mcuref/kernels/int8/conv.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.int8.conv import conv_backward_input_s8, conv_forward_s8, conv_gradient_s8, conv_update_s8
from mcuref.kernels.jit import kernel
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, i8, i32, u8, words
from mcuref.operators.columns import IN, KEPT, MORE, OUT, D, F


@kernel(inlined=True)
def run_conv_forward_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 z[HO, WO, O], i8 patch[KH, KW, C]?
    from i8 x[H, W, C], i8 w[O, KH, KW, C], i32 b[O], i32 multiplier[O], i8 shift[O], i8 exponents[E]?."""
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
    conv_forward_s8(
        i8(memory, row[OUT], HO * WO * O),
        i8(memory, row[OUT + 1], KH * KW * C),
        i8(memory, row[IN], H * W * C),
        i8(memory, row[IN + 1], O * KH * KW * C),
        words(memory, row[IN + 2], O),
        words(memory, row[IN + 3], O),
        i8(memory, row[IN + 4], O),
        i8(memory, row[MORE[0]], E),
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
def run_conv_backward_input_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i32 dx[H, W, C] from i8 delta[HO, WO, O], i8 w[O, KH, KW, C], u8 share[O], i32 count[1]."""
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
    conv_backward_input_s8(
        words(memory, row[OUT], H * W * C),
        i8(memory, row[IN], HO * WO * O),
        i8(memory, row[IN + 1], O * KH * KW * C),
        u8(memory, row[IN + 2], O),
        row[D + 12],
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_conv_update_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i8 w[O, KH, KW, C], i32 b[O], i8 r[O, KH, KW, C]?, i8 r2[O, KH, KW, C]?, i32 draws[1]?, i32 sums[KH, KW, C]
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
    conv_update_s8(
        i8(memory, row[OUT], O * KH * KW * C),
        words(memory, row[OUT + 1], O),
        i8(memory, row[OUT + 2], O * KH * KW * C),
        i8(memory, row[MORE[0]], O * KH * KW * C),
        words(memory, row[MORE[1]], 1),
        words(memory, row[MORE[2]], KH * KW * C),
        i8(memory, row[IN], HO * WO * O),
        i8(memory, row[IN + 1], H * W * C),
        u8(memory, row[IN + 3], 2 * O),
        words(memory, row[IN + 4], 1),
        i8(memory, row[MORE[3]], E),
        sample.rate,
        row[F],
        row[F + 1],
        row[F + 2],
        row[F + 3],
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_conv_gradient_s8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """i32 a[O, KH, KW, C], i32 a_bias[O], i32 sums[KH, KW, C]
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
    conv_gradient_s8(
        words(memory, row[OUT], O * KH * KW * C),
        words(memory, row[OUT + 1], O),
        words(memory, row[OUT + 2], KH * KW * C),
        i8(memory, row[IN], HO * WO * O),
        i8(memory, row[IN + 1], H * W * C),
        u8(memory, row[IN + 3], 2 * O),
        words(memory, row[IN + 4], 1),
        i8(memory, row[MORE[0]], E),
        row[F],
        row[F + 1],
        row[F + 2],
        row[F + 3],
        row[D:F],
    )
    return GO_ON
