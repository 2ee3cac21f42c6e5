"""What runs the instructions of mcuref/kernels/sample/conv.py. Written by python -m mcuref.export.generate."""

import numpy as np

from mcuref.kernels.jit import kernel
from mcuref.kernels.sample.conv import conv_forward_of, conv_update_of
from mcuref.operations.views import GO_ON, Counts, Floats, Host, Memory, Row, Sample, f32, i32, indices, of_sample, rate
from mcuref.operators.columns import IN, KEPT, OUT, D, F


@kernel(inlined=True)
def run_conv_forward_of_u8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """z[HO, WO, O], patch[KH, KW, C] from outside u8 x[H, W, C], w[O, KH, KW, C], b[O], mean[c], scale[c]."""
    H, W, C, HO, WO, O, KH, KW, c = (
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
    conv_forward_of(
        f32(memory, row[OUT], HO * WO * O),
        f32(memory, row[OUT + 1], KH * KW * C),
        of_sample(host.samples_u8, sample, H * W * C),
        f32(memory, row[IN], O * KH * KW * C),
        f32(memory, row[IN + 1], O),
        f32(memory, row[IN + 2], c),
        f32(memory, row[IN + 3], c),
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_conv_forward_of_i8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """z[HO, WO, O], patch[KH, KW, C] from outside i8 x[H, W, C], w[O, KH, KW, C], b[O], mean[c], scale[c]."""
    H, W, C, HO, WO, O, KH, KW, c = (
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
    conv_forward_of(
        f32(memory, row[OUT], HO * WO * O),
        f32(memory, row[OUT + 1], KH * KW * C),
        of_sample(host.samples_i8, sample, H * W * C),
        f32(memory, row[IN], O * KH * KW * C),
        f32(memory, row[IN + 1], O),
        f32(memory, row[IN + 2], c),
        f32(memory, row[IN + 3], c),
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_conv_forward_of_i16(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """z[HO, WO, O], patch[KH, KW, C]
    from outside i16 x[H, W, C], w[O, KH, KW, C], b[O], mean[c], scale[c]."""
    H, W, C, HO, WO, O, KH, KW, c = (
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
    conv_forward_of(
        f32(memory, row[OUT], HO * WO * O),
        f32(memory, row[OUT + 1], KH * KW * C),
        of_sample(host.samples_i16, sample, H * W * C),
        f32(memory, row[IN], O * KH * KW * C),
        f32(memory, row[IN + 1], O),
        f32(memory, row[IN + 2], c),
        f32(memory, row[IN + 3], c),
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_conv_forward_of_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """z[HO, WO, O], patch[KH, KW, C] from outside x[H, W, C], w[O, KH, KW, C], b[O], mean[c], scale[c]."""
    H, W, C, HO, WO, O, KH, KW, c = (
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
    conv_forward_of(
        f32(memory, row[OUT], HO * WO * O),
        f32(memory, row[OUT + 1], KH * KW * C),
        of_sample(host.samples_f32, sample, H * W * C),
        f32(memory, row[IN], O * KH * KW * C),
        f32(memory, row[IN + 1], O),
        f32(memory, row[IN + 2], c),
        f32(memory, row[IN + 3], c),
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_conv_update_of_u8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """w[O, KH, KW, C], b[O], patch[KH, KW, C]
    from delta[HO, WO, O], outside u8 x[H, W, C], index kept[], i32 count[1], mean[c], scale[c]."""
    H, W, C, HO, WO, O, KH, KW, c = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
        np.int64(row[D + 6]),
        np.int64(row[D + 7]),
        np.int64(row[D + 13]),
    )
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    conv_update_of(
        f32(memory, row[OUT], O * KH * KW * C),
        f32(memory, row[OUT + 1], O),
        f32(memory, row[OUT + 2], KH * KW * C),
        f32(memory, row[IN], HO * WO * O),
        of_sample(host.samples_u8, sample, H * W * C),
        indices(memory, row[IN + 1], count),
        f32(memory, row[IN + 3], c),
        f32(memory, row[IN + 4], c),
        rate(f[0], sample),
        row[D + 12],
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_conv_update_of_i8(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """w[O, KH, KW, C], b[O], patch[KH, KW, C]
    from delta[HO, WO, O], outside i8 x[H, W, C], index kept[], i32 count[1], mean[c], scale[c]."""
    H, W, C, HO, WO, O, KH, KW, c = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
        np.int64(row[D + 6]),
        np.int64(row[D + 7]),
        np.int64(row[D + 13]),
    )
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    conv_update_of(
        f32(memory, row[OUT], O * KH * KW * C),
        f32(memory, row[OUT + 1], O),
        f32(memory, row[OUT + 2], KH * KW * C),
        f32(memory, row[IN], HO * WO * O),
        of_sample(host.samples_i8, sample, H * W * C),
        indices(memory, row[IN + 1], count),
        f32(memory, row[IN + 3], c),
        f32(memory, row[IN + 4], c),
        rate(f[0], sample),
        row[D + 12],
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_conv_update_of_i16(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """w[O, KH, KW, C], b[O], patch[KH, KW, C]
    from delta[HO, WO, O], outside i16 x[H, W, C], index kept[], i32 count[1], mean[c], scale[c]."""
    H, W, C, HO, WO, O, KH, KW, c = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
        np.int64(row[D + 6]),
        np.int64(row[D + 7]),
        np.int64(row[D + 13]),
    )
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    conv_update_of(
        f32(memory, row[OUT], O * KH * KW * C),
        f32(memory, row[OUT + 1], O),
        f32(memory, row[OUT + 2], KH * KW * C),
        f32(memory, row[IN], HO * WO * O),
        of_sample(host.samples_i16, sample, H * W * C),
        indices(memory, row[IN + 1], count),
        f32(memory, row[IN + 3], c),
        f32(memory, row[IN + 4], c),
        rate(f[0], sample),
        row[D + 12],
        row[D:F],
    )
    return GO_ON


@kernel(inlined=True)
def run_conv_update_of_f32(row: Row, f: Floats, memory: Memory, host: Host, sample: Sample, counts: Counts) -> int:
    """w[O, KH, KW, C], b[O], patch[KH, KW, C]
    from delta[HO, WO, O], outside x[H, W, C], index kept[], i32 count[1], mean[c], scale[c]."""
    H, W, C, HO, WO, O, KH, KW, c = (
        np.int64(row[D]),
        np.int64(row[D + 1]),
        np.int64(row[D + 2]),
        np.int64(row[D + 3]),
        np.int64(row[D + 4]),
        np.int64(row[D + 5]),
        np.int64(row[D + 6]),
        np.int64(row[D + 7]),
        np.int64(row[D + 13]),
    )
    count = i32(memory, row[IN + 2])
    counts[KEPT] += count
    conv_update_of(
        f32(memory, row[OUT], O * KH * KW * C),
        f32(memory, row[OUT + 1], O),
        f32(memory, row[OUT + 2], KH * KW * C),
        f32(memory, row[IN], HO * WO * O),
        of_sample(host.samples_f32, sample, H * W * C),
        indices(memory, row[IN + 1], count),
        f32(memory, row[IN + 3], c),
        f32(memory, row[IN + 4], c),
        rate(f[0], sample),
        row[D + 12],
        row[D:F],
    )
    return GO_ON
